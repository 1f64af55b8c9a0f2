"""Measuring exported networks: latency, by operator and by block."""
