"""How alphas become mixing weights: one small file per strategy, found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcanas.basics.registry import Registry

if TYPE_CHECKING:
    from dcanas.search.gradient.strategies.strategy import Strategy

strategies: Registry[type[Strategy]] = Registry("search strategy", {
    "dirichlet": ("dcanas.search.gradient.strategies.dirichlet:Dirichlet",
                  "Mix all options by a draw from Dirichlet(elu(alpha) + 1) (DrNAS; Chen et al., ICLR 2021, Eq. 3-5)."),
    "gdas": ("dcanas.search.gradient.strategies.gumbel:Gdas",
             "Run one sampled option per slot; its relaxed sample passes the gradient (GDAS)."),
    "gumbel": ("dcanas.search.gradient.strategies.gumbel:Gumbel",
               "Mix all options by a relaxed sample, softmax((alpha + Gumbel noise) / temperature) (SNAS, FBNet)."),
    "single_path": ("dcanas.search.gradient.strategies.single_path:SinglePath",
                    "Train one uniformly drawn member per step (SPOS); alphas learn from sampled losses by REINFORCE."),
    "softmax": ("dcanas.search.gradient.strategies.softmax:Softmax",
                "Mix all options in proportion to exp(alpha) (DARTS; Liu et al., ICLR 2019, Eq. 2)."),
})
