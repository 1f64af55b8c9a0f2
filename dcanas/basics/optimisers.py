"""torch's optimisers without its compiler, which they import when they are made and at every step.

torch's methods ask the compiler to leave them alone, also where nothing is compiled; importing it takes longer than
importing torch itself, in every process. Nothing here compiles an optimiser. Steps go through all tensors together
(`foreach`), which is faster than one by one and the same to the bit.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch.optim import SGD, Adam, AdamW, Optimizer

Made = TypeVar("Made", bound=Optimizer)
LEFT_ALONE = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")


def sgd(parameters: Any, **options: Any) -> SGD:
    """Return `torch.optim.SGD`; options: its own."""
    return _made(_Sgd, parameters, options)


def adam(parameters: Any, **options: Any) -> Adam:
    """Return `torch.optim.Adam`; options: its own."""
    return _made(_Adam, parameters, options)


def adamw(parameters: Any, **options: Any) -> AdamW:
    """Return `torch.optim.AdamW`; options: its own."""
    return _made(_AdamW, parameters, options)


def _made(kind: type[Made], parameters: Any, options: dict[str, Any]) -> Made:
    """Return an optimiser; a version of torch that does otherwise imports its compiler, and nothing else changes."""
    for name in LEFT_ALONE:
        method = getattr(getattr(Optimizer, name), "__wrapped__", None)
        if method is not None and not hasattr(method, "__dynamo_disable"):
            method.__dynamo_disable = method  # where torch looks for what it has made of it
    return kind(parameters, **{"foreach": True, **options})


def _step(kind: type[Optimizer]) -> Callable[[Optimizer], None]:
    own = inspect.unwrap(kind.step)

    def step(self: Optimizer) -> None:
        with torch.no_grad():
            own(self)

    return step


class _Sgd(SGD):
    step = _step(SGD)  # type: ignore[assignment]


class _Adam(Adam):
    step = _step(Adam)  # type: ignore[assignment]


class _AdamW(AdamW):
    step = _step(AdamW)  # type: ignore[assignment]
