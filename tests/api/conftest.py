"""One run from arrays, made in a thread that is not the main one; all tests of the API look at it."""

from __future__ import annotations

import contextlib
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from shortcuts import quick
from tiny_run import DEVICE, TINY

import dcanas


@dataclass(frozen=True)
class Made:
    """A run and what could be seen of it from outside; `state` of torch is (before, after)."""

    run: dcanas.Run
    state: tuple[list[Any], list[Any]]
    printed: str


def torch_state() -> list[Any]:
    """Return torch's global state of the thread that asks."""
    return [torch.get_num_threads(), torch.get_deterministic_debug_mode(), torch.are_deterministic_algorithms_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory, torch.get_rng_state().tolist(),
            torch.is_grad_enabled(), torch.get_default_dtype()]


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Real digits: uint8 (N, 8, 8) and labels, 3 to 9, a number of images per class that takes seconds."""
    from sklearn.datasets import load_digits

    raw = load_digits()
    kept = np.flatnonzero(raw.target >= 3)[:600]
    return np.rint(raw.images[kept] * (255 / 16)).astype(np.uint8), raw.target[kept]


@pytest.fixture(scope="session")
def made(digits, tmp_path_factory) -> Made:
    """A finished run of `digits` under a limit on parameters; tests do not change it."""
    folder = tmp_path_factory.mktemp("api") / "run"

    def work() -> tuple[dcanas.Run, list[Any], list[Any]]:
        torch.set_num_threads(1)
        before = torch_state()
        run = dcanas.run(digits, DEVICE, {"params": "8k"}, seed=3, directory=folder, settings=TINY)
        return run, before, torch_state()

    printed = io.StringIO()
    with (quick(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed),
          ThreadPoolExecutor(1) as pool):
        run, before, after = pool.submit(work).result()
    return Made(run, (before, after), printed.getvalue())
