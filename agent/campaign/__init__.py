"""A campaign on disk: folder, registrar, session, budget, status."""
