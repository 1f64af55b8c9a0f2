"""Devices: profiles, and what is known of the machine at hand."""
