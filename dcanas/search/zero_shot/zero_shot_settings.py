"""Settings of the zero-shot search."""

from __future__ import annotations

from dataclasses import dataclass, fields

from dcanas.basics.errors import UserError
from dcanas.basics.fields import check, choice, number, setting
from dcanas.basics.own_file import OwnFile
from dcanas.proxies.aggregates import AGGREGATES
from dcanas.proxies.proxy_name import ProxyName
from dcanas.search.proposers import check_tournament, proposers

PRIOR = "prior"  # among the names of scores: `dcanas.proxies.prior` judges
OF_SCORES = ("aggregate", "strategy", "evaluations", "population", "tournament", "learning_rate", "baseline_momentum",
             "batch_size")  # settings that the prior does not read


@dataclass(frozen=True)
class ZeroShotSettings(OwnFile):
    """Search by training-free scores (configuration group `search`).

    The default scores were chosen on NAS-Bench-201 under 72 latency limits (docs/results.md). `names=[prior]` judges
    all members within the limits by accuracies published for other images (`dcanas.proxies.prior`).

    Raises `UserError` naming the setting, what is allowed and the value.
    """

    names: tuple[str, ...] = setting(("epe_nas", "synflow", "zen"), "scores that rank (`dcanas list proxies`); [jacov,"
                                                                    "params,zen] if a batch has few images of a "
                                                                    "class; [prior], in nasbench201: accuracies "
                                                                    "published for other images, of all members")
    aggregate: str = choice("log_rank", AGGREGATES, "how their ranks are aggregated")
    strategy: str = choice("evolution", proposers, "how networks are proposed")
    evaluations: int = number(200, 1, 10_000_000, "different networks scored")
    population: int = number(64, 1, 100_000, "networks drawn at random first; so many of the youngest can be mutated",
                             strategy=("evolution",))
    tournament: int = number(10, 1, 100_000, "networks of the population among which the best is mutated",
                             strategy=("evolution",))
    learning_rate: float = number(1e-3, 1e-8, 10, "learning rate of the policy", strategy=("reinforce",))
    baseline_momentum: float = number(0.9, 0, 0.9999, "momentum of the moving average of rewards",
                                      strategy=("reinforce",))
    batch_size: int = number(64, 1, 65_536, "images on which a network is scored")
    pool: int = number(100, 1, 1_000_000, "the best by rank, the first of which may be trained")
    tried: int = number(8, 1, 1000, "the first of the pool, which are trained before one is chosen")
    tried_epochs: int = number(0, 0, 10_000, "epochs of training after which the worse half of them is dropped; the "
                                             "others train twice as long, and so on; 0: the rank decides")
    name: str = choice("zero_shot", ("zero_shot",), "kind of search")

    def __post_init__(self) -> None:
        check(self, "search")
        if not self.names:
            raise UserError("search.names needs at least one training-free score, got none.")
        if PRIOR in self.names and not self.by_prior:
            raise UserError(f"search.names: {PRIOR} judges alone, beside no score (docs/results.md), got "
                            f"{', '.join(self.names)}.")
        asked = [] if self.by_prior else [ProxyName.parse(name) for name in self.names]
        if self.strategy == "evolution":
            check_tournament(self)
        for made in fields(self):
            if self.by_prior and made.name in OF_SCORES and getattr(self, made.name) != made.default:
                raise UserError(f"search.{made.name} is not read with search.names=[{PRIOR}], which judges all members "
                                "within the limits; leave it out, or name training-free scores.")
        needed = max((one.facts.min_images for one in asked), default=1)
        if self.batch_size < needed:
            first = next(one.name for one in asked if one.facts.min_images == needed)
            raise UserError(f"search.batch_size must be at least {needed} for {first}, got {self.batch_size}.")

    @property
    def by_prior(self) -> bool:
        """Whether published accuracies judge in the place of training-free scores."""
        return self.names == (PRIOR,)
