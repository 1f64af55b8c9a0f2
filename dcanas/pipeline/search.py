"""Search: what the chosen method finds under the limits of all devices."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from dcanas.basics.manifest import write_result
from dcanas.pipeline.context import Context
from dcanas.pipeline.distributed import together
from dcanas.pipeline.opened import remote_context


def search(run: Context) -> dict[str, Any]:
    """Return what the search finds within the limits of all devices, or found before."""
    folder, method = run.search_folder, run.method
    done = folder / method.results[0]
    if before := run.made_before(done, "Search"):
        return before
    if run.source is not None and method.distributed:
        run.hooks.message(f"Search: goes on from the supernet in {run.source / 'search'}")
    shared = method.distributed and run.ranks.count > 1
    others = together("search", run.message(folder)) if shared else nullcontext()
    with run.stage("Search", folder.name) as hooks, others:
        found = method.run(run.task(hooks))
    write_result(run.folder, done, found, "search", [folder / name for name in method.results[1:]])
    return found


def search_with_others(message: Mapping[str, Any]) -> None:
    """Search together with the first process, which sent `Context.message`."""
    run = remote_context(message)
    run.method.run(run.task(folder=Path(message["folder"])))
