"""Data sets, splits, recipes and the one training loop."""

from typing import TYPE_CHECKING

from dcanas.basics.lazy import lazy

if TYPE_CHECKING:
    from dcanas.training.augment import make_augment
    from dcanas.training.data import Dataset
    from dcanas.training.dataset_registry import datasets, load_data
    from dcanas.training.loop import batch_bounds, train
    from dcanas.training.metrics import predict, summarise
    from dcanas.training.recipe import Recipe
    from dcanas.training.recipes import recipes
    from dcanas.training.spec import DataSpec
    from dcanas.training.splits import halves
    from dcanas.training.torch_data import from_torch

__getattr__ = lazy(__name__)
