"""`dcanas search|derive|train|export|profile`: all stages up to one, or that stage alone from `source`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.hardware import Device, Profile
from dcanas.pipeline.context import Context
from dcanas.pipeline.profile import require_connection, show_profile
from dcanas.pipeline.run import run_until
from dcanas.pipeline.ship import shipped_folder
from dcanas.report.amounts import amount
from dcanas.report.delivery import RIVAL, SEARCHED
from dcanas.report.kinds import read_result


def main(command: str, run: Context) -> None:
    if command == "profile":
        for device in run.devices:
            require_connection(device, "dcanas profile")
    if command in ("export", "profile"):
        run.use_bundle()
    found = run_until(run, command)
    if command in ("export", "profile"):
        found = {device.name: _chosen(run, device, command, found.get(device.name)) for device in run.devices}
    SHOWN[command](run, found)


def _chosen(run: Context, device: Device, stage: str, searched: Mapping[str, Any] | None) -> Any:
    """Return the result of a stage for the network that `which` asks for; an unfinished run has the searched one alone.
    """
    which = run.options.own.which
    if which == SEARCHED or (not (run.device_folder(device) / "certificate.json").exists() and which != RIVAL):
        return searched
    return read_result(shipped_folder(run, device, which) / f"{stage}.json")


def _search(run: Context, found: Mapping[str, Any]) -> None:
    run.hooks.message(f"Results of the search: {run.search_folder}")


def _derive(run: Context, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Show one row per device."""
    limits = {device.name: run.book(device).budget for device in run.devices}
    limited = list(dict.fromkeys(name for budget in limits.values() for name in budget))
    rows = [[name, *(_kept(derived["costs"], limits[name], cost) for cost in limited), derived["architecture"]]
            for name, derived in found.items()]
    run.hooks.table("Derived from one search", ["device", *(f"{name} (limit)" for name in limited), "architecture"],
                    rows)


def _kept(costs: Mapping[str, Mapping[str, Any]], limits: Mapping[str, float], name: str) -> str:
    if name not in limits:
        return "–"
    cost = costs[name]
    bound = f", at most {amount(cost['upper'])}" if cost["upper"] != cost["value"] else ""
    return f"{amount(cost['value'])} {cost['source']}{bound} ({amount(limits[name])})"


def _train(run: Context, found: Mapping[str, Mapping[str, Any]]) -> None:
    for name, trained in found.items():
        run.hooks.message(f"{name}: test accuracy {100 * trained['accuracy']:.2f} %, balanced "
                          f"{100 * trained['balanced_accuracy']:.2f} % ({trained['correct']} of {trained['n']})")


def _export(run: Context, found: Mapping[str, Mapping[str, Any]]) -> None:
    for name, exported in found.items():
        parity = exported["parity"]
        run.hooks.message(f"{name}: {exported['bytes']:,} bytes, opset {exported['opset']}, the same answer as torch "
                          f"for {100 * parity['top1_agreement']:.1f} % of {parity['n']} test images, largest relative "
                          f"logit error {parity['max_relative_logit_error']:.1e}")


def _profile(run: Context, found: Mapping[str, Mapping[str, Any]]) -> None:
    for measured in found.values():
        show_profile(run.hooks, Profile.from_json(dict(measured)))


SHOWN = {"search": _search, "derive": _derive, "train": _train, "export": _export, "profile": _profile}
