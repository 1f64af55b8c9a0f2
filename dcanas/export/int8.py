"""Static int8 quantisation (Jacob et al., CVPR 2018): an fp32 ONNX file becomes one with QuantizeLinear and
DequantizeLinear pairs (QDQ), which runtimes turn into integer kernels.

Weights are symmetric int8, one scale per output channel, of 7 bits (-64 to 64): with 8 bits the integer kernels of
x86 processors without VNNI saturate, and single logits come out wrong without a word. What becomes C for a
microcontroller has 8 bits; such a file says so, and is run here as it is written, its weights dequantised.
Activations are int8 with one scale and zero point each, set by the range they have on calibration images; biases
int32. Input and output of the file stay float32.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_bytes
from dcanas.export.onnx_file import silence
from dcanas.export.parity import as_floats
from dcanas.export.runtime import open_session

QDQ_OPSET = 13  # the first whose QDQ operators know scales per channel


WEIGHT_BITS = "weight_bits"  # name of the entry that only files with weights of 8 bits have; see `worker.open_session`


def quantize_onnx(source: Path | str, path: Path | str, images: NDArray[Any], weight_bits: int = 7) -> Path:
    """Write the int8 form of the ONNX file `source` to `path`, whole; equal inputs give equal bytes.

    Opset, IR version and metadata stay those of `source`, so it loads in the same runtimes.

    Args:
        images: uint8 or float in [0, 1], for calibration: of the training split, never of the test split.
        weight_bits: 7, for runtimes with integer kernels, or 8, for generated C.

    Shape: images (N, C, H, W).
    Raises `UserError` for no images, images of another size, an opset below 13, and files ONNX Runtime cannot quantise.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    source = Path(source)
    entry = open_session(source).get_inputs()[0]  # says in one sentence what is wrong with the file
    if images.ndim != 4 or not len(images) or list(images.shape[1:]) != list(entry.shape[1:]):
        raise UserError(f"Calibration needs images of shape {tuple(entry.shape[1:])} (C, H, W), at least one, got "
                        f"{images.shape}.")
    model = onnx.load(str(source))
    opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    if opset < QDQ_OPSET:
        raise UserError(f"int8 per channel needs ONNX opset {QDQ_OPSET} or newer, {source} has {opset}; raise the "
                        "device's runtime.opset.")
    with tempfile.TemporaryDirectory() as folder, silence(""):
        written = Path(folder) / "int8.onnx"
        try:
            quantize_static(model, written, _Reader(entry.name, images), quant_format=QuantFormat.QDQ,
                            per_channel=True, reduce_range=weight_bits == 7, activation_type=QuantType.QInt8,
                            weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax)
        except Exception as error:  # the quantiser raises many kinds
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise UserError(f"ONNX Runtime cannot quantise {source}: {reason}.") from error
        quantised = onnx.load(str(written))
    quantised.ir_version = model.ir_version
    del quantised.opset_import[:]
    quantised.opset_import.extend(model.opset_import)
    del quantised.metadata_props[:]
    quantised.metadata_props.extend(model.metadata_props)
    if weight_bits == 8:
        quantised.metadata_props.add(key=WEIGHT_BITS, value="8")
    quantised.producer_name, quantised.producer_version = model.producer_name, model.producer_version
    onnx.checker.check_model(quantised, full_check=True)
    write_bytes(path, quantised.SerializeToString(deterministic=True))
    return Path(path)


class _Reader:
    """Gives the calibration images one at a time, as `onnxruntime.quantization` asks for them."""

    def __init__(self, name: str, images: NDArray[Any]):
        self._rows = ({name: as_floats(image[None])} for image in images)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._rows, None)
