"""Door for coding assistants: a server of the Model Context Protocol."""
