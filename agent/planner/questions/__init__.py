"""Questions to a language model or an agent program, and what is read of the answers."""
