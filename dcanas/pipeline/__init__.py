"""The product as one forward list of stages."""
