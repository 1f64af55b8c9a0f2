"""Certificate and bundle: what is handed over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dcanas.basics.files import read_json, write_json, write_text
from dcanas.basics.keys import plain
from dcanas.cli.display import Display
from dcanas.costs import Budget, count_network
from dcanas.export import write_bundle
from dcanas.hardware import Device, LatencyPredictor
from dcanas.pipeline.predicting import asking, learnt_of
from dcanas.pipeline.session import LATENCIES, Session, versions
from dcanas.pipeline.stages.attacking import attack_network
from dcanas.pipeline.stages.comparing import run_comparison
from dcanas.pipeline.stages.deriving import derived_folder
from dcanas.pipeline.stages.exporting import run_export
from dcanas.pipeline.stages.profiling import run_profile
from dcanas.pipeline.stages.quantising import delivered_file, delivered_profile, run_int8
from dcanas.pipeline.stages.records import record_latency
from dcanas.pipeline.stages.training import delivered_skeleton, trained_model
from dcanas.report import robustness
from dcanas.report.amounts import amount
from dcanas.report.certificate import (
    certificate_markdown,
    comparison_lines,
    make_rows,
    met_word,
    predicted_words,
    quality_lines,
)
from dcanas.spaces import load_space
from dcanas.training.splits import sample

NAMES = ("params", "macs", "peak_bytes", "weight_bytes", *LATENCIES)
BUNDLE_BYTES = 256 << 20  # of test images in the bundle; of larger test splits a class-balanced part is handed over


def run_certificate(session: Session, device: Device) -> dict[str, Any]:
    """Write certificate and bundle of a device, unless they are there, and return the certificate."""
    if device.connection is None:
        run_export(session, device)
    else:
        run_profile(session, device)
    run_int8(session, device)
    comparison = run_comparison(session, device) if session.settings.baseline else None
    folder = derived_folder(session, device)
    found = run_robustness(session, device, folder, f"Attack the network for {device.name}")
    theirs = run_robustness(session, device, folder / "baseline", "Attack the baseline") if comparison else None
    done = folder / "certificate.json"
    if device.connection == "local":
        record_latency(session, device, folder)
    if not done.exists() or not (folder / "bundle").is_dir():
        with session.display.stage(f"Certificate for {device.name}"):
            _bundle(session, device, folder)
            certificate = _certificate(session, device, folder, found)
            if comparison:
                _bundle(session, device, folder / "baseline")
                certificate["comparison"] = _comparison(session, device, folder / "baseline", comparison, theirs)
            write_json(done, certificate)
    certificate = read_json(done)
    write_certificate(session, folder, certificate)
    return certificate


def write_certificate(session: Session, folder: Path, certificate: dict[str, Any]) -> None:
    """Write the certificate of a device's folder, for machines and people, and where it is the only one at the top."""
    write_json(folder / "certificate.json", certificate)
    write_text(folder / "certificate.md", certificate_markdown(certificate))
    if len(session.devices) == 1:
        inside = folder.relative_to(session.folder)
        top = _moved(certificate, inside)
        if "comparison" in top:
            top["comparison"] = _moved(top["comparison"], inside)
        write_json(session.folder / "certificate.json", top)  # its paths start where it lies
        write_text(session.folder / "certificate.md", certificate_markdown(top))


def run_robustness(session: Session, device: Device, folder: Path, title: str) -> dict[str, Any] | None:
    """Return what the network in `folder` withstands, where that is asked or limited."""
    limited = bool(session.qualities(device))
    if not session.settings.robustness and not limited:
        return None
    return attack_network(session, folder, session.settings.threat, title, validation=limited)


def _certificate(session: Session, device: Device, folder: Path, found: dict[str, Any] | None) -> dict[str, Any]:
    derived, exported = read_json(folder / "architecture.json"), delivered_file(folder)
    arch = session.space.parse(derived["architecture"])
    predicted = {cost.name: cost.value(arch) for cost in session.costs(device)}
    data = session.settings.data
    return {
        "device": device.name,
        "budget": {**session.budget(device), **session.qualities(device)},
        "rows": _rows(session, device, folder, predicted, found),
        **_robust(session, found),
        "accuracy": _accuracy(folder),
        "space": derived["space"],
        "architecture": derived["architecture"],
        "skeleton": delivered_skeleton(derived),
        "data": {"name": data.name, "root": data.root, "input_shape": list(session.dataset.shape),
                 "classes": len(session.dataset.classes), "train": len(session.dataset.train),
                 "validation": len(session.dataset.validation), "test": len(session.dataset.test)},
        "parity": exported["parity"],
        **({} if device.connection is None else {"latency": _latency(device, folder)}),
        **({"precision": read_json(folder / "int8.json")["precision"]} if (folder / "int8.json").exists() else {}),
        "onnx": "bundle/model.onnx",
        "sha256": exported["sha256"],
        "bundle": "bundle",
        "seeds": {"seed": session.settings.seed, "split_seed": data.split_seed},
        "versions": versions(),
        "command": session.command,
    }


def _latency(device: Device, folder: Path) -> dict[str, Any]:
    profile = delivered_profile(folder)
    return {**profile.summary(), "threads": device.threads, "onnxruntime": profile.conditions["onnxruntime"]}


def _rows(session: Session, device: Device, folder: Path, predicted: Mapping[str, float],
          found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return predicted and measured costs of the network in `folder` against the device's limits.

    found: what it withstands, where that is asked or limited.
    """
    exported = delivered_file(folder)
    counts = count_network(trained_model(session, folder), session.dataset.shape, device.dtype)
    measured: dict[str, float | None] = {"params": counts.params, "macs": counts.macs}
    if device.dtype == "fp32" or "precision" in exported:  # fp32 bytes say nothing about the int8 network of a device
        measured |= {"peak_bytes": exported["peak_bytes"], "weight_bytes": exported["weight_bytes"]}
    deciding = dict(measured)
    if device.connection is not None:
        profile = delivered_profile(folder)
        measured |= {name: profile.value(name) for name in LATENCIES}
        deciding |= {name: profile.upper(name) for name in LATENCIES}
    arch = session.space.parse(read_json(folder / "architecture.json")["architecture"]) if predicted else None
    names = [name for name in (*NAMES, "energy_mj") if name in device.costs]
    sources, bounds = {name: device.source(name) for name in names}, {}
    for cost in session.costs(device):  # a table decides for its own networks; what is predicted decides nothing
        if arch is not None and cost.source == "looked up":
            deciding[cost.name] = cost.upper(arch)
        if arch is not None and cost.source == "predicted" and sources.get(cost.name) == "predicted":
            upper = cost.bound(arch) if isinstance(cost, LatencyPredictor) else cost.upper(arch)
            if upper != cost.value(arch):  # else nobody knows how far off it may be
                bounds[cost.name] = upper
    asked = asking(session, device) if learnt_of(session.costs(device)) else None
    if asked is not None:  # predicted, then verified: by the measurement above, or in the device's table
        ask, sources["latency_ms"] = asked
        if "latency_ms" not in deciding and arch is not None:
            deciding["latency_ms"] = ask([arch])[arch]
    qualities = session.qualities(device)
    if qualities and found:
        worst = robustness.worst_case(found)
        measured["robust_accuracy_min"], deciding["robust_accuracy_min"] = worst["accuracy"], worst["interval"][0]
        sources["robust_accuracy_min"] = "measured"
    return make_rows(Budget({**session.budget(device), **qualities}), predicted, measured, deciding, sources, names,
                     bounds)


def _robust(session: Session, found: dict[str, Any] | None) -> dict[str, Any]:
    return {"robustness": [found], "adversarial": plain(session.settings.train.adversarial)} if found else {}


def _accuracy(folder: Path) -> dict[str, Any]:
    exported = delivered_file(folder)
    low, high = exported["test_accuracy_interval"]
    return {"value": exported["test_accuracy"], "low": low, "high": high, "confidence": 0.95,
            "correct": exported["test_correct"], "n": exported["test_n"], "split": "test",
            "by": "the exported file in ONNX Runtime"}


def _comparison(session: Session, device: Device, folder: Path, comparison: Mapping[str, Any],
                found: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the certificate says of the hand-made network in `folder`."""
    return {**comparison, "rows": _rows(session, device, folder, {}, found), "accuracy": _accuracy(folder),
            **_robust(session, found),
            "onnx": "baseline/bundle/model.onnx", "sha256": delivered_file(folder)["sha256"],
            "bundle": "baseline/bundle"}


def _moved(part: Mapping[str, Any], inside: Path) -> dict[str, Any]:
    """Return a part of a certificate with its paths as they are from the run's directory."""
    return {**part, **{key: (inside / part[key]).as_posix() for key in ("onnx", "bundle")}}


def _bundle(session: Session, device: Device, folder: Path) -> None:
    dataset = session.dataset
    derived = read_json(folder / "architecture.json")
    space = load_space(derived["space"])
    source = space.source(space.parse(derived["architecture"]), len(dataset.classes), dataset.shape[0],
                          **delivered_skeleton(derived))
    model = trained_model(session, folder)
    shown = sample(dataset, dataset.test, BUNDLE_BYTES, session.settings.data.split_seed)
    write_bundle(folder / "bundle", folder / delivered_file(folder)["onnx"], source, model.state_dict(),
                 dataset.classes, dataset.preprocessing, dataset.images[shown], dataset.labels[shown],
                 f"{session.settings.data.name} classifier for {device.name}", device.runtime.version or "1.14",
                 len(dataset.test))


def show_certificate(display: Display, folder: Path, certificate: Mapping[str, Any]) -> None:
    """Print what a run ends with; folder: where certificate and bundle lie."""
    accuracy = certificate["accuracy"]
    rows = [[row["name"], amount(row["limit"]), predicted_words(row), amount(row["measured"]), met_word(row),
             row["source"]]
            for row in certificate["rows"]]
    display.table(f"{certificate['device']}: {certificate['architecture']}",
                  ["cost", "limit", "predicted", "measured", "met", "source"], rows)
    open_limits = [row["name"] for row in certificate["rows"] if row["met"] is not True]
    if open_limits:
        display.say(f"Not shown to be met: {', '.join(open_limits)}.")
    for found in certificate.get("robustness", ()):
        show_robustness(display, certificate["device"], found)
    for line in quality_lines(certificate):
        display.say(line)
    display.say(
        f"Test accuracy {100 * accuracy['value']:.2f} % (95 % interval {100 * accuracy['low']:.2f} to "
        f"{100 * accuracy['high']:.2f} %, {accuracy['correct']} of {accuracy['n']} images).\n"
        f"Certificate: {folder / 'certificate.md'}\nBundle:      {folder / 'bundle'}")
    if "comparison" in certificate:
        display.say("\n".join(comparison_lines(certificate)))


def show_robustness(display: Display, device: str, found: Mapping[str, Any]) -> None:
    """Print what a network withstands."""
    display.table(f"{device}: what is left under attack", robustness.COLUMNS, list(robustness.rows(found)))
    display.say("\n".join(robustness.notes(found)))
