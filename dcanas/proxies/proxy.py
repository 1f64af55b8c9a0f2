"""What a training-free score is: a function of one network's passes, and the facts that are known about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from dcanas.proxies.collect import Collector
    from dcanas.proxies.shared import Shared

Direction = Literal["higher", "lower"]
BatchNorm = Literal["batch", "off", "reset", "not run"]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known about a score without computing it.

    Attributes:
        labels: whether it looks at the labels.
        cost: what it takes alone, in forward passes of the batch (a backward pass counts 2).
        paper: where it is from.
        batch_norm: "batch" normalises by the batch (training mode), "off" takes batch norm out, "reset" starts from
            default statistics and weights on a copy, "not run" computes nothing.
        direction: which end is said to be better.
        options: what may follow a colon in its name (`wrcor:linear`); any number if "number" is among them.
        min_images: smallest batch that it is defined for.
    """

    labels: bool
    cost: float
    paper: str
    batch_norm: BatchNorm = "batch"
    direction: Direction = "higher"
    options: tuple[str, ...] = ()
    min_images: int = 2


@dataclass(frozen=True, kw_only=True)
class Proxy(Facts):
    """A score: a function, its facts and what it reads.

    Attributes:
        function: takes the passes of one network (and the options asked for) and returns the score.
        needs: quantities of the shared pass that it reads: "forward", "gradients", "jacobian", "hessian"; none if it
            runs passes of its own.
        collect: what is gathered for it during that pass, see `dcanas.proxies.collect`.
    """

    function: Callable[..., float]
    needs: tuple[str, ...]
    collect: tuple[type[Collector], ...]

    def __post_init__(self) -> None:  # seen from outside it is its function
        vars(self).update({name: getattr(self.function, name) for name in ("__name__", "__module__", "__doc__")})

    def __call__(self, shared: Shared, *options: str) -> float:
        return self.function(shared, *options)


def proxy(facts: Facts, *, needs: Sequence[str] = (),
          collect: Sequence[type[Collector]] = ()) -> Callable[[Callable[..., float]], Proxy]:
    """Return a decorator that makes a function a `Proxy` of the same name; see there for the arguments."""
    def make(function: Callable[..., float]) -> Proxy:
        return Proxy(function=function, needs=tuple(needs), collect=tuple(collect), **vars(facts))
    return make


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
        """Whether there is a value."""
        return self.status == "ok"

    def to_json(self) -> dict[str, Any]:
        """Return JSON types; a score that does not exist is null."""
        return {"value": self.value if math.isfinite(self.value) else None, "status": self.status,
                "seconds": self.seconds}
