"""Devices, and what networks cost on them when they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dcanas.hardware.devices.device import Device, Runtime, list_devices, load_device
from dcanas.hardware.latency.latency_fit import FittedLatency, choose_members, fit_counts
from dcanas.hardware.measuring.measured_members import measure_members
from dcanas.hardware.measuring.profile import Profile
from dcanas.hardware.measuring.profiler import profile_onnx

if TYPE_CHECKING:
    from dcanas.hardware.latency.predictor import LatencyPredictor
    from dcanas.hardware.latency.published_tables import TableCost, load_tables

__all__ = ["Device", "FittedLatency", "LatencyPredictor", "Profile", "Runtime", "TableCost", "choose_members",
           "fit_counts", "list_devices", "load_device", "load_tables", "measure_members", "profile_onnx"]

_ABOVE_COSTS = {"LatencyPredictor": "latency.predictor", "TableCost": "latency.published_tables",
                "load_tables": "latency.published_tables"}


def __getattr__(name: str) -> Any:
    """Import what stands on `costs`, and so on torch, when it is first asked for: listing devices takes no second."""
    from importlib import import_module

    if name not in _ABOVE_COSTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ABOVE_COSTS[name]}"), name)
