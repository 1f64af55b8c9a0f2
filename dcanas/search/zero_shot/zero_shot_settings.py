"""What votes in a zero-shot search and how networks are proposed: plain values, checked."""

from __future__ import annotations

from dataclasses import dataclass

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.ranges import Ranges, check_ranges
from dcanas.proxies.initialisation import check_initialisation
from dcanas.proxies.proxy import Asked
from dcanas.proxies.votes import AGGREGATES
from dcanas.search.zero_shot.proposers import proposers

IMAGES = ("data", "noise")
RANGES: Ranges = {
    "evaluations": (int, 1, 10_000_000),
    "population": (int, 1, 100_000),
    "tournament": (int, 1, 100_000),
    "learning_rate": (float, 1e-8, 10),
    "baseline_momentum": (float, 0, 0.9999),
    "batch_size": (int, 1, 65_536),
    "pool": (int, 1, 1_000_000),
    "finalists": (int, 1, 1000),
    "finalist_epochs": (int, 0, 10_000),
}


@dataclass(frozen=True)
class ZeroShotSettings:
    """Search by training-free scores (configuration group `search`).

    names: proxies that vote; aggregate: how: "borda" (sum of ranks), "log_rank", "worst_rank", "copeland" or
        "majority".
    strategy: "random", "evolution" or "reinforce". evaluations: different networks scored.
    population, tournament: of ageing evolution. learning_rate, baseline_momentum: of REINFORCE.
    batch_size, images: how many of the training images ("data") or of normal noise ("noise") a network is scored on.
    initialisation: how its weights are drawn, see `dcanas.proxies.initialisation`.
    pool, finalists, finalist_epochs: of the best `pool` by vote and the largest among them `finalists` are trained for
        so many epochs; their ranks by vote and on the validation split decide (0 epochs: the vote decides).
    The default vote was chosen on NAS-Bench-201 under 72 latency limits (tools/choose_votes.py, docs/results.md).
    Raises `UserError` naming the field, its range and the value.
    """

    names: tuple[str, ...] = ("epe_nas", "synflow", "zen")
    aggregate: str = "log_rank"
    strategy: str = "evolution"
    evaluations: int = 1000
    population: int = 64
    tournament: int = 10
    learning_rate: float = 1e-3
    baseline_momentum: float = 0.9
    batch_size: int = 64
    images: str = "data"
    initialisation: str = "default"
    pool: int = 100
    finalists: int = 4
    finalist_epochs: int = 0
    name: str = "zero_shot"

    def __post_init__(self) -> None:
        check_ranges(self, "search", RANGES)
        if self.name != "zero_shot":
            raise unknown("search", self.name, ["zero_shot"])
        if not self.names:
            raise UserError("Zero-shot search needs at least one proxy to vote, got none.")
        asked = [Asked.parse(name) for name in self.names]
        if self.aggregate not in AGGREGATES:
            raise unknown("search.aggregate", self.aggregate, AGGREGATES)
        _ = proposers[self.strategy]
        if self.images not in IMAGES:
            raise unknown("search.images", self.images, IMAGES)
        check_initialisation(self.initialisation)
        if self.tournament > self.population:
            raise UserError(f"search.tournament draws from search.population networks, so it must be at most "
                            f"{self.population}, got {self.tournament}.")
        needed = max(one.proxy.min_images for one in asked)
        if self.batch_size < needed:
            first = next(one.name for one in asked if one.proxy.min_images == needed)
            raise UserError(f"search.batch_size must be at least {needed} for {first}, got {self.batch_size}.")
