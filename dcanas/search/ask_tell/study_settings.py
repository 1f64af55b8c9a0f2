"""Settings of studies: sampler, objective, number of trials."""

from __future__ import annotations

from dataclasses import dataclass

from dcanas.basics.errors import UserError
from dcanas.basics.fields import check, choice, declared, is_read, number, setting
from dcanas.basics.own_file import OwnFile
from dcanas.costs.units import cost_unit
from dcanas.search.ask_tell.sampler_registry import samplers
from dcanas.search.proposers import check_tournament

MODELS = ("bo", "proxybo")  # samplers that learn from the trials
DRAWING = ("local", *MODELS)  # samplers that begin with random trials


@dataclass(frozen=True)
class SamplerSettings:
    """How a study proposes; docs/sampling.md has a table of the samplers.

    Raises `UserError` naming the setting, what is allowed and the value.
    """

    sampler: str = choice("proxybo", samplers, "how architectures are proposed")
    proxies: tuple[str, ...] = setting((), "training-free scores that take part in the proposals", sampler=("proxybo",))
    evaluations: int = number(30, 1, 1_000_000, "trials of the study")
    initial: int = number(10, 1, 100_000, "first trials, drawn at random", sampler=DRAWING)
    temperature: float = number(0.05, 1e-4, 100, "first temperature of the softmax over reliabilities",
                                sampler=("proxybo",))
    trees: int = number(25, 2, 10_000, "trees of the random forest", sampler=MODELS)
    drawn: int = number(200, 1, 100_000, "random candidates per proposal if candidates cannot be listed or proxies "
                                         "are computed ...", sampler=MODELS)
    incumbents: int = number(5, 1, 1000, "... and the neighbours of so many of the best", sampler=MODELS)
    population: int = number(20, 2, 10_000, "youngest trials, or those of a generation", sampler=("evolution", "nsga2"))
    tournament: int = number(5, 1, 10_000, "trials of the population among which the best is mutated",
                             sampler=("evolution",))

    def __post_init__(self) -> None:
        check(self, "search")
        if self.sampler == "evolution":
            check_tournament(self)
        if self.first_drawn > self.evaluations:
            raise UserError(f"search.initial first trials must be at most search.evaluations={self.evaluations}, "
                            f"got {self.initial}.")

    @property
    def first_drawn(self) -> int:
        """Number of random trials that the sampler begins with; 0 for one that does not read `initial`."""
        _, about = declared(type(self))["initial"]
        return self.initial if is_read(type(self), about, vars(self)) else 0


@dataclass(frozen=True)
class StudySettings(SamplerSettings, OwnFile):
    """A study in a run (configuration group `search`): `SamplerSettings`, and what a trial does.

    Raises `UserError` naming the setting, what is allowed and the value.
    """

    objective: str = choice("train", ("train", "table"), "what a trial does: train, or look up")
    epochs: int = number(4, 1, 100_000, "epochs of a trial's training", objective=("train",))
    table: str | None = setting(None, "CSV file with the column architecture ...", objective=("table",))
    column: str | None = setting(None, "... and the column to maximise", objective=("table",))
    scores: str = choice("computed", ("computed", "table"), "whether proxies are computed or columns of score_table",
                         sampler=("proxybo",))
    score_table: str | None = setting(None, "CSV file of proxies with the column architecture",
                                      sampler=("proxybo",), scores=("table",))
    batch_size: int = number(64, 2, 65_536, "training images on which proxies are computed",
                             sampler=("proxybo",), scores=("computed",))
    front: tuple[str, ...] = setting((), "costs minimised beside the accuracy", sampler=("nsga2",))
    pool: int = number(100, 1, 1_000_000, "the best trials, from which the finalists are taken")
    finalists: int = number(4, 1, 1000, "trials that are trained again before one is chosen, the largest of the pool "
                                        "among them")
    finalist_epochs: int = number(0, 0, 100_000, "epochs of a finalist's training; 0: the best trial decides")
    name: str = choice("study", ("study",), "kind of search")

    def __post_init__(self) -> None:
        super().__post_init__()
        for needed, by in (("table", self.objective == "table"), ("column", self.objective == "table"),
                           ("score_table", self.scores == "table")):
            if by and not getattr(self, needed):
                raise UserError(f"search.{needed} must be stated for search.objective={self.objective} and "
                                f"search.scores={self.scores}.")
        if self.sampler == "nsga2" and not self.front:
            raise UserError("search.sampler=nsga2 and costs in search.front belong together; name some to minimise.")
        for cost in self.front:
            cost_unit(cost)
