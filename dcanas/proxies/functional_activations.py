"""Interception of activations that are called as functions (`F.relu(x)`, `x.relu_()`), without a module to hook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

NAMES = ("relu", "relu6", "leaky_relu", "prelu", "elu", "celu", "selu", "silu", "gelu", "hardswish", "mish", "softplus",
         "tanh")  # the functions of `collect.ACTIVATIONS`
FUNCTIONS = {function: name.endswith("_") for name in (*NAMES, *(f"{name}_" for name in NAMES))
             for place in (F, torch, Tensor) if callable(function := getattr(place, name, None))}  # -> in place?


class FunctionalActivations(TorchFunctionMode):
    """While active, intercepts every activation that is called as a function.

    Args:
        entering: receives the input and returns the tensor that the function is called with instead.
        left: receives input and output.
    """

    def __init__(self, entering: Callable[[Tensor], Tensor], left: Callable[[Tensor, Tensor], None]):
        super().__init__()
        self._entering, self._left = entering, left

    def __torch_function__(self, function: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:
        options = dict(kwargs or {})
        if function not in FUNCTIONS or not (args or "input" in options):
            return function(*args, **options)
        given = args[0] if args else options["input"]
        in_place = FUNCTIONS[function] or bool(options.get("inplace")) or any(a is True for a in args[1:])
        seen = self._entering(given.clone() if in_place else given)
        work = seen.clone() if in_place else seen  # only a copy is overwritten, not the input that `left` receives
        output = function(work, *args[1:], **options) if args else function(**{**options, "input": work})
        self._left(seen.detach(), output.detach())
        return given.copy_(output) if in_place else output
