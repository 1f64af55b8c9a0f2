"""Settings of the search by gradient."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dcanas.basics.errors import UserError
from dcanas.basics.fields import choice, number, setting
from dcanas.search.gradient.constraint_registry import constraints
from dcanas.search.gradient.strategies import strategies
from dcanas.search.rerank_settings import RerankSettings
from dcanas.training.recipe import AMP, AMP_HELP

MIXED = ("softmax", "gumbel", "dirichlet")  # strategies that run all options of a slot
BY_GRADIENT = (*MIXED, "gdas")  # strategies whose mixing weights pass a gradient to alphas


@dataclass(frozen=True)
class SearchSettings(RerankSettings):
    """Search by gradient and the choice among its proposals (configuration group `search`).

    Weights: SGD with momentum, cosine from `weight_learning_rate` to `weight_learning_rate_min`. Alphas: Adam, betas
    (0.5, 0.999). What is differentiated twice (second order, the Hessian) is computed in full precision and not
    compiled. Partial channels and edge normalisation: Xu et al. (ICLR 2020); beta
    decay: Ye et al. (CVPR 2022).

    Raises `UserError` naming the setting, what is allowed and the value.
    """

    name: str = choice("differentiable", ("differentiable",), "kind of search")
    strategy: str = choice("softmax", strategies, "how alphas become mixing weights")
    epochs: int = number(30, 1, 100_000, "epochs of the search")
    warmup_epochs: int = number(0, 0, 100_000, "first epochs, in which only weights are trained")
    continued_epochs: int = number(6, 1, 100_000, "epochs of a finished search under new limits (source=RUN)")
    batch_size: int = number(64, 2, 65_536, "images per step")
    order: str = choice("first", ("first", "second"), "gradient of alphas: at the weights as they are, or through "
                                                      "their next step", strategy=BY_GRADIENT)
    weight_learning_rate: float = number(0.025, 1e-8, 10, "highest learning rate of the weights")
    weight_learning_rate_min: float = number(0.001, 0, 10, "learning rate of the weights at the end")
    momentum: float = number(0.9, 0, 0.9999, "momentum of the weights")
    weight_decay: float = number(3e-4, 0, 1, "weight decay of the weights")
    clip_norm: float = number(5.0, 0, 1e6, "largest norm of the weights' whole gradient; 0: no clipping")
    alpha_learning_rate: float = number(0.01, 1e-8, 10, "learning rate of the alphas")
    alpha_weight_decay: float = number(1e-3, 0, 1, "weight decay of the alphas")
    temperature: float = number(10.0, 1e-3, 1000, "temperature at the beginning, falling linearly ...",
                                strategy=("gumbel", "gdas"))
    temperature_min: float = number(0.1, 1e-3, 1000, "... to this at the end", strategy=("gumbel", "gdas"))
    dirichlet_kl: float = number(0.0, 0, 1000, "weight of the divergence from the flat distribution",
                                 strategy=("dirichlet",))
    beta_decay: float = number(0.0, 0, 1000, "weight of the mean log-sum-exp of alphas, growing linearly from 0",
                               strategy=("softmax", "gumbel", "gdas", "single_path"))
    constraint: str = choice("dual", constraints, "what limits add to the loss of the alphas")
    multiplier_learning_rate: float = number(0.1, 1e-8, 1000, "learning rate of the limits' multipliers",
                                             constraint=("dual", "lookup_graph"))
    violation_weight: float = number(1.0, 1e-8, 1e6, "weight of every limit", constraint=("fixed",))
    hessian_every: int = number(0, 0, 100_000, "epochs between two computations of the Hessian's largest eigenvalue by "
                                               "alphas, a sign of collapse; 0: never")
    bottleneck: int = number(1, 1, 64, "factor by which the supernet reduces channels before its candidates")
    partial_channels: int = number(1, 1, 64, "one in so many channels goes through the candidates (PC-DARTS)")
    edge_normalisation: bool = setting(False, "edges that meet in a node compete by a softmax of their own (PC-DARTS)",
                                       strategy=BY_GRADIENT)
    share: bool = setting(True, "candidates that leave one node are evaluated once for all its edges")
    amp: str = choice("auto", AMP, AMP_HELP)
    compile: bool = setting(False, "compile the supernet with torch.compile", strategy=MIXED)
    pool: int = number(100, 1, 1_000_000, "candidates proposed within the budget")
    finalists: int = number(6, 1, 1000, "candidates that are trained before one is chosen")
    finalist_epochs: int = number(4, 0, 10_000, "epochs of a finalist's training; 0: the best score decides")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.warmup_epochs >= self.epochs:
            raise UserError(f"search.warmup_epochs must be less than search.epochs={self.epochs}, or alphas are never "
                            f"searched, got {self.warmup_epochs}.")

    def continued(self) -> SearchSettings:
        """Return the settings for continuing a finished search: the weights hardly change any more, the alphas do.

        Weights keep the lowest learning rate, Gumbel-softmax the lowest temperature; there is no warm-up.
        """
        cold = self.strategy in ("gumbel", "gdas")
        return replace(self, epochs=min(self.continued_epochs, self.epochs), warmup_epochs=0,
                       weight_learning_rate=max(self.weight_learning_rate_min, 1e-8),
                       temperature=self.temperature_min if cold else self.temperature)
