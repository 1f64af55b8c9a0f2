"""Before anything is searched: can networks of the space become the file that each device needs, and start from the
weights that are given?

Members that together have every operation are exported with the device's versions and loaded, quantised if that is
wanted, and generated as C for a microcontroller. Only what may fail is tried: versions other than the exporter's own,
and operators of the user's own space.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.export import open_session, quantize_onnx
from dcanas.export.c99 import write_c99
from dcanas.export.onnx_file import IR_VERSION, OPSET
from dcanas.hardware import Device
from dcanas.hardware.devices.device import Microcontroller
from dcanas.hardware.measuring.measured_members import export_member
from dcanas.hardware.microcontroller.proof import board_of
from dcanas.pipeline.context import Context
from dcanas.pipeline.quantise import is_quantised
from dcanas.spaces import Architecture, Space
from dcanas.training import Recipe
from dcanas.training.start import find_start, freeze

DRAWN, MOST = 64, 8  # members among which those are taken that have most operations, and how many
IMAGES = 4  # random ones, that the activations' ranges are taken from


def preflight(run: Context) -> None:
    """Refuse what no network of the space can do.

    Raises:
        UserError: a device's versions, its precision or its C code cannot take a network of the space, or nothing in
            the file of `train.init` fits one, or a pattern of `train.freeze` matches nothing in any.
    """
    recipe, devices = run.settings.train, _to_be_tried(run)
    if recipe.init is None and not recipe.freeze and not devices:
        return
    members = telling_members(run.space, run.settings.seed)
    if recipe.init is not None or recipe.freeze:
        _try_start(run, members, recipe)
    for device in devices:
        for member in members:
            _try_file(run, device, member)


def _to_be_tried(run: Context) -> list[Device]:
    """Return the devices that not every network can be delivered for, one of each kind."""
    kinds = {(device.runtime.opset, device.runtime.ir_version, is_quantised(run, device),
              isinstance(device, Microcontroller)): device for device in reversed(run.devices)}
    own = run.settings.space.file is not None
    return [device for kind, device in kinds.items() if own or kind[:2] != (OPSET, IR_VERSION)]


def telling_members(space: Space, seed: int) -> list[Architecture]:
    """Return a few members that together have as many of the space's operations as so few can.

    Each has most of those that none before it has.
    """
    rng = np.random.default_rng(derive_seed(seed, "preflight"))
    drawn = {arch: {slot.options[choice] for slot, choice in zip(space.slots, arch.choices, strict=True)}
             for arch in (space.sample(rng) for _ in range(DRAWN))}
    found: list[Architecture] = []
    there: set[str] = set()
    while len(found) < MOST:
        best = max(drawn, key=lambda arch: len(drawn[arch] - there))
        if found and not drawn[best] - there:
            break
        found.append(best)
        there |= drawn[best]
    return found


def _try_start(run: Context, members: list[Architecture], recipe: Recipe) -> None:
    """Refuse weights, or patterns of what is frozen, that fit none of the members; one is enough, for others may have
    more.
    """
    refused = None
    for member in members:
        with torch.random.fork_rng(devices=[]):
            network = run.space.build(member, len(run.dataset.classes), run.dataset.shape[0], **run.skeleton)
        try:
            if recipe.init is not None:
                find_start(network, recipe.init)
            freeze(network, recipe.freeze)
            return
        except UserError as error:
            refused = refused or error
    assert refused is not None
    raise refused


def _try_file(run: Context, device: Device, member: Architecture) -> None:
    book, seed = run.book(device), run.settings.seed
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, *book.networks.shape(member)), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path, quantised = Path(folder) / "model.onnx", Path(folder) / "model.int8.onnx"
        try:
            export_member(book.networks, member, path, device, seed, run.dataset.classes)
            open_session(path)
            if is_quantised(run, device):
                quantize_onnx(path, quantised, images)
            if isinstance(device, Microcontroller):
                write_c99(quantised, Path(folder) / "c99", board_of(device).core.arithmetic)
        except UserError as error:
            why = str(error).replace(str(quantised), "the int8 file").replace(str(path), "the file")
            raise UserError(f"Networks of {run.space.name} cannot be delivered for {device.name}: {why}") from error
        except Exception as error:  # the exporter raises many kinds for operators it does not know
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise UserError(f"Networks of {run.space.name} cannot be exported for {device.name} ({reason}); use "
                            "operators that torch.onnx.export knows.") from error
