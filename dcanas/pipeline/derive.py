"""Derive: one architecture within each device's budget from what the search found."""

from __future__ import annotations

from typing import Any

from dcanas.basics.files import read_json
from dcanas.basics.manifest import write_result
from dcanas.pipeline.context import Context

BESIDE = ("pool.json", "finalists.json", "evaluations.json", "fine-tunings.json", "rerank.jsonl", "rerank_again.jsonl",
          "data.json", "begun.pt")  # what a search leaves there, as far as it does


def derive(run: Context) -> dict[str, dict[str, Any]]:
    """Return `architecture.json` by device, derived now or before."""
    found: dict[str, dict[str, Any]] = {}
    for device in run.devices:
        folder, title = run.device_folder(device), f"Derive for {device.name}"
        done = folder / "architecture.json"
        if before := run.made_before(done, title):
            found[device.name] = before
            continue
        with run.stage(title) as hooks:
            derived = run.method.derive(run.task(hooks), run.book(device).target,
                                        read_json(run.search_folder / run.method.results[0]), folder)
        made = {"space": run.space.name, "architecture": run.space.format(derived.architecture),
                "skeleton": run.skeleton, "costs": derived.costs, "provenance": derived.provenance}
        beside = [folder / name for name in BESIDE if (folder / name).exists()]
        write_result(run.folder, done, made, "derive", beside)
        run.hooks.details.message(f"  {made['architecture']}")
        found[device.name] = made
    return found
