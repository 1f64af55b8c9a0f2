"""The whole way, in order. Each stage finds its inputs on disk, and what it has made before is not made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dcanas.pipeline.certify import certify
from dcanas.pipeline.compare import compare
from dcanas.pipeline.context import Context
from dcanas.pipeline.derive import derive
from dcanas.pipeline.export import export
from dcanas.pipeline.feasibility import feasibility
from dcanas.pipeline.profile import profile
from dcanas.pipeline.quantise import quantise
from dcanas.pipeline.report import reported
from dcanas.pipeline.reuse import adopt
from dcanas.pipeline.robustness import robustness
from dcanas.pipeline.search import search, search_with_others
from dcanas.pipeline.train import train, train_with_others

WORKS = {"search": search_with_others, "train": train_with_others}  # of the other processes of `torchrun`


def stages(run: Context) -> Iterator[Callable[[Context], Any]]:
    """Yield the stages of a run."""
    yield feasibility
    yield search
    yield derive
    yield train
    yield export
    if run.settings.int8 or any(device.dtype == "int8" for device in run.devices):
        yield quantise
    yield profile
    if run.settings.robustness or any(run.book(device).qualities for device in run.devices):
        yield robustness
    if run.settings.baseline:
        yield compare
    yield certify


def run_all(run: Context) -> None:
    """Do all stages and write the report, of a run that is refused, stopped or fails as well."""
    run.hooks.message(f"Run directory: {run.folder}")
    with reported(run):
        adopt(run, "derive")
        for stage in stages(run):
            stage(run)


def run_until(run: Context, last: str, reuse: str = "") -> Any:
    """Do the stages up to the one called `last` and return its result.

    Args:
        reuse: the stage before which all results are taken over from `source`, if that is another run; `last` itself
            if empty.
    """
    run.hooks.message(f"Run directory: {run.folder}")
    adopt(run, reuse or last)
    for stage in stages(run):
        found = stage(run)
        if stage.__name__ == last:
            return found
    return None
