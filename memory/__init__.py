"""The ledger of experiments and findings, and how it reads to a person."""
