"""Exports of a campaign: tables, MLflow runs, SBML."""
