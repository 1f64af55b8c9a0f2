"""Training-free scores of networks: what each is, computing many together, judging and combining them."""

from importlib import import_module

from dcanas.proxies.proxy import Asked, Proxy, ProxyScore, list_proxies, proxies
from dcanas.proxies.score import score_network

for _name in ("acor", "az_nas", "epe_nas", "fisher", "flops", "gcor", "grad_norm", "grasp", "hessian", "jacob_fro",
              "jacov", "l2_norm", "meco", "near", "nwot", "params", "phi", "plain", "rcor", "snip", "swap", "synflow",
              "wrcor", "zen", "zico"):
    import_module(f"dcanas.proxies.{_name}")  # registers itself

__all__ = ["Asked", "Proxy", "ProxyScore", "list_proxies", "proxies", "score_network"]
