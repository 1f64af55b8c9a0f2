"""Search by training-free scores."""
