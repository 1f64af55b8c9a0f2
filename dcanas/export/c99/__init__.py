"""From an int8 ONNX file to C99 for microcontrollers: no heap, no library, one arena."""

from typing import TYPE_CHECKING

from dcanas.basics.lazy import lazy

if TYPE_CHECKING:
    from dcanas.export.c99.project import write_c99

__getattr__ = lazy(__name__)
