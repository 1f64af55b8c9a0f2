"""Differentiable search: a supernet whose architecture parameters are optimised by gradient under several limits."""
