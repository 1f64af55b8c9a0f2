"""Figures of a run, drawn by matplotlib: as SVG for pages (colours follow the page), as PNG for TensorBoard."""
