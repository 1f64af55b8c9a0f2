"""From a trained network to files that run without this project."""

from typing import TYPE_CHECKING

from dcanas.basics.lazy import lazy

if TYPE_CHECKING:
    from dcanas.export.bundle import write_bundle
    from dcanas.export.int8 import quantize_onnx
    from dcanas.export.onnx_file import export_onnx
    from dcanas.export.parity import as_floats, check_parity
    from dcanas.export.random_statistics import with_random_statistics
    from dcanas.export.runtime import onnx_predict, open_session
    from dcanas.export.stored_bytes import peak_live_bytes, stored_weight_bytes

__getattr__ = lazy(__name__)
