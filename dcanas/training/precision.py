"""Half precision and compilation of a forward pass, in training and in search."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch

from dcanas.basics.errors import UserError


def autocast(device: torch.device, amp: str, setting: str) -> Callable[[], AbstractContextManager]:
    """Return a function that makes the context in which the forward pass runs.

    Args:
        amp: "auto" (bfloat16 if a CUDA device supports it), "bf16" or "off".
        setting: name of the setting, for messages.

    Raises `UserError` if bfloat16 is requested and not supported.
    """
    able = device.type == "cpu" or (device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False))
    if amp == "bf16" and not able:
        raise UserError(f"{setting}=bf16, but this {device.type} device has no bfloat16; use {setting}=off.")
    if amp == "bf16" or (amp == "auto" and device.type == "cuda" and able):
        return partial(torch.autocast, device.type, torch.bfloat16)
    return nullcontext


@contextmanager
def compile_advice(compiled: bool, setting: str) -> Iterator[None]:
    """Turn a failure of torch's compiler into a `UserError`.

    Args:
        compiled: whether anything is compiled; if not, nothing is caught.
        setting: name of the setting, for the message.
    """
    try:
        yield
    except Exception as error:
        if not compiled or not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise
        reason = next((line.strip().rstrip(".") for line in str(error).splitlines() if line.strip()), "")
        raise UserError(f"{setting}=true does not work here ({reason[:200]}); install what is missing, often a C++ "
                        f"compiler such as g++, or set {setting}=false.") from error
