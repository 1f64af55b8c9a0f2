"""From a trained network to files that run without this project."""

from dcanas.export.bundle import write_bundle
from dcanas.export.int8 import quantize_onnx
from dcanas.export.onnx_file import export_onnx
from dcanas.export.parity import as_floats, check_parity
from dcanas.export.random_statistics import with_random_statistics
from dcanas.export.runtime import onnx_predict, open_session
from dcanas.export.stored_bytes import peak_live_bytes, stored_weight_bytes

__all__ = [
           "as_floats",
           "check_parity",
           "export_onnx",
           "onnx_predict",
           "open_session",
           "peak_live_bytes",
           "quantize_onnx",
           "stored_weight_bytes",
           "with_random_statistics",
           "write_bundle",
]
