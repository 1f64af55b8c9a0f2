"""The circumstances of a measurement, stored beside every number."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from dcanas.basics.machine import usable_cores


def conditions() -> dict[str, Any]:
    """Return processor, cores this process may use, governor, Python; None for what is not told here."""
    return {
        "cpu": _cpu_model(),
        "machine": platform.machine(),
        "cores": usable_cores(),
        "governor": _first_line(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def load_average() -> list[float] | None:
    """Return the system's load over 1, 5 and 15 minutes, or None."""
    try:
        return [round(value, 2) for value in os.getloadavg()]
    except (AttributeError, OSError):
        return None


def _cpu_model() -> str | None:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.partition(":")[0].strip() in ("model name", "Model"):
                return line.partition(":")[2].strip()
    except (OSError, UnicodeDecodeError):
        pass
    return platform.processor() or None


def _first_line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").splitlines()[0].strip() or None
    except (OSError, IndexError, UnicodeDecodeError):
        return None
