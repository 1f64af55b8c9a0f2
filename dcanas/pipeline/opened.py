"""The context of a run, opened by the process that does the run or sent to one that works for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.machine import torch_state
from dcanas.basics.mapping import from_mapping
from dcanas.basics.plugins import load_plugins
from dcanas.basics.user_files import load_user_file
from dcanas.pipeline.context import Context
from dcanas.pipeline.settings import Options, Settings
from dcanas.training import Dataset


@contextmanager
def opened(settings: Settings, options: Options, command: str, hooks: Hooks,
           dataset: Dataset | None = None) -> Iterator[Context]:
    """Enclose a run (see `Context`) with the global state of torch that it needs; afterwards it is as before."""
    with torch_state(settings.run.threads):
        run = Context(settings, options, command, hooks, dataset, writes=True)
        for note in options.notes:
            hooks.message(note)
        try:
            yield run
        finally:
            if "log" in vars(run):
                run.log.close()
            run.release()


def remote_context(message: Mapping[str, Any], hooks: Hooks = QUIET) -> Context:
    """Return the run that another process sent as `Context.message`."""
    load_plugins(message["plugins"])
    for file in message["files"]:
        load_user_file(*file)
    settings = from_mapping(Settings, message["settings"])
    options = from_mapping(Options, message["options"])
    return Context(settings, options, message["command"], hooks)
