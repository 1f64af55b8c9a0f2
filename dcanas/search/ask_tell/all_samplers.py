"""Imports every sampler, so that it is found by name."""

from importlib import import_module

for _name in ("samplers", "reinforce", "proxybo", "brp_nas"):
    import_module(f"dcanas.search.ask_tell.{_name}")  # registers itself
