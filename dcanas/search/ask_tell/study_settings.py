"""How a study proposes, what its trials do and how long it goes on: plain values, checked."""

from __future__ import annotations

from dataclasses import dataclass, field

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.ranges import Ranges, check_ranges
from dcanas.costs.budget import cost_unit

RANGES: Ranges = {
    "evaluations": (int, 1, 1_000_000),
    "initial": (int, 1, 100_000),
    "warm_up": (int, 0, 1_000_000),
    "temperature": (float, 1e-4, 100),
    "trees": (int, 2, 10_000),
    "drawn": (int, 1, 100_000),
    "incumbents": (int, 1, 1000),
    "population": (int, 2, 10_000),
    "tournament": (int, 1, 10_000),
    "moves": (int, 1, 10_000),
    "learning_rate": (float, 1e-6, 10),
    "baseline_momentum": (float, 0, 0.9999),
    "batch": (int, 1, 1000),
}
DYNAMICS = ("measured", "frozen", "fixed")


@dataclass(frozen=True)
class SamplerSettings:
    """Who proposes and how.

    Attributes:
        sampler: a name of the table in docs/sampling.md.
        proxies: scores that have a say.
        evaluations: trials of the study; the first `initial` of them are drawn at random.
        warm_up: where it is not 0, the first trials are the best of that many random candidates by the mean rank of
            the proxies instead (warm-up of Abdelfattah et al., ICLR 2021).
        dynamics: influences are "measured" anew before every proposal, "frozen" as after the first trials, or "fixed"
            by `weights` (proxy or "surrogate" -> weight; equal ones where it is empty).
        temperature: tau_0 of the softmax over reliabilities. trees: of the random forest.
        drawn, incumbents: where candidates cannot be listed, so many random ones and all neighbours of so many of
            the best are candidates.
        population, tournament: of ageing evolution. moves: children (of local search: neighbours) among which the
            proxies' mean rank chooses one (1: none of their business).
        learning_rate, baseline_momentum: of REINFORCE. batch: proposals between two trainings of BRP-NAS's predictor.
    Raises `UserError` naming the field, its range and the value.
    """

    sampler: str = "proxybo"
    proxies: tuple[str, ...] = ()
    evaluations: int = 100
    initial: int = 10
    warm_up: int = 0
    dynamics: str = "measured"
    weights: dict[str, float] = field(default_factory=dict)
    temperature: float = 0.05
    trees: int = 25
    drawn: int = 200
    incumbents: int = 5
    population: int = 20
    tournament: int = 5
    moves: int = 1
    learning_rate: float = 0.05
    baseline_momentum: float = 0.9
    batch: int = 10

    def __post_init__(self) -> None:
        check_ranges(self, "search", RANGES)
        if self.dynamics not in DYNAMICS:
            raise UserError(f"search.dynamics must be one of {', '.join(DYNAMICS)}, got {self.dynamics!r}.")
        if self.weights and self.dynamics != "fixed":
            raise UserError("search.weights are the influences of search.dynamics=fixed; set that, or drop them.")
        for name, weight in self.weights.items():
            if name not in (*self.proxies, "surrogate"):
                raise UserError(f"search.weights names {name!r}, which is neither surrogate nor one of search.proxies "
                                f"({', '.join(self.proxies) or 'none'}).")
            if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < 1e6:
                raise UserError(f"search.weights.{name} must be a number from 0, got {weight!r}.")
        if self.weights and sum(self.weights.values()) <= 0:
            raise UserError("search.weights must not all be 0.")
        if self.tournament > self.population:
            raise UserError(f"search.tournament draws from search.population members, so it must be at most "
                            f"{self.population}, got {self.tournament}.")
        if self.initial > self.evaluations:
            raise UserError(f"search.initial first trials must be at most search.evaluations={self.evaluations}, "
                            f"got {self.initial}.")
        if (self.warm_up or self.moves > 1) and not self.proxies:
            raise UserError("search.warm_up and search.moves let proxies choose; name some in search.proxies.")


OBJECTIVES = ("train", "table", "inherited")
SCORES = ("computed", "table")
STUDY_RANGES: Ranges = {
    "epochs": (int, 1, 100_000),
    "first_rung": (int, 0, 100_000),
    "batch_size": (int, 2, 65_536),
    "recalibration_images": (int, 2, 1_000_000),
    "pool": (int, 1, 1_000_000),
    "finalists": (int, 1, 1000),
    "finalist_epochs": (int, 0, 100_000),
}


@dataclass(frozen=True)
class StudySettings(SamplerSettings):
    """A study in a run (configuration group `search`): `SamplerSettings` and

    objective: what a trial does: "train" for `epochs` of the recipe, "table" looks `column` of the CSV file `table` up,
        "inherited" takes the weights of the run directory `supernet`, a finished search=elastic.
    first_rung: epochs after which successive halving first looks at a training (0: never), then at 3, 9, ... times
        that.
    scores: the proxies are "computed" on `batch_size` training images, or columns of the CSV file `score_table`.
        params and macs are always counted.
    recalibration_images: training images that set the batch norms of inherited weights.
    front: costs that are minimised beside the accuracy (sampler nsga2).
    pool, finalists, finalist_epochs: of the best `pool` trials and the largest among them `finalists` are trained again
        for so many epochs (0 epochs: the best trial decides).
    """

    objective: str = "train"
    epochs: int = 4
    first_rung: int = 0
    table: str | None = None
    column: str | None = None
    scores: str = "computed"
    score_table: str | None = None
    batch_size: int = 64
    supernet: str | None = None
    recalibration_images: int = 512
    front: tuple[str, ...] = ()
    pool: int = 100
    finalists: int = 4
    finalist_epochs: int = 0
    name: str = "study"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, "search", STUDY_RANGES)
        if self.name != "study":
            raise unknown("search", self.name, ["study"])
        if self.objective not in OBJECTIVES:
            raise unknown("search.objective", self.objective, OBJECTIVES)
        if self.scores not in SCORES:
            raise unknown("search.scores", self.scores, SCORES)
        for needed, by in (("table", self.objective == "table"), ("column", self.objective == "table"),
                           ("supernet", self.objective == "inherited"), ("score_table", self.scores == "table")):
            if by and not getattr(self, needed):
                raise UserError(f"search.{needed} must be stated for search.objective={self.objective} and "
                                f"search.scores={self.scores}.")
        if self.first_rung and (self.objective != "train" or self.front):
            raise UserError("search.first_rung stops trainings early; that is for search.objective=train without a "
                            "search.front.")
        if bool(self.front) != (self.sampler == "nsga2"):
            raise UserError("search.front and search.sampler=nsga2 belong together: a front needs that sampler, and it "
                            f"needs costs; got {', '.join(self.front) or 'no front'} with {self.sampler}.")
        for cost in self.front:
            cost_unit(cost)
