"""Search among the slices of one elastic supernet."""
