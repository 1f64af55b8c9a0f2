"""From a trained network to files that run without this project."""

from dcanas.export.bundle import write_bundle
from dcanas.export.int8 import quantize_onnx
from dcanas.export.onnx_file import export_onnx
from dcanas.export.parity import as_floats, check_parity
from dcanas.export.runtime import onnx_predict, open_session
from dcanas.export.stored import peak_live_bytes, stored_weight_bytes
from dcanas.export.untrained import as_if_trained

__all__ = ["as_floats", "as_if_trained", "check_parity", "export_onnx", "onnx_predict", "open_session",
           "peak_live_bytes", "quantize_onnx", "stored_weight_bytes", "write_bundle"]
