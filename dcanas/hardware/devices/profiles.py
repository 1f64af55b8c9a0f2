"""Device profiles: one YAML file per device, shipped or in the user's own folder."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.files import read_yaml
from dcanas.basics.resources import resource_folder
from dcanas.basics.typed_path import typed_path
from dcanas.basics.user_files import file_hash
from dcanas.hardware.devices.cost_sources import CHOSEN, SOURCES, may_state
from dcanas.hardware.devices.device import Device, Expected, Microcontroller, Processor, Runtime, Serial, Ssh
from dcanas.hardware.devices.runtimes import runtimes
from dcanas.hardware.microcontroller.cores import CORES


def load_device(name: str) -> Device:
    """Return the device of this name; the user's own profile replaces a shipped one of the same name.

    Raises:
        UserError: the name is unknown (the message suggests the nearest one), or the profile is invalid (the message
            names the file and the key).
    """
    path = profile_path(name)
    values = _checked(path, "", read_yaml(path), _DEVICE)
    runtime = Runtime(**_checked(path, "runtime.", values["runtime"], _RUNTIME))
    port = None
    if isinstance(values["connection"], dict) and "serial" in values["connection"]:
        port = Serial(**_checked(path, "connection.", values["connection"], _SERIAL))
        values["connection"] = None  # no ONNX file can be run or measured there
    elif isinstance(values["connection"], dict):
        values["connection"] = Ssh(**_checked(path, "connection.", values["connection"], _SSH))
    values["board"] = Expected(**_checked(path, "board.", values.get("board", {}), _EXPECTED))
    allowed = {cost: (partial(may_state, cost, folder=path.parent),
                      " or ".join([*words, *["a Python file beside this profile"] * (cost in CHOSEN)]))
               for cost, words in SOURCES.items() if cost in values["costs"]}
    costs = _checked(path, "costs.", values["costs"], allowed, known=SOURCES)
    files_of = {cost: f"{source}, SHA-256 {file_hash(path.parent / source, f'costs.{cost}')}"
                for cost, source in costs.items() if source.endswith(".py")}
    values["sources"] = {**values.get("sources", {}), **files_of}  # a changed file makes another device
    _consistent(path, values, runtime, costs)
    if port is not None and runtime.name != "c99":
        raise UserError(f"{path}: connection: {{serial: PORT}} is that of a microcontroller (runtime.name: c99); other "
                        "boards are reached by {ssh: HOST}.")
    if values["name"] != path.stem:
        raise UserError(f"{path}: name must be the file's own name {path.stem!r}, got {values['name']!r}.")
    values |= {"runtime": runtime, "costs": costs}
    if "processor" in values:
        values["processor"] = Processor(**_checked(path, "processor.", values["processor"], _PROCESSOR))
        return Microcontroller(**values, port=port)
    return Device(**values)


def list_devices() -> list[str]:
    """Return the names of all devices, in alphabetical order."""
    return sorted(_profiles())


def profile_path(name: str) -> Path:
    """Return the file of a device's profile; raises `UserError` for an unknown name."""
    files = _profiles()
    if name not in files:
        raise unknown("device", name, files)
    return files[name]


def user_folder() -> Path:
    """Return the folder of the user's own profiles: `DCANAS_DEVICES`, or `~/.config/dcanas/devices`.

    Raises:
        UserError: `DCANAS_DEVICES` names something that is not a folder.
    """
    stated = os.environ.get("DCANAS_DEVICES")
    if stated and not typed_path(stated).is_dir():
        raise UserError(f"DCANAS_DEVICES names {stated}, which is not a folder; create or unset it.")
    return typed_path(stated or "~/.config/dcanas/devices")


def _profiles() -> dict[str, Path]:
    folders = (resource_folder("hardware_profiles"), user_folder())  # the later replaces the earlier
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}


Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _whole(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high


RUNTIMES = ("onnxruntime", "tflite", "tflite-micro", "tflite-edgetpu", "tensorrt", "pytorch", "simulator", "hls", "c99")
OPTIONAL = ("table", "sources", "board", "python", "folder", "timeout_s", "baud", "machine", "cores", "governor",
            "processor", "flash_reserved_bytes", "ram_reserved_bytes")
_RUNTIME: dict[str, tuple[Check, str]] = {
    "name": (lambda v: v in RUNTIMES or v in runtimes,
             f"one of {', '.join(RUNTIMES)}, or that of a plug-in (plugins=[...])"),
    "version": (lambda v: v is None or (isinstance(v, str) and bool(re.fullmatch(r"\d+(\.\d+){1,2}", v))),
                'a version in quotes such as "1.14", or null if it is not known'),
    "opset": (_whole(7, 64), "a whole number from 7 to 64"),
    "ir_version": (_whole(3, 32), "a whole number from 3 to 32"),
}
_SSH: dict[str, tuple[Check, str]] = {
    "ssh": (lambda v: isinstance(v, str) and bool(re.fullmatch(r"[^\s\x00-\x1f-][^\s\x00-\x1f]*", v)),
            "a host as ssh takes it, such as pi@raspi4.local or a name of ~/.ssh/config"),
    "python": (_text, "the board's Python with numpy and onnxruntime, such as ~/venv/bin/python"),
    "folder": (lambda v: v is None or _text(v), "a folder on the board, or null"),
    "timeout_s": (lambda v: type(v) in (int, float) and 1 <= v <= 3600, "a number of seconds from 1 to 3600"),
}
_SERIAL: dict[str, tuple[Check, str]] = {
    "serial": (lambda v: isinstance(v, str) and bool(re.fullmatch(r"[^\s\x00-\x1f]+", v)),
               "a port such as /dev/ttyACM0"),
    "baud": (_whole(300, 12_000_000), "a number of bits per second such as 115200"),
    "timeout_s": _SSH["timeout_s"],
}
_EXPECTED: dict[str, tuple[Check, str]] = {
    "machine": (_text, "what `uname -m` says there, such as aarch64"),
    "cores": (_whole(1, 1024), "a whole number from 1 to 1024"),
    "governor": (_text, "a governor of the processor's clock, such as performance"),
}
_PROCESSOR: dict[str, tuple[Check, str]] = {
    "core": (lambda v: v in CORES, f"one of {', '.join(CORES)}"),
    **dict.fromkeys(("flash_address", "ram_address"), (_whole(0, 2**32 - 1), "an address such as 0x20000000")),
    **dict.fromkeys(("flash_reserved_bytes", "ram_reserved_bytes"), (_whole(0, 1 << 30), "a whole number of bytes")),
}
_DEVICE: dict[str, tuple[Check, str]] = {
    "name": (_text, "a text"),
    "description": (_text, "a text"),
    "runtime": (lambda v: isinstance(v, dict), f"a block with {', '.join(_RUNTIME)}"),
    "provider": (lambda v: isinstance(v, str) and bool(re.fullmatch(r"\w+ExecutionProvider", v)),
                 "an ONNX Runtime execution provider such as CPUExecutionProvider"),
    "threads": (_whole(1, 1024), "a whole number from 1 to 1024"),
    **dict.fromkeys(("memory_bytes", "flash_bytes"), (lambda v: v is None or _whole(1024, 1 << 50)(v),
                                                      "a whole number of bytes, at least 1024, or null for no limit")),
    "dtype": (lambda v: v in ("fp32", "int8"), "fp32 or int8"),
    "connection": (lambda v: v is None or v == "local" or isinstance(v, dict),
                   "local, a block {ssh: HOST} or, for a microcontroller, {serial: PORT}, or null if no board can be "
                   "reached"),
    "board": (lambda v: isinstance(v, dict), f"a block of what is checked on the board: {', '.join(_EXPECTED)}"),
    "processor": (lambda v: isinstance(v, dict), f"a block of a microcontroller's core and memory: "
                                                 f"{', '.join(_PROCESSOR)}"),
    "costs": (lambda v: isinstance(v, dict) and bool(v), "a block of cost names and their sources"),
    "table": (lambda v: v is None or _text(v), "the device's name in the published tables, or null"),
    "sources": (lambda v: isinstance(v, dict) and all(_text(k) and _text(s) for k, s in v.items()),
                "a block of figures and where each was read"),
}


def _consistent(path: Path, values: dict[str, Any], runtime: Runtime, costs: Mapping[str, str]) -> None:
    if runtime.name == "onnxruntime" and runtime.version is None:
        raise UserError(f"{path}: a device that runs ONNX Runtime needs runtime.version.")
    if (runtime.name == "c99") != ("processor" in values):
        raise UserError(f"{path}: runtime.name: c99 and a block `processor` belong together; state both or neither.")
    if runtime.name == "c99" and (values["dtype"] != "int8" or None in (values["memory_bytes"], values["flash_bytes"])):
        raise UserError(f"{path}: runtime.name: c99 needs dtype: int8, memory_bytes and flash_bytes.")
    linked = [cost for cost in ("ram_bytes", "flash_bytes") if cost in costs]
    if len(linked) != (2 if runtime.name == "c99" else 0):
        raise UserError(f"{path}: costs.ram_bytes and costs.flash_bytes, both linked, are those of runtime.name: c99; "
                        f"{'state both' if runtime.name == 'c99' else 'other devices have peak_bytes and weight_bytes'}"
                        ".")
    for cost, source in costs.items():
        if runtime.name in runtimes and values["connection"] != "local":
            raise UserError(f"{path}: runtime.name: {runtime.name} is a plug-in's, which measures on this machine; "
                            "state connection: local.")
        measurable = runtime.name == "onnxruntime" or runtime.name in runtimes
        if source == "measured" and (values["connection"] is None or not measurable):
            raise UserError(f"{path}: costs.{cost} is measured, which needs connection: local or {{ssh: HOST}} "
                            "and runtime.name: onnxruntime; state another source or leave the cost out.")
        few_shot = cost == "latency_ms" and values["connection"] is not None and runtime.name == "onnxruntime"
        if values.get("table") is None and (source == "looked up" or (source == "predicted" and not few_shot)):
            board = " or, to predict it from a few measurements, a connection and runtime.name: onnxruntime"
            raise UserError(f"{path}: costs.{cost} is {source}, which needs table: the device's name in the published "
                            f"tables{board if source == 'predicted' and cost == 'latency_ms' else ''}.")
    for figure in values.get("sources", {}):
        known = [*_DEVICE, *(f"runtime.{name}" for name in _RUNTIME), *SOURCES]
        if figure not in known:
            raise UserError(f"{path}: {unknown('figure under sources', figure, known)}")


def _checked(path: Path, prefix: str, content: Any, schema: Mapping[str, tuple[Check, str]],
             known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a block with the keys of `schema` and valid values.

    Args:
        prefix: of the keys in messages.
        known: names among which a similar one is suggested; None: those of `schema`.

    Raises:
        UserError: a key is unknown or missing, or a value is invalid; the message names file and key.
    """
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold the keys {', '.join(schema)}, got {type(content).__name__}.")
    for key in content:
        if key not in schema:
            names = [prefix + name for name in known or schema]
            raise UserError(f"{path}: {unknown('key', f'{prefix}{key}', names)}")
    for key, (check, expected) in schema.items():
        if key not in content and key in OPTIONAL:
            continue
        if key not in content:
            raise UserError(f"{path}: {prefix}{key} is missing; expected {expected}.")
        if not check(content[key]):
            raise UserError(f"{path}: {prefix}{key} must be {expected}, got {content[key]!r}.")
    return dict(content)
