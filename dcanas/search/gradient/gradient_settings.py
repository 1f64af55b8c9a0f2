"""How a search is run: plain numbers, checked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.ranges import Ranges, check_ranges
from dcanas.proxies import Asked
from dcanas.search.gradient.constraints import constraints
from dcanas.search.gradient.strategies import strategies
from dcanas.training.recipe import AMP

RANGES: Ranges = {
    "epochs": (int, 1, 100_000),
    "warmup_epochs": (int, 0, 100_000),
    "continued_epochs": (int, 1, 100_000),
    "batch_size": (int, 2, 65_536),
    "weight_learning_rate": (float, 1e-8, 10),
    "weight_learning_rate_min": (float, 0, 10),
    "momentum": (float, 0, 0.9999),
    "weight_decay": (float, 0, 1),
    "clip_norm": (float, 0, 1e6),
    "alpha_learning_rate": (float, 1e-8, 10),
    "alpha_weight_decay": (float, 0, 1),
    "temperature": (float, 1e-3, 1000),
    "temperature_min": (float, 1e-3, 1000),
    "dirichlet_kl": (float, 0, 1000),
    "beta_decay": (float, 0, 1000),
    "multiplier_learning_rate": (float, 1e-8, 1000),
    "violation_weight": (float, 1e-8, 1e6),
    "hessian_every": (int, 0, 100_000),
    "bottleneck": (int, 1, 64),
    "partial_channels": (int, 1, 64),
    "pool": (int, 1, 1_000_000),
    "finalists": (int, 1, 1000),
    "finalist_epochs": (int, 0, 10_000),
    "rerank_batch_size": (int, 1, 65_536),
    "rerank_evaluations": (int, 0, 10_000_000),
}
ORDERS = ("first", "second", "second_finite")


@dataclass(frozen=True)
class SearchSettings:
    """Differentiable search and the choice among its proposals (configuration group `search`).

    strategy: how alphas become mixing weights (`search.strategies`); warmup_epochs: alphas rest during the first;
    continued_epochs: of a search that goes on from a finished one under other limits.
    order: alphas' gradient at the weights as they are (`first`), or through their next step, exactly (`second`) or by
        the paper's finite difference (`second_finite`).
    Weights: SGD with momentum, cosine from `weight_learning_rate` to `..._min`. Alphas: Adam, betas (0.5, 0.999).
    temperature, temperature_min: of Gumbel-softmax, falling linearly. dirichlet_kl: see `strategies.dirichlet`.
    beta_decay: weight of the mean log-sum-exp of alphas in the last step, growing from 0 (Ye et al., CVPR 2022).
    constraint: what limits do to the loss (`search.constraints`); violation_weight: of `augmented` and `fixed`.
    hessian_every: epochs between two looks at the largest eigenvalue of the Hessian by alphas (0: none).
    bottleneck: factor by which the supernet narrows channels before its candidates (1: not at all).
    partial_channels: only one in so many channels goes through the candidates (PC-DARTS; 1: all do).
    edge_normalisation: edges that meet in a node compete by a softmax of their own (PC-DARTS).
    share: candidates leaving one node are evaluated once for all its edges.
    amp: `auto` computes in bfloat16 where a CUDA device has it; `bf16` everywhere; `off` never. compile: by
        `torch.compile`; mixing weights are its inputs, so it is compiled once. What is differentiated twice (second
        order, the Hessian) is in full precision and not compiled.
    pool: feasible candidates proposed; finalists: how many of them are trained for `finalist_epochs` each
        (0 epochs: the best score decides).
    rerank: training-free scores whose vote orders the pool, and random members beside it until `rerank_evaluations`
        networks are scored (0: the pool alone), before the best become finalists (see `dcanas.search.rerank`);
        rerank_again: scores that then vote on the first 16 and the largest; rerank_batch_size: training images all of
        them look at.
    Raises `UserError` naming the field, its range and the value, and for fields that exclude each other.
    """

    name: str = "differentiable"
    strategy: str = "softmax"
    epochs: int = 30
    warmup_epochs: int = 0
    continued_epochs: int = 6
    batch_size: int = 64
    order: str = "first"
    weight_learning_rate: float = 0.025
    weight_learning_rate_min: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 3e-4
    clip_norm: float = 5.0
    alpha_learning_rate: float = 0.01
    alpha_weight_decay: float = 1e-3
    temperature: float = 10.0
    temperature_min: float = 0.1
    dirichlet_kl: float = 0.0
    beta_decay: float = 0.0
    constraint: str = "dual"
    multiplier_learning_rate: float = 0.1
    violation_weight: float = 1.0
    hessian_every: int = 0
    bottleneck: int = 1
    partial_channels: int = 1
    edge_normalisation: bool = False
    share: bool = True
    amp: str = "auto"
    compile: bool = False
    pool: int = 100
    finalists: int = 6
    finalist_epochs: int = 4
    rerank: tuple[str, ...] = ()
    rerank_again: tuple[str, ...] = ()
    rerank_batch_size: int = 64
    rerank_evaluations: int = 200

    def __post_init__(self) -> None:
        check_ranges(self, "search", RANGES)
        for proxy in (*self.rerank, *self.rerank_again):
            Asked.parse(proxy)
        if self.name != "differentiable":
            raise unknown("search", self.name, ["differentiable"])
        strategy, _ = strategies[self.strategy], constraints[self.constraint]
        if self.order not in ORDERS:
            raise unknown("search order", self.order, ORDERS)
        if self.amp not in AMP:
            raise UserError(f"search.amp must be one of {', '.join(AMP)}, got {self.amp!r}.")
        for name in ("share", "edge_normalisation", "compile"):
            if not isinstance(getattr(self, name), bool):
                raise UserError(f"search.{name} must be true or false, got {getattr(self, name)!r}.")
        if self.warmup_epochs >= self.epochs:
            raise UserError(f"search.warmup_epochs must be less than search.epochs={self.epochs}, or alphas are never "
                            f"searched, got {self.warmup_epochs}.")
        if self.order != "first" and not strategy.differentiable:
            raise UserError(f"search.order={self.order} needs a gradient through the mixing weights, and "
                            f"search.strategy={self.strategy} has none; set search.order=first.")
        if self.compile and strategy.sampled:
            raise UserError(f"search.compile=true would compile every network that search.strategy={self.strategy} "
                            "samples; set it to false.")
        if self.edge_normalisation and not strategy.differentiable:
            raise UserError(f"search.edge_normalisation=true learns through the mixing weights, and search.strategy="
                            f"{self.strategy} has no gradient there; set it to false.")
        if self.dirichlet_kl and self.strategy != "dirichlet":
            raise UserError(f"search.dirichlet_kl means something for search.strategy=dirichlet only, not for "
                            f"{self.strategy}; set it to 0.")
        if self.beta_decay and self.strategy == "dirichlet":
            raise UserError("search.beta_decay holds back the softmax of alphas, which search.strategy=dirichlet does "
                            "not take; set it to 0 and use search.dirichlet_kl.")
        if self.constraint == "augmented" and self.multiplier_learning_rate > self.violation_weight:
            raise UserError("search.constraint=augmented needs search.multiplier_learning_rate of at most "
                            f"search.violation_weight={self.violation_weight:g}, got "
                            f"{self.multiplier_learning_rate:g}.")

    def continued(self) -> SearchSettings:
        """Return the settings of going on from a finished search: the weights hold still, nearly, and alphas move.

        Weights keep the lowest learning rate, Gumbel-softmax the lowest temperature; there is no warm-up.
        """
        return replace(self, epochs=min(self.continued_epochs, self.epochs), warmup_epochs=0,
                       weight_learning_rate=max(self.weight_learning_rate_min, 1e-8), temperature=self.temperature_min)
