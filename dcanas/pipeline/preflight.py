"""Before anything is searched: can a network of the space become the file that each device needs?

One member is exported with the device's versions and loaded, and quantised if that is wanted. Only what may fail is
tried: versions other than the exporter's own, or operators of the user's own space.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.export import export_onnx, open_session, quantize_onnx
from dcanas.export.classifier import Classifier, Normalise
from dcanas.export.onnx_file import IR_VERSION, OPSET
from dcanas.hardware import Device
from dcanas.pipeline.context import Context


def preflight(run: Context) -> None:
    """Raise `UserError` if a device's versions or its precision cannot take networks of the space."""
    tried = set()
    for device in run.devices:
        asked = device.runtime.opset, device.runtime.ir_version, run.settings.int8 or device.dtype == "int8"
        own = run.settings.space.file is not None
        if asked not in tried and (own or asked[:2] != (OPSET, IR_VERSION)):
            _try(run, device, asked[2])
        tried.add(asked)


def _try(run: Context, device: Device, int8: bool) -> None:
    member, channels = run.space.sample(np.random.default_rng(derive_seed(run.settings.seed, "preflight"))), \
        run.dataset.shape[0]
    shape = run.book(device).networks.shape(member)
    with torch.random.fork_rng([]), tempfile.TemporaryDirectory() as folder:
        network = run.space.build(member, len(run.dataset.classes), channels,
                                  **run.space.delivered_skeleton(run.skeleton))
        model, path = Classifier(Normalise((0.5,) * channels, (0.5,) * channels), network), Path(folder) / "member.onnx"
        try:
            export_onnx(model, path, shape, device.runtime.opset, device.runtime.ir_version)
            open_session(path)
            if int8:
                quantize_onnx(path, Path(folder) / "member.int8.onnx", np.zeros((1, *shape), np.uint8))
        except UserError as error:
            why = str(error).replace(str(path), "the file")
            raise UserError(f"Networks of {run.space.name} cannot be delivered for {device.name}: {why}") from error
        except Exception as error:  # the exporter raises many kinds for operators it does not know
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise UserError(f"Networks of {run.space.name} cannot be exported for {device.name} ({reason}); use "
                            "operators that torch.onnx.export knows.") from error
