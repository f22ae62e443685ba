"""The ledger of experiments and findings, and the texts rendered from it."""
