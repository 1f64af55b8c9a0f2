"""`dcanas.run` and `dcanas.derive`: the whole way from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dcanas.api.opening import opened
from dcanas.api.request import make_request
from dcanas.api.result import Run, load
from dcanas.basics.hooks import Hooks
from dcanas.pipeline.context import CACHE
from dcanas.pipeline.run import run_all
from dcanas.training.array_data import store_arrays


def run(data: Any, device: str | Sequence[str] = "local-cpu", budget: Mapping[str, Any] | None = None, *,
        space: str | None = None, search: str | None = None, train: str | None = None, experiment: str | None = None,
        seed: int = 0, directory: Path | str | None = None, progress: bool | Hooks = False,
        settings: Mapping[str, Any] | None = None) -> Run:
    """Search a network for these images within the limits of a device, train, export, measure and certify it.

    The same call continues where it stopped, and returns the finished run at once; `dcanas run` gives the same results.

    Args:
        data: a folder with a folder of images per class; the name of a data set (`dcanas.list_data()`); (images,
            labels); a dictionary of such pairs for `train`, `val` and `test`, which keeps these splits (only `train` is
            necessary); or a torch `Dataset`, read once in order, also in the place of a pair.
            Images: uint8, or floats in [0, 1], which are rounded to 8 bits; (N, H, W) or (N, H, W, C), C = 1 or 3.
            Labels: integers or texts (N,).
        device: name of a device, or several (`dcanas.list_devices()`).
        budget: limits by cost (`dcanas.list_costs()`): numbers in the cost's unit, texts such as "500 kB", or "p40",
            the value that 40 % of the space keeps. None: p40 of parameters and MACs, for photographs 20 million MACs;
            {}: no limits.
        space, search, train, experiment: names of presets (`dcanas.list_spaces()` and so on); None: as suits the data.
        seed: of search, training and measurement.
        directory: of the run; None: one in `runs/`, named by the settings and the data.
        progress: whether to print what is done, to the error output; or `Hooks` of your own.
        settings: all other settings as nested dictionaries, dotted keys or both: {"search": {"epochs": 5},
            "train.epochs": 3}; `dcanas run --cfg` prints them all.

    Returns:
        The finished run.

    Raises:
        UserError: something that was given cannot be used; `BudgetError` if nothing is within the budget.
        Stopped: the hooks asked to stop.
    """
    request = make_request(data=data, device=device, budget=budget, seed=seed, directory=directory, settings=settings,
                           space=space, search=search, train=train, experiment=experiment)
    with opened(request, progress) as context:
        if request.splits is not None:
            store_arrays(request.splits, context.folder / CACHE)
        run_all(context)
        return load(context.folder)


def derive(run: Run | Path | str, device: str | Sequence[str] | None = None, budget: Mapping[str, Any] | None = None,
           *, directory: Path | str | None = None, progress: bool | Hooks = False,
           settings: Mapping[str, Any] | None = None) -> Run:
    """Return a run for another device or budget from the search of a finished one; everything after it is made anew.

    Args:
        run: the finished run, or its directory.
        device: name of a device, or several; None: those of the run.
        budget: limits in the place of the run's, see `dcanas.run`; None: those of the run.
        directory, progress, settings: see `dcanas.run`; settings that the search was made with cannot change.

    Raises:
        UserError: the run has not been searched, or something that was given cannot be used.
    """
    source = run.directory if isinstance(run, Run) else Path(run)
    request = make_request(device=device, budget=budget, directory=directory, source=source, settings=settings)
    with opened(request, progress) as context:
        run_all(context)
        return load(context.folder)
