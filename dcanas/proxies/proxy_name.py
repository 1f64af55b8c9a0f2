"""A proxy's name as it is written, with options: `wrcor:linear:0.5`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dcanas.basics.errors import UserError, unknown
from dcanas.proxies.proxy import Facts, Proxy
from dcanas.proxies.proxy_registry import facts_of, proxies


@dataclass(frozen=True)
class ProxyName:
    """A name that was checked: `wrcor:linear:0.5` is the proxy wrcor with the options linear and 0.5."""

    name: str
    options: tuple[str, ...] = ()

    @classmethod
    def parse(cls, name: str) -> ProxyName:
        """Check a name; raises `UserError` with the nearest known name or the options there are."""
        base, *options = name.split(":")
        known = facts_of(base).options
        for option in options:
            if option not in known and not ("number" in known and _is_number(option)):
                if not known:
                    raise UserError(f"The proxy {base} takes no option, got {name!r}: ask for {base!r}.")
                raise unknown(f"option of the proxy {base}", option, known)
        return cls(name, tuple(options))

    @property
    def base(self) -> str:
        """The name without options."""
        return self.name.partition(":")[0]

    @property
    def facts(self) -> Facts:
        """What is known about the proxy; nothing is imported for it."""
        return facts_of(self.base)

    @property
    def proxy(self) -> Proxy:
        """The proxy itself."""
        return proxies[self.base]


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
