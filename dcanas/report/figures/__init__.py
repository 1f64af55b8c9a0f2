"""Figures of a run, drawn by matplotlib, as SVG whose colours follow the page."""
