"""Devices, and what networks cost on them when they are run."""

from dcanas.hardware.device import Device, Runtime, list_devices, load_device
from dcanas.hardware.latency_fit import FittedLatency, choose_members, fit_counts
from dcanas.hardware.members import measure_members
from dcanas.hardware.predictor import LatencyPredictor
from dcanas.hardware.profile import Profile
from dcanas.hardware.profiler import profile_onnx
from dcanas.hardware.tables import TableCost, load_tables

__all__ = ["Device", "FittedLatency", "LatencyPredictor", "Profile", "Runtime", "TableCost", "choose_members",
           "fit_counts", "list_devices", "load_device", "load_tables", "measure_members", "profile_onnx"]
