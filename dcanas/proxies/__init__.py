"""Training-free scores of networks: what each is, computing many together, judging and combining them."""

from typing import TYPE_CHECKING

from dcanas.basics.lazy import lazy

if TYPE_CHECKING:
    from dcanas.proxies.proxy import Facts, Proxy, ProxyScore
    from dcanas.proxies.proxy_name import ProxyName
    from dcanas.proxies.proxy_registry import list_proxies, proxies
    from dcanas.proxies.score import score_network

__getattr__ = lazy(__name__)
