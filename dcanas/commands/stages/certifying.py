"""Certificate and bundle: what is handed over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dcanas.basics.files import read_json, write_json, write_text
from dcanas.commands.display import Display
from dcanas.commands.session import Session, versions
from dcanas.commands.stages.deriving import derived_folder
from dcanas.commands.stages.profiling import run_profile
from dcanas.commands.stages.training import trained_model
from dcanas.costs import count_network
from dcanas.export import write_bundle
from dcanas.hardware import Device, Profile
from dcanas.report.certificate import amount, certificate_markdown, make_rows, met_word
from dcanas.spaces import load_space

NAMES = ("params", "macs", "peak_bytes", "weight_bytes", "latency_ms", "latency_p95_ms")


def run_certificate(session: Session, device: Device) -> dict[str, Any]:
    """Write certificate and bundle of a device, unless they are there, and return the certificate."""
    run_profile(session, device)
    folder = derived_folder(session, device)
    done = folder / "certificate.json"
    if not done.exists() or not (folder / "bundle").is_dir():
        with session.display.stage(f"Certificate for {device.name}"):
            _bundle(session, device, folder)
            write_json(done, _certificate(session, device, folder))
    certificate = read_json(done)
    write_text(folder / "certificate.md", certificate_markdown(certificate))
    if len(session.devices) == 1:
        inside = folder.relative_to(session.folder)
        top = {**certificate, **{key: (inside / certificate[key]).as_posix() for key in ("onnx", "bundle")}}
        write_json(session.folder / "certificate.json", top)  # its paths start where it lies
        write_text(session.folder / "certificate.md", certificate_markdown(top))
    return certificate


def _certificate(session: Session, device: Device, folder: Path) -> dict[str, Any]:
    derived, exported = read_json(folder / "architecture.json"), read_json(folder / "export.json")
    profile = Profile.from_json(read_json(folder / "profile.json"))
    counts = count_network(trained_model(session, folder), session.dataset.shape, device.dtype)
    arch = session.space.parse(derived["architecture"])
    predicted = {cost.name: cost.value(arch) for cost in session.costs(device)}
    measured = {"params": counts.params, "macs": counts.macs, "peak_bytes": exported["peak_bytes"],
                "weight_bytes": exported["weight_bytes"],
                **{name: profile.value(name) for name in ("latency_ms", "latency_p95_ms")}}
    deciding = {**measured, **{name: profile.upper(name) for name in ("latency_ms", "latency_p95_ms")}}
    low, high = exported["test_accuracy_interval"]
    data = session.settings.data
    return {
        "device": device.name,
        "budget": dict(session.budget(device)),
        "rows": make_rows(session.budget(device), predicted, measured, deciding,
                          {name: device.source(name) for name in NAMES}, NAMES),
        "accuracy": {"value": exported["test_accuracy"], "low": low, "high": high, "confidence": 0.95,
                     "correct": exported["test_correct"], "n": exported["test_n"], "split": "test",
                     "by": "the exported file in ONNX Runtime"},
        "space": derived["space"],
        "architecture": derived["architecture"],
        "skeleton": derived["skeleton"],
        "data": {"name": data.name, "root": data.root, "input_shape": list(session.dataset.shape),
                 "classes": len(session.dataset.classes), "train": len(session.dataset.train),
                 "validation": len(session.dataset.validation), "test": len(session.dataset.test)},
        "parity": exported["parity"],
        "latency": {"median_ms": profile.median_ms, "interval_ms": list(profile.interval_ms), "p95_ms": profile.p95_ms,
                    "n": profile.n, "repeat_difference": profile.repeat_difference, "remark": profile.remark,
                    "threads": device.threads, "onnxruntime": versions()["onnxruntime"],
                    "conditions": profile.conditions},
        "onnx": "bundle/model.onnx",
        "sha256": exported["sha256"],
        "bundle": "bundle",
        "seeds": {"seed": session.settings.seed, "split_seed": data.split_seed},
        "versions": versions(),
        "command": session.command,
    }


def _bundle(session: Session, device: Device, folder: Path) -> None:
    dataset = session.dataset
    derived = read_json(folder / "architecture.json")
    space = load_space(derived["space"])
    source = space.source(space.parse(derived["architecture"]), len(dataset.classes), dataset.shape[0],
                          **derived["skeleton"])
    model = trained_model(session, folder)
    write_bundle(folder / "bundle", folder / "model.onnx", source, model.state_dict(), dataset.classes,
                 dataset.preprocessing, dataset.images[dataset.test], dataset.labels[dataset.test],
                 f"{session.settings.data.name} classifier for {device.name}", device.runtime.version)


def show_certificate(display: Display, folder: Path, certificate: Mapping[str, Any]) -> None:
    """Print what a run ends with; folder: where certificate and bundle lie."""
    accuracy = certificate["accuracy"]
    rows = [[row["name"], *(amount(row[c]) for c in ("limit", "predicted", "measured")), met_word(row), row["source"]]
            for row in certificate["rows"]]
    display.table(f"{certificate['device']}: {certificate['architecture']}",
                  ["cost", "limit", "predicted", "measured", "met", "source"], rows)
    open_limits = [row["name"] for row in certificate["rows"] if row["met"] is not True]
    if open_limits:
        display.say(f"Not shown to be met: {', '.join(open_limits)}.")
    display.say(
        f"Test accuracy {100 * accuracy['value']:.2f} % (95 % interval {100 * accuracy['low']:.2f} to "
        f"{100 * accuracy['high']:.2f} %, {accuracy['correct']} of {accuracy['n']} images).\n"
        f"Certificate: {folder / 'certificate.md'}\nBundle:      {folder / 'bundle'}")
