"""This process's place among those that a launcher such as `torchrun` started together, read from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass

from dcanas.basics.errors import UserError

REQUIRED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # torchrun sets all of them


@dataclass(frozen=True)
class Launch:
    """Number of this process and of all processes, over all machines (`rank`, `count`) and on this one (`local_`)."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1


def read_launch() -> Launch:
    """Return the place that the launcher's variables give this process.

    Without all of `REQUIRED` there is no other process to join: variables that are empty or left over from another
    launcher count as one process.
    Raises `UserError` if one of them is not a number in its range.
    """
    if not all(os.environ.get(name) for name in REQUIRED):
        return Launch()
    count = _number("WORLD_SIZE", 1, 65_536)
    return Launch(_number("RANK", 0, count - 1), count, _number("LOCAL_RANK", 0, count - 1),
                  _number("LOCAL_WORLD_SIZE", 1, count))


def _number(name: str, low: int, high: int) -> int:
    """Return a variable's value, the least allowed if it is unset or empty."""
    text = os.environ.get(name) or str(low)
    if not text.isdecimal() or not low <= int(text) <= high:
        raise UserError(f"The environment variable {name} must be a whole number from {low} to {high}, got {text!r}; "
                        "start with torchrun, which sets it, or unset RANK and WORLD_SIZE to run as one process.")
    return int(text)
