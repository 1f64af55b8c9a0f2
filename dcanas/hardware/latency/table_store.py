"""Operation tables as YAML files a person can read, in the user's own folder beside the device profiles."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import onnxruntime
import yaml

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_text
from dcanas.basics.keys import key_of, plain
from dcanas.costs import Domain
from dcanas.export import worker
from dcanas.hardware.devices.device import Device, user_folder
from dcanas.hardware.latency.operation_table import Measured, OperationTable
from dcanas.hardware.measuring.profiler import PROTOCOL

KEYS = ("device", "space", "skeleton", "input_shape", "classes", "conditions", "operations", "fitted", "left_out")


def table_conditions(device: Device, space_file: str | None = None) -> dict[str, Any]:
    """Return what a table of this device is measured under; `space_file`: hash of the user's own space."""
    here = device.connection == "local"  # of a board it is known once it is measured
    return {"protocol": PROTOCOL, "onnxruntime": onnxruntime.__version__ if here else None,
            "cpu": worker.look()["cpu"] if here else None, "provider": device.provider, "threads": device.threads,
            "dtype": device.dtype, "space_file": space_file}


def table_path(device: Device, domain: Domain, stated: dict[str, Any]) -> Path:
    """Return where the table for these networks under these conditions lies; measurements are in the folder beside."""
    return tables_folder_of(device) / f"{domain.space}-{key_of(domain, stated)}.yaml"


def tables_folder_of(device: Device) -> Path:
    return user_folder() / "tables" / device.name


def find_table(device: Device, domain: Domain, stated: dict[str, Any]) -> tuple[Path | None, str]:
    """Return the table for these networks and conditions, or None and in words why there is none."""
    path = table_path(device, domain, stated)
    if path.is_file():
        return path, ""
    for other in sorted(tables_folder_of(device).glob(f"{domain.space}-*.yaml")):
        table = load_table(other)
        if table.domain == domain:
            changed = [f"{name} {table.conditions.get(name)} instead of {value}" for name, value in stated.items()
                       if table.conditions.get(name) != value]
            return None, f"{other} was made under another {', '.join(changed)} and is not used"
    return None, f"no operation table of {device.name} speaks of these networks"


def save_table(path: Path, table: OperationTable) -> None:
    """Write the table; latencies in milliseconds."""
    write_text(path, f"# Latencies of operations inside networks of {table.domain.space} on {table.device}, in "
                     f"milliseconds; made by `dcanas profile device={table.device} space={table.domain.space}`.\n"
               + yaml.safe_dump(plain(_content(table)), sort_keys=False, allow_unicode=True, width=160))


def load_table(path: Path) -> OperationTable:
    """Return the table of a file; raises `UserError` naming file and key where it is not one."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML ({' '.join(str(error).split())}); correct it or measure again."
                        ) from error
    if not isinstance(content, dict) or set(content) != set(KEYS):
        raise UserError(f"{path} is no operation table: expected the keys {', '.join(KEYS)}; measure again.")
    try:
        skeleton = tuple(sorted(dict(content["skeleton"]).items()))
        channels, height, width = (int(size) for size in content["input_shape"])
        domain = Domain(str(content["space"]), skeleton, (channels, height, width), int(content["classes"]),
                        str(content["device"]))
        operations = content["operations"]
        rows = {str(row["operation"]): _latency(path, str(row["operation"]), row["latency_ms"], 0.0)
                for row in operations}
        noisy = tuple(str(row["operation"]) for row in operations if row.get("noisy"))
        networks = [tuple(_network(path, entry) for entry in content[group]) for group in ("fitted", "left_out")]
        return OperationTable(str(content["device"]), domain, dict(content["conditions"]), rows, noisy, *networks)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is no operation table ({type(error).__name__}: {error}); correct it or measure again."
                        ) from error


def _network(path: Path, entry: dict[str, Any]) -> Measured:
    name = str(entry["architecture"])
    return Measured(name, _latency(path, name, entry["latency_ms"], 1e-9),
                    _latency(path, name, entry["latency_p95_ms"], 1e-9), bool(entry.get("noisy")))


def _latency(path: Path, name: str, value: Any, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < 1e7:
        raise UserError(f"{path}: the latency of {name} must be a number of milliseconds, got {value!r}; correct it or "
                        "measure again.")
    return float(value)


def _content(table: OperationTable) -> dict[str, Any]:
    domain = table.domain
    values = ([{"operation": text, "latency_ms": ms, **({"noisy": True} if text in table.noisy else {})}
               for text, ms in table.rows.items()],
              *([{k: v for k, v in dataclasses.asdict(m).items() if k != "noisy" or v} for m in group]
                for group in (table.fitted, table.left_out)))
    return dict(zip(KEYS, (table.device, domain.space, dict(domain.skeleton), domain.input_shape, domain.num_classes,
                           dict(table.conditions), *values), strict=True))
