"""Derive: one architecture within each device's budget from what the search found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.basics.manifest import write_result
from dcanas.costs import cost_unit
from dcanas.hardware import Device
from dcanas.hardware.devices.device import Microcontroller
from dcanas.hardware.microcontroller.cores import core_named
from dcanas.hardware.microcontroller.proof import why_not_linked
from dcanas.hardware.microcontroller.untrained import linked_costs
from dcanas.pipeline.context import Context
from dcanas.report.kinds import read_result
from dcanas.spaces import Architecture

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
                                        read_result(run.search_folder / run.method.results[0]), folder)
            costs = {**derived.costs, **_linked(run, device, derived.architecture)}
        made = {"space": run.space.name, "architecture": run.space.format(derived.architecture),
                "skeleton": run.skeleton, "costs": costs, "provenance": derived.provenance}
        beside = [folder / name for name in BESIDE if (folder / name).exists()]
        write_result(run.folder, done, made, "derive", beside)
        run.hooks.details.message(f"  {made['architecture']}" + _memory_words(device, costs))
        found[device.name] = made
    return found


def _linked(run: Context, device: Device, arch: Architecture) -> dict[str, dict[str, Any]]:
    """Return RAM and flash of a microcontroller's network, linked before it is trained; nothing without a compiler.

    Raises `UserError` if the linker finds that it does not fit within the limits.
    """
    if not isinstance(device, Microcontroller):
        return {}
    book = run.book(device)
    found = linked_costs(book.networks, arch, device, {name: book.budget[name] for name in device.capacity},
                         run.dataset.classes, run.settings.seed)
    return {name: {"value": value, "upper": value, "unit": cost_unit(name), "source": "linked"}
            for name, value in (found or {}).items()}


def _memory_words(device: Device, costs: Mapping[str, Mapping[str, Any]]) -> str:
    if not isinstance(device, Microcontroller):
        return ""
    ram, flash = costs["ram_bytes"], costs["flash_bytes"]
    if ram["source"] == "linked":
        return f"\n  {ram['value']:,.0f} bytes of RAM and {flash['value']:,.0f} of flash, by the linker"
    return (f"\n  at most {ram['value']:,.0f} bytes of RAM and {flash['value']:,.0f} of flash: bounds, for "
            f"{why_not_linked(core_named(device.processor.core))}")
