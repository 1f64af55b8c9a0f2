"""Importers of published tables, studies of docs/results.md, measurements: `python -m tools NAME [key=value ...]`."""
