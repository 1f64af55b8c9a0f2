"""A call's run: opened quietly, one at a time, from what the call asks."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from dcanas.api.progress import hooks_of
from dcanas.api.request import Request
from dcanas.basics.errors import UserError
from dcanas.basics.hooks import Hooks
from dcanas.basics.launcher import read_launch
from dcanas.pipeline.configure import composed, configured
from dcanas.pipeline.context import Context
from dcanas.pipeline.opened import opened as opened_run
from dcanas.training.array_data import array_dataset, describe_arrays

_one_at_a_time = RLock()  # torch's random state and number of threads are those of the whole process


@contextmanager
def opened(request: Request, progress: bool | Hooks, own: type | None = None) -> Iterator[Context]:
    """Enclose the run that a call asks for; a call from another thread waits until this one is done.

    Args:
        progress: see `dcanas.run`.
        own: class of the options that only this kind of call has.

    Raises:
        UserError: what is asked cannot be used.
    """
    if read_launch().count > 1:
        raise UserError("A launcher such as torchrun started several processes, which work together on the command "
                        "`dcanas run`, not on a call from Python; unset RANK and WORLD_SIZE to run as one process.")
    splits = request.splits
    facts = None if splits is None else describe_arrays(splits)
    values, notes = composed(request.choices, request.stated, own, facts)
    if "${" in str(values):
        raise UserError("A preset or a setting holds ${...}, which only the command line resolves; state its value.")
    settings, options = configured(values, notes, own)
    dataset = None if splits is None else array_dataset(settings.data, splits)
    with _one_at_a_time, opened_run(settings, options, "", hooks_of(progress), dataset) as run:
        run.command = shlex.join(["dcanas", "run", f"source={run.location}"])
        yield run
