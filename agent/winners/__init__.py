"""The morning after: the winners with their evidence, verification on other networks, and picking onto a branch."""
