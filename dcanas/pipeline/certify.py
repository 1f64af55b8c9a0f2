"""Certify: the bundle to hand over, and its certificate: what was promised, predicted and measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.files import sha256_of
from dcanas.basics.keys import plain
from dcanas.basics.manifest import note_files, write_result
from dcanas.costs import Budget, count_macs
from dcanas.export import write_bundle
from dcanas.export.bundle import FILES, SUMS
from dcanas.hardware import Device, Profile
from dcanas.hardware.measuring.profile import LATENCIES
from dcanas.pipeline.context import Context
from dcanas.pipeline.data_sentences import data_sentences
from dcanas.pipeline.delivered import (
    ROBUSTNESS,
    code_files,
    delivered_file,
    delivered_model,
    delivered_profile,
    own_images,
    trained_model,
)
from dcanas.pipeline.export import predicted_classes
from dcanas.pipeline.ship import shipped_certificate, write_certificate
from dcanas.pipeline.versions import versions
from dcanas.report import robustness
from dcanas.report.certificate import make_rows
from dcanas.report.delivery import BESIDE, BUNDLE, RIVAL, SEARCHED, WHICH, network_folder
from dcanas.report.kinds import read_result
from dcanas.spaces import load_space
from dcanas.training.splits import sample

NAMES = ("params", "macs", "peak_bytes", "weight_bytes", "ram_bytes", "flash_bytes", *LATENCIES, "energy_mj")
BUNDLE_BYTES = 256 << 20  # of test images in the bundle; of a larger test split it holds a class-balanced part
OF_BOTH = ("rows", "accuracy", "sha256", "robustness", "adversarial")  # what certificates say of the other network
TIMED_IMAGES = 32  # made ready one by one, to say what that takes


def certify(run: Context) -> dict[str, dict[str, Any]]:
    """Write every device's certificates, with their bundles, and return those of what is recommended.

    What is recommended for a single device goes to the top of the run directory, too. What is there is kept.
    """
    for device in run.devices:
        folder = run.device_folder(device)
        networks = {which: place for which in WHICH if (place := network_folder(folder, which)) == folder
                    or (place / "train.json").exists()}
        if not all((place / part).exists() for place in networks.values() for part in ("certificate.json", BUNDLE)):
            with run.hooks.stage(f"Certificate for {device.name}"):
                for which, made in reversed(_certificates(run, device, networks).items()):  # the searched one last
                    _bundle(run, device, networks[which], made)
                    write_result(run.folder, networks[which] / "certificate.json", made, "certify")
        for place in networks.values():
            write_certificate(run, folder, read_result(place / "certificate.json"))
    return {device.name: shipped_certificate(run, device) for device in run.devices}


def _certificates(run: Context, device: Device, networks: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Return the certificates of a device's networks by `which`, each with what is known of the other one.

    One that is there stays as it is, with what was added to it since.
    """
    there = {which: read_result(path) for which, folder in networks.items()
             if (path := folder / "certificate.json").exists()}
    if len(there) == len(networks):
        return there
    found = {which: {**_certificate(run, device, folder), "which": which} for which, folder in networks.items()}
    searched = found[SEARCHED]
    judged = network_folder(networks[SEARCHED], RIVAL) / "comparison.json"
    if RIVAL in found:
        judgement = within_limits(read_result(judged), {which: made["rows"] for which, made in found.items()})
        parts = {which: {key: made[key] for key in OF_BOTH if key in made} for which, made in found.items()}
        searched["comparison"] = {**judgement, **parts[RIVAL], "onnx": f"{BESIDE}/{found[RIVAL]['onnx']}",
                                  BUNDLE: f"{BESIDE}/{BUNDLE}"}
        found[RIVAL]["comparison"] = {**judgement, **parts[SEARCHED], "onnx": f"../{searched['onnx']}",
                                      BUNDLE: f"../{BUNDLE}"}
    elif run.settings.baseline:
        searched["no_comparison"] = read_result(judged)["remark"]
    found |= there
    if RIVAL in found:
        found[RIVAL]["comparison"]["recommended"] = found[SEARCHED]["comparison"]["recommended"]
    return found


def within_limits(judgement: Mapping[str, Any], rows: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return the judgement on two networks, in which one that does not keep a limit gives way to one that does.

    Args:
        judgement: content of `comparison.json`, from accuracies.
        rows: of both certificates, by `which`.
    """
    broken = {which: [row["name"] for row in mine if row["met"] is False] for which, mine in rows.items()}
    best, other = (RIVAL, SEARCHED) if judgement["recommended"] == BESIDE else (SEARCHED, RIVAL)
    if not broken[best] or broken[other]:
        return dict(judgement)
    return {**judgement, "recommended": BESIDE if other == RIVAL else other,
            "recommended_by": f"the limits, as the other does not keep {', '.join(broken[best])}",
            "limits_decided": True}


def _hash(folder: Path) -> str:
    """Return the SHA-256 of the delivered file in a folder; raises `UserError` if another one was examined."""
    stated = delivered_file(folder)
    found = sha256_of(folder / stated["onnx"])
    if found != stated["sha256"]:
        raise UserError(f"{folder / stated['onnx']} was changed since it was examined, so its accuracy and costs are "
                        "not known; run the same command again, which makes it anew.")
    return found


def _certificate(run: Context, device: Device, folder: Path) -> dict[str, Any]:
    derived, exported, book = read_result(folder / "architecture.json"), delivered_file(folder), run.book(device)
    searched = folder == run.device_folder(device)
    space = run.space if searched else load_space(derived["space"])
    predicted = {cost.name: cost.value(space.parse(derived["architecture"])) for cost in book.costs} if searched else {}
    predicted |= {name: cost["value"] for name, cost in derived.get("costs", {}).items() if cost["source"] == "linked"}
    data, dataset = run.settings.data, own_images(run, folder)
    facts = read_result(run.device_folder(device) / "data.json")
    further: dict[str, Any] = {}
    if pretrained := read_result(folder / "train.json").get("pretrained"):
        further["pretrained"] = pretrained
    timed = np.linspace(0, len(dataset.test) - 1, TIMED_IMAGES).astype(int)
    if (image_ms := dataset.prepared_ms(dataset.test[np.unique(timed)])) is not None:
        further["image_ms"] = image_ms
    if device.connection is not None:
        profile = _profile(folder)
        further["latency"] = {**profile.summary(), "threads": device.threads,
                              "onnxruntime": profile.conditions["onnxruntime"]}
    if searched and book.latency.by_cost:
        further["latency_from"] = book.latency.kinds
    if (folder / "int8.json").exists():
        further["precision"] = read_result(folder / "int8.json")["precision"]
    if code_files(folder):
        further["microcontroller"] = read_result(folder / "proof.json")
    return {
        "device": device.name,
        "budget": {**book.budget, **book.qualities},
        **_quality(run, device, folder, predicted),
        "space": derived["space"],
        "architecture": derived["architecture"],
        "skeleton": space.delivered_skeleton(derived["skeleton"]),
        "data": {"name": data.name, "root": data.root, "input_shape": list(dataset.shape),
                 "classes": len(dataset.classes), "integer_labels": dataset.integer_labels,
                 **{split: facts[split] for split in ("train", "validation", "test")},
                 **({"understood": dict(dataset.report)} if dataset.report else {}),
                 "words": data_sentences(dataset, run.settings.train)},
        "parity": exported["parity"],
        **further,
        "onnx": "bundle/model.onnx",
        "sha256": _hash(folder),
        "bundle": "bundle",
        "seeds": {"seed": run.settings.seed, "split_seed": data.split_seed},
        "versions": versions(),
        "command": run.command,
    }


def _profile(folder: Path) -> Profile:
    """Return the measurement of the delivered file; raises `UserError` if another file was measured."""
    measured = delivered_profile(folder)
    if measured.sha256 != _hash(folder):
        raise UserError(f"The latency in {folder} was measured of another file (SHA-256 {measured.sha256}) than is "
                        "delivered; run the same command again, which measures anew.")
    return measured


def _quality(run: Context, device: Device, folder: Path, predicted: Mapping[str, float]) -> dict[str, Any]:
    """Return costs against limits, robustness and accuracy of the network in `folder`.

    predicted: by cost; empty for a network outside the searched space, for which nothing is predicted.
    """
    exported, attacked, by = delivered_file(folder), folder / ROBUSTNESS, "the exported file in ONNX Runtime"
    found = read_result(attacked) if attacked.exists() else None
    if code_files(folder) and "test_accuracy" in (proof := read_result(folder / "proof.json")):
        exported, by = {**exported, **proof}, "the C code, compiled for this machine"
    low, high = exported["test_accuracy_interval"]
    further = {key: exported[f"test_{key}"] for key in ("balanced_accuracy", "largest_class", "with_copies")
               if f"test_{key}" in exported}
    robust = {} if found is None else {"robustness": [found], "adversarial": plain(run.settings.train.adversarial)}
    return {"rows": _rows(run, device, folder, predicted, found), **robust,
            "accuracy": {"value": exported["test_accuracy"], "low": low, "high": high, "confidence": 0.95,
                         "correct": exported["test_correct"], "n": exported["test_n"], "split": "test",
                         "by": by, **further}}


def _rows(run: Context, device: Device, folder: Path, predicted: Mapping[str, float],
          found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return predicted and measured costs against the device's limits; found: the robustness, None if not wanted."""
    exported, book = delivered_file(folder), run.book(device)
    model = trained_model(run, folder)
    measured: dict[str, float | None] = {"params": sum(p.numel() for p in model.parameters()),
                                         "macs": count_macs(model, own_images(run, folder).shape)}
    if device.dtype == "fp32" or "precision" in exported:  # fp32 bytes say nothing about the int8 network of a device
        measured |= {"peak_bytes": exported["peak_bytes"], "weight_bytes": exported["weight_bytes"]}
    if code_files(folder):
        proof = read_result(folder / "proof.json")
        measured |= {name: proof.get(name) for name in ("ram_bytes", "flash_bytes")}
    deciding = dict(measured)
    if device.connection is not None:
        profile = _profile(folder)
        measured |= {name: profile.value(name) for name in LATENCIES}
        deciding |= {name: profile.upper(name) for name in LATENCIES}
    names = [name for name in NAMES if name in device.costs]
    sources = {name: device.source(name) for name in names} | book.latency.decided_by
    bounds: dict[str, float] = {}
    if predicted and book.latency.by_cost:
        arch = run.space.parse(read_result(folder / "architecture.json")["architecture"])
        deciding |= book.latency.looked_up(arch)
        bounds = book.latency.bounds(arch)
    if book.qualities and found:
        worst = robustness.worst_case(found)
        measured["robust_accuracy_min"], deciding["robust_accuracy_min"] = worst["accuracy"], worst["interval"][0]
        sources["robust_accuracy_min"] = "measured"
    return make_rows(Budget({**book.budget, **book.qualities}), predicted, measured, deciding, sources, names, bounds)


def _bundle(run: Context, device: Device, folder: Path, certificate: Mapping[str, Any]) -> None:
    """Write the bundle of the network in `folder`, with its certificate, as far as that is known now."""
    dataset, derived = own_images(run, folder), read_result(folder / "architecture.json")
    space, onnx = load_space(derived["space"]), folder / delivered_file(folder)["onnx"]
    source = space.source(space.parse(derived["architecture"]), len(dataset.classes), dataset.shape[0],
                          **space.delivered_skeleton(derived["skeleton"]))
    shown = sample(dataset, dataset.test, BUNDLE_BYTES, run.settings.data.split_seed)
    code, model = code_files(folder), delivered_model(folder, dataset.shape[0], len(dataset.classes))
    right = certificate["accuracy"]["correct"] if len(shown) == len(dataset.test) and not code else \
        int((predicted_classes(onnx, dataset, shown) == dataset.labels[shown]).sum())
    own = {**{key: value for key, value in certificate.items() if key not in ("comparison", "deployments", "which")},
           "onnx": "model.onnx", "bundle": ".", "test_npz": {"correct": right, "n": len(shown)}}
    made = write_bundle(folder / "bundle", onnx, source, model.state_dict(), dataset.classes,
                        dataset.preprocessing, dataset.images[shown], dataset.labels[shown],
                        f"{run.settings.data.name} classifier for {device.name}", device.runtime.version or "1.14",
                        len(dataset.test), own, code)
    note_files(run.folder, made / SUMS, "certify", sorted(path for path in made.iterdir() if path.name in FILES))
