"""Where a latency comes from before a network is trained."""
