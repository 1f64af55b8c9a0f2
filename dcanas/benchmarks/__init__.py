"""Searches compared on published tables: what tools and `dcanas bench` run, and no stage of the product."""
