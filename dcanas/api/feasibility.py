"""`dcanas.feasibility`: what a budget leaves of a space, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dcanas.api.opening import opened
from dcanas.api.request import make_request
from dcanas.basics.hooks import Hooks
from dcanas.costs import Feasibility
from dcanas.pipeline.feasibility import measure_boards


def feasibility(data: Any, device: str | Sequence[str] = "local-cpu", budget: Mapping[str, Any] | None = None, *,
                space: str | None = None, experiment: str | None = None, seed: int = 0,
                progress: bool | Hooks = False, settings: Mapping[str, Any] | None = None,
                measure: bool = False) -> dict[str, Feasibility]:
    """Return what the budget leaves of the space on each device, by the device's name; nothing is trained or kept.

    Limits that have to be measured are left out and named in `unmeasured`, unless `measure` lets a few networks be
    measured, for seconds.

    Args:
        measure: whether to measure.
        data, device, budget, space, experiment, seed, progress, settings: see `dcanas.run`.

    Raises:
        UserError: something that was given cannot be used; a budget that nothing meets is an answer, not an error.
    """
    with TemporaryDirectory() as folder:
        request = make_request(data=data, device=device, budget=budget, seed=seed, directory=Path(folder) / "run",
                               settings=settings, space=space, experiment=experiment)
        with opened(request, progress) as run:
            if measure:
                measure_boards(run)
            books = {device.name: run.book(device) for device in run.devices}
            return {name: book.feasibility if measure else book.feasibility_unmeasured()
                    for name, book in books.items()}
