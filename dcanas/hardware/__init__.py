"""Devices, and the costs of running networks on them."""

from typing import TYPE_CHECKING

from dcanas.basics.lazy import lazy

if TYPE_CHECKING:
    from dcanas.hardware.devices.cost_sources import latency_sources
    from dcanas.hardware.devices.device import Device, Runtime
    from dcanas.hardware.devices.profiles import list_devices, load_device
    from dcanas.hardware.devices.runtimes import runtimes
    from dcanas.hardware.latency.latency_fit import choose_members, fit_latency
    from dcanas.hardware.latency.predictor import LatencyPredictor
    from dcanas.hardware.latency.published_tables import load_tables
    from dcanas.hardware.latency.source import LatencySource, choose_source
    from dcanas.hardware.measuring.measured_members import measure_members
    from dcanas.hardware.measuring.profile import Profile
    from dcanas.hardware.measuring.profiler import profile_onnx

__getattr__ = lazy(__name__)
