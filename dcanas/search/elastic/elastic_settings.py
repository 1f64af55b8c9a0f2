"""How an elastic supernet is trained and searched: settings, checked."""

from __future__ import annotations

from dataclasses import dataclass

from dcanas.basics.fields import choice, number, setting
from dcanas.search.proposers import check_tournament
from dcanas.search.rerank_settings import RerankSettings


@dataclass(frozen=True)
class ElasticSettings(RerankSettings):
    """An elastic supernet and the evolution among its members (configuration group `search`).

    Weights: SGD with momentum, warm-up, cosine from `learning_rate` to 0. Every step trains the largest member on the
    labels, the smallest and `random_members` others on the outputs of the largest.

    Raises `UserError` naming the setting, what is allowed and the value.
    """

    name: str = choice("elastic", ("elastic",), "kind of search")
    epochs: int = number(30, 1, 100_000, "epochs of the supernet's training")
    batch_size: int = number(64, 2, 65_536, "images per step")
    learning_rate: float = number(0.1, 1e-8, 10, "highest learning rate")
    warmup_epochs: float = number(2, 0, 1000, "epochs in which the learning rate rises linearly from 0")
    momentum: float = number(0.9, 0, 0.9999, "momentum of SGD")
    weight_decay: float = number(1e-4, 0, 1, "weight decay")
    clip_norm: float = number(5.0, 0, 1e6, "largest norm of the whole gradient; 0: no clipping")
    random_members: int = number(2, 0, 64, "random members trained in every step, beside the largest and the smallest")
    recalibration_images: int = number(512, 2, 1_000_000, "training images that recalibrate a member's batch norms")
    evaluations: int = number(120, 1, 1_000_000, "different members within the budget that are evaluated")
    population: int = number(40, 2, 10_000, "members drawn at random first; so many of the youngest can be mutated")
    tournament: int = number(8, 1, 10_000, "members of the population among which the best is mutated")
    finalists: int = number(4, 1, 1000, "members that are trained further before one is chosen")
    finalist_epochs: int = number(4, 0, 10_000, "epochs of a finalist's training; 0: the inherited accuracy decides")
    inherit: bool = setting(True, "finalists and the final training start from the supernet's weights")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_tournament(self)
