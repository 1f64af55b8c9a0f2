"""The whole way, in order. Each stage finds its inputs on disk, and what it has made before is not made again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dcanas.basics.keys import plain
from dcanas.hardware.devices.device import Microcontroller
from dcanas.pipeline.carried_data import require_same_data
from dcanas.pipeline.certify import certify
from dcanas.pipeline.compare import compare
from dcanas.pipeline.context import Context
from dcanas.pipeline.data_sentences import data_sentences
from dcanas.pipeline.derive import derive
from dcanas.pipeline.export import export
from dcanas.pipeline.feasibility import feasibility
from dcanas.pipeline.mend import mend, note_measured
from dcanas.pipeline.profile import profile
from dcanas.pipeline.prove import prove
from dcanas.pipeline.quantise import quantise
from dcanas.pipeline.report import reported
from dcanas.pipeline.reuse import STAGES as REUSED
from dcanas.pipeline.reuse import adopt
from dcanas.pipeline.robustness import robustness
from dcanas.pipeline.search import search, search_with_others
from dcanas.pipeline.settings import stored_settings
from dcanas.pipeline.train import train, train_with_others
from dcanas.report.answers import ship_lines
from dcanas.report.record import REPORT, read_run

Stage = Callable[[Context], Any]
STAGES: tuple[Stage, ...] = (
    feasibility, search, derive, train, export, quantise, prove, profile, robustness, compare, certify)
WORKS = {"search": search_with_others, "train": train_with_others}  # of the other processes of `torchrun`


def stages_of(run: Context) -> list[Stage]:
    """Return the stages that the settings and devices of a run ask for, in order."""
    settings, devices = run.settings, run.devices
    asked: dict[Stage, bool] = {
        quantise: settings.int8 or any(device.dtype == "int8" for device in devices),
        prove: any(isinstance(device, Microcontroller) for device in devices),
        robustness: settings.robustness or any(run.book(device).qualities for device in devices),
        compare: settings.baseline,
    }
    return [stage for stage in STAGES if asked.get(stage, True)]


def run_all(run: Context) -> None:
    """Do all stages, and write the report whether the run is done, refused, stopped or failed."""
    _begin(run)
    with reported(run):
        _hold_against_source(run)
        if run.source is not None:
            adopt(run, run.source, "derive")
        for stage in stages_of(run):
            _do(run, stage)
    record = read_run(run.folder)
    run.hooks.result("\n".join([*ship_lines(record), f"Page: {run.folder / REPORT}"]))


def run_until(run: Context, last: str) -> Any:
    """Do the stages up to the one called `last` and return its result.

    If the run starts from another one, that one's results of the stages before are taken over; what comes after the
    measurement is always made again.
    """
    _begin(run)
    _hold_against_source(run)
    if run.source is not None:
        adopt(run, run.source, last if last in REUSED else REUSED[-1])
    for stage in stages_of(run):
        found = _do(run, stage)
        if stage.__name__ == last:
            return found
    return None


def _begin(run: Context) -> None:
    """Say where the run lies and what was understood of its images."""
    run.hooks.message("\n".join([f"Run directory: {run.folder}", *data_sentences(run.dataset, run.settings.train)]))


def _hold_against_source(run: Context) -> None:
    """Raise `UserError` if the images were read again for a finished run and are not the ones that it was made with."""
    if run.options.source is None or run.carried:
        return
    source = Path(run.options.source)
    if plain(run.settings.data) == stored_settings(source)["data"]:
        require_same_data(source, run.dataset)


def _do(run: Context, stage: Stage) -> Any:
    """Do a stage, after what is damaged of its results was set aside."""
    mend(run, stage.__name__)
    found = stage(run)
    note_measured(run)
    return found
