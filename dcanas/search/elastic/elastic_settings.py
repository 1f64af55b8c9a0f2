"""How an elastic supernet is trained and searched: plain numbers, checked."""

from __future__ import annotations

from dataclasses import dataclass

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.ranges import Ranges, check_ranges
from dcanas.proxies import Asked

RANGES: Ranges = {
    "epochs": (int, 1, 100_000),
    "batch_size": (int, 2, 65_536),
    "learning_rate": (float, 1e-8, 10),
    "warmup_epochs": (float, 0, 1000),
    "momentum": (float, 0, 0.9999),
    "weight_decay": (float, 0, 1),
    "clip_norm": (float, 0, 1e6),
    "random_members": (int, 0, 64),
    "recalibration_images": (int, 2, 1_000_000),
    "evaluations": (int, 1, 1_000_000),
    "population": (int, 2, 10_000),
    "tournament": (int, 1, 10_000),
    "finalists": (int, 1, 1000),
    "finalist_epochs": (int, 0, 10_000),
    "rerank_batch_size": (int, 1, 65_536),
    "rerank_evaluations": (int, 0, 10_000_000),
}


@dataclass(frozen=True)
class ElasticSettings:
    """An elastic supernet and the evolution among its members (configuration group `search`).

    Weights: SGD with momentum, warm-up, cosine from `learning_rate` to 0. Every step trains the largest member on the
    labels, the smallest and `random_members` others on the largest's answers.
    recalibration_images: training images by which a member's batch norms are set before it is judged.
    evaluations: distinct members within the budget that are judged; the first `population` of them at random, each
        other a mutation of the best of `tournament` members drawn from the youngest `population`.
    finalists: how many of them are trained on for `finalist_epochs` each (0 epochs: the judged accuracy decides).
    inherit: finalists and the final training start from the supernet's weights.
    rerank: training-free scores whose vote orders the pool, and random members beside it until `rerank_evaluations`
        networks are scored (0: the pool alone), before the best become finalists (see `dcanas.search.rerank`);
        rerank_again: scores that then vote on the first 16 and the largest; rerank_batch_size: training images all of
        them look at.
    Raises `UserError` naming the field, its range and the value.
    """

    name: str = "elastic"
    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 0.1
    warmup_epochs: float = 2
    momentum: float = 0.9
    weight_decay: float = 1e-4
    clip_norm: float = 5.0
    random_members: int = 2
    recalibration_images: int = 512
    evaluations: int = 120
    population: int = 40
    tournament: int = 8
    finalists: int = 4
    finalist_epochs: int = 4
    rerank: tuple[str, ...] = ()
    rerank_again: tuple[str, ...] = ()
    rerank_batch_size: int = 64
    rerank_evaluations: int = 200
    inherit: bool = True

    def __post_init__(self) -> None:
        check_ranges(self, "search", RANGES)
        for proxy in (*self.rerank, *self.rerank_again):
            Asked.parse(proxy)
        if self.name != "elastic":
            raise unknown("search", self.name, ["elastic"])
        if not isinstance(self.inherit, bool):
            raise UserError(f"search.inherit must be true or false, got {self.inherit!r}.")
        if self.tournament > self.population:
            raise UserError(f"search.tournament draws from search.population members, so it must be at most "
                            f"{self.population}, got {self.tournament}.")

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """Return the learning rate of a step (from 0)."""
        from dcanas.training import Recipe

        return Recipe(epochs=self.epochs, learning_rate=self.learning_rate,
                      warmup_epochs=self.warmup_epochs).rate(step, steps_per_epoch)
