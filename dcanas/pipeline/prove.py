"""Prove (microcontrollers): the int8 network as C, which fits by the linker and answers on an emulated core as here.

The build for this machine answers the whole test split, which is the accuracy of the certificate; the emulator answers
its first images, every byte equal to this machine's. What a missing program leaves open is said, never assumed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.files import sha256_of
from dcanas.basics.manifest import write_result
from dcanas.export.c99 import write_c99
from dcanas.export.c99.host import host_answers, host_compiler, version_of
from dcanas.export.c99.project import add_selftest
from dcanas.hardware.devices.device import Microcontroller
from dcanas.hardware.microcontroller import proof
from dcanas.hardware.microcontroller.image import PACKAGES
from dcanas.pipeline.context import Context
from dcanas.pipeline.delivered import CODE, FILES, own_images
from dcanas.report.microcontroller import proof_words
from dcanas.training import Dataset, summarise

EMULATED = 500  # test images that the emulator answers
TESTED = 3  # images in selftest.c


def prove(run: Context) -> dict[str, dict[str, Any]]:
    """Return `proof.json` of every microcontroller, made now or before.

    Raises `UserError` if a network does not fit within its limits, or answers otherwise than on this machine.
    """
    return {device.name: prove_network(run, device, run.device_folder(device), f"C code for {device.name}")
            for device in run.devices if isinstance(device, Microcontroller)}


def prove_network(run: Context, device: Microcontroller, folder: Path, title: str) -> dict[str, Any]:
    """Return `proof.json` of the quantised network in `folder`, made now or before; title: of the stage."""
    done = folder / "proof.json"
    if before := run.made_before(done, title):
        return before
    with run.hooks.stage(title):
        dataset, board = own_images(run, folder), proof.board_of(device, run.book(device).budget)
        generated = write_c99(folder / FILES["int8"], folder / CODE, board.core.arithmetic)
        made: dict[str, Any] = {
            "onnx_sha256": sha256_of(folder / FILES["int8"]), "arithmetic": board.core.arithmetic,
            "steps": len(generated.program.steps), "arena_bytes": generated.arena.bytes, "not_proven": []}
        images = dataset.images[dataset.test]
        if host_compiler() is None:
            made["not_proven"].append("the accuracy, which is that of the ONNX file in ONNX Runtime: there is no C "
                                      "compiler for this machine (apt install gcc)")
        else:
            made |= _answers(dataset, images, folder / CODE)
        linked = _linked(images[:EMULATED], board, folder / CODE, made["not_proven"])
        files = sorted((folder / CODE).glob("*.[ch]"))
        made |= {**linked, "sha256": {path.name: sha256_of(path) for path in files} | linked.get("sha256", {})}
        write_result(run.folder, done, made, "prove", files)
    run.hooks.message("\n".join(f"  {line}" for line in proof_words(made)))
    return made


def _answers(dataset: Dataset, images: np.ndarray, code: Path) -> dict[str, Any]:
    """Return how many test images the code compiled for this machine names rightly; add the images that it checks."""
    logits = host_answers(code, images)
    add_selftest(code, images[:TESTED], logits[:TESTED])
    found = summarise(dataset.labels[dataset.test], logits.argmax(axis=1), dataset.classes)
    return {"host_compiler": version_of(host_compiler() or ""), "test_accuracy": found["accuracy"],
            "test_accuracy_interval": found["accuracy_interval"], "test_correct": found["correct"],
            "test_n": found["n"], "test_balanced_accuracy": found["balanced_accuracy"]}


def _linked(images: np.ndarray, board: proof.Board, code: Path, not_proven: list[str]) -> dict[str, Any]:
    """Return what linker and emulator say, and add to `not_proven` what a missing program leaves open."""
    missing = proof.missing_tools()
    if why := proof.why_not_linked(board.core):
        not_proven.append(f"that it fits, and that it answers there as here: {why}")
        return {}
    with tempfile.TemporaryDirectory() as build:
        if not missing and host_compiler():
            return proof.prove(code, board, images, Path(build))
        why = f"{proof.EMULATOR} is missing ({PACKAGES})" if missing else "this machine gives no answers"
        not_proven.append(f"that it answers there as here: {why}")
        return proof.linked_facts(board, proof.build_for(code, board, images[:1], Path(build)))
