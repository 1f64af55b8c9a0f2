"""Data sets, splits, recipes and the one training loop.

What needs torch is imported when it is first asked for: listing data sets and checking settings stay quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dcanas.training import cifar, digits, fashion_mnist, folder, imagenet, imagenet16, svhn, tiny_imagenet  # noqa: F401
from dcanas.training.data import Dataset, DataSpec, datasets, load_data
from dcanas.training.recipe import Recipe
from dcanas.training.splits import halves

if TYPE_CHECKING:
    from dcanas.training.augment import make_augment
    from dcanas.training.loop import batch_bounds, train
    from dcanas.training.metrics import predict, summarise

_WITH_TORCH = {"make_augment": "augment", "batch_bounds": "loop", "train": "loop",
               "predict": "metrics", "summarise": "metrics"}

__all__ = ["DataSpec", "Dataset", "Recipe", "batch_bounds", "datasets", "halves", "load_data",
           "make_augment", "predict", "summarise", "train"]


def __getattr__(name: str) -> Any:
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WITH_TORCH[name]}"), name)
