"""What a training-free score is: a function of one network's passes, and the facts that are known about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.registry import Registry

if TYPE_CHECKING:
    from dcanas.proxies.collect import Collector
    from dcanas.proxies.shared import Shared

Direction = Literal["higher", "lower"]
BatchNorm = Literal["batch", "off", "reset", "not run"]


class UnscorableError(Exception):
    """This network has no such score; the text, a clause, becomes the score's status."""


@dataclass(frozen=True)
class Proxy:
    """A score and what it declares.

    Attributes:
        function: takes the passes of one network (and its option, where it has any) and returns the score.
        direction: which end is said to be better.
        labels: whether it looks at the labels.
        batch_norm: "batch" normalises by the batch (training mode), "off" takes batch norm out, "reset" starts from
            default statistics and weights on a copy, "not run" computes nothing.
        cost: what it takes alone, in forward passes of the batch (a backward pass counts 2).
        paper: where it is from.
        needs: quantities of the shared pass it reads: "forward", "gradients", "jacobian", "hessian".
        collect: what is gathered for it on the way, see `dcanas.proxies.collect`.
        options: what may follow a colon in its name (`wrcor:linear`); numbers where it says "number".
        min_images: smallest batch it is defined for.
    """

    name: str
    function: Callable[..., float]
    direction: Direction
    labels: bool
    batch_norm: BatchNorm
    cost: float
    paper: str
    needs: tuple[str, ...] = ()
    collect: tuple[type[Collector], ...] = ()
    options: tuple[str, ...] = ()
    min_images: int = 1

    @property
    def __name__(self) -> str:  # the registry's key
        return self.name

    def __call__(self, shared: Shared, *options: str) -> float:
        return self.function(shared, *options)


@dataclass(frozen=True)
class ProxyScore:
    """One score: `value` (NaN unless `status` is "ok"), why there is none, and the `seconds` it took.

    seconds: its own work and an equal share of the passes that others used too.
    """

    value: float
    status: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.status == "ok"

    def to_json(self) -> dict[str, Any]:
        """Return JSON types; a score that does not exist is null."""
        return {"value": self.value if math.isfinite(self.value) else None, "status": self.status,
                "seconds": self.seconds}


proxies: Registry[Proxy] = Registry("proxy")


def proxy(*, direction: Direction = "higher", labels: bool, batch_norm: BatchNorm, cost: float, paper: str,
          needs: Sequence[str] = (), collect: Sequence[type[Collector]] = (), options: Sequence[str] = (),
          min_images: int | None = None) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Register a function as the proxy of its own name (decorator); see `Proxy` for the facts."""
    def add(function: Callable[..., float]) -> Callable[..., float]:
        least = min_images if min_images is not None else 2 if batch_norm == "batch" else 1
        proxies.add(Proxy(function.__name__, function, direction, labels, batch_norm, cost, paper, tuple(needs),
                          tuple(collect), tuple(options), least))
        return function
    return add


def list_proxies() -> list[str]:
    """Return the names of all proxies."""
    return sorted(proxies)


@dataclass(frozen=True)
class Asked:
    """A proxy as it was asked for: `wrcor:linear:0.5` is the proxy wrcor with the options linear and 0.5."""

    name: str
    proxy: Proxy = field(repr=False)
    options: tuple[str, ...] = ()

    @classmethod
    def parse(cls, name: str) -> Asked:
        """Read a name; raises `UserError` with the nearest known name or the options there are."""
        base, *options = name.split(":")
        found = proxies[base]
        for option in options:
            if option not in found.options and not ("number" in found.options and _is_number(option)):
                if not found.options:
                    raise UserError(f"The proxy {base} takes no option, got {name!r}: ask for {base!r}.")
                raise unknown(f"option of the proxy {base}", option, found.options)
        return cls(name, found, tuple(options))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
