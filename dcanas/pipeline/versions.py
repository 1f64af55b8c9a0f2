"""The versions that a run is made with."""

from __future__ import annotations

from importlib.metadata import version
from platform import python_version

from dcanas.basics.version import __version__


def versions() -> dict[str, str]:
    """Return the versions of the packages that a result depends on."""
    packages = ("torch", "numpy", "onnx", "onnxscript", "onnxruntime")
    return {"dcanas": __version__, "python": python_version(), **{name: version(name) for name in packages}}
