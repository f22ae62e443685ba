"""Export of a campaign's results: CSV tables, MLflow runs, SBML."""
