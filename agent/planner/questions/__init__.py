"""Questions to a language model or an agent program, and the reading of the answers."""
