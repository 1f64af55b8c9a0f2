"""How a search is run: plain numbers, checked."""

from __future__ import annotations

from dataclasses import dataclass

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.ranges import Ranges, check_ranges
from dcanas.proxies import Asked
from dcanas.search.strategies import strategies

RANGES: Ranges = {
    "epochs": (int, 1, 100_000),
    "batch_size": (int, 2, 65_536),
    "weight_learning_rate": (float, 1e-8, 10),
    "weight_learning_rate_min": (float, 0, 10),
    "momentum": (float, 0, 0.9999),
    "weight_decay": (float, 0, 1),
    "clip_norm": (float, 0, 1e6),
    "alpha_learning_rate": (float, 1e-8, 10),
    "alpha_weight_decay": (float, 0, 1),
    "multiplier_learning_rate": (float, 1e-8, 1000),
    "bottleneck": (int, 1, 64),
    "pool": (int, 1, 1_000_000),
    "finalists": (int, 1, 1000),
    "finalist_epochs": (int, 0, 10_000),
    "rerank_batch_size": (int, 1, 65_536),
}


@dataclass(frozen=True)
class SearchSettings:
    """Differentiable search and the choice among its proposals (configuration group `search`).

    Weights: SGD with momentum, cosine from `weight_learning_rate` to `..._min`. Alphas: Adam, betas (0.5, 0.999).
    bottleneck: factor by which the supernet narrows channels before its candidates (1: not at all).
    share: candidates leaving one node are evaluated once for all its edges.
    pool: feasible candidates proposed; finalists: how many of them are trained for `finalist_epochs` each
        (0 epochs: the best score decides).
    rerank: training-free scores by which, together with the search's own, the pool is ordered before its best become
        finalists (see `dcanas.search.rerank`); rerank_batch_size: training images they look at.
    Raises `UserError` naming the field, its range and the value.
    """

    name: str = "differentiable"
    strategy: str = "softmax"
    epochs: int = 30
    batch_size: int = 64
    weight_learning_rate: float = 0.025
    weight_learning_rate_min: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 3e-4
    clip_norm: float = 5.0
    alpha_learning_rate: float = 0.01
    alpha_weight_decay: float = 1e-3
    multiplier_learning_rate: float = 0.1
    bottleneck: int = 1
    share: bool = True
    pool: int = 100
    finalists: int = 6
    finalist_epochs: int = 4
    rerank: tuple[str, ...] = ()
    rerank_batch_size: int = 64

    def __post_init__(self) -> None:
        check_ranges(self, "search", RANGES)
        for proxy in self.rerank:
            Asked.parse(proxy)
        if self.name != "differentiable":
            raise unknown("search", self.name, ["differentiable"])
        strategies[self.strategy]
        if not isinstance(self.share, bool):
            raise UserError(f"search.share must be true or false, got {self.share!r}.")
