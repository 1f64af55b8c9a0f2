"""Temporary folders that broken measurements left on a device; see `worker.abandoned` for which are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.hardware.devices.device import Device, Ssh
from dcanas.hardware.transport.board import BoardLostError, connected
from dcanas.hardware.transport.board_protocol import list_of, text

MOST = 1000  # folders in one answer
REMOVE_S = 60.0


def list_leftovers(device: Device) -> tuple[str, list[str]]:
    """Return the folder for temporary files on a device, and the names of what lies there and nobody uses.

    Raises:
        UserError: the device cannot be reached.
    """
    return _ask(device, ())


def remove_leftovers(device: Device, names: Sequence[str]) -> list[str]:
    """Remove folders that `list_leftovers` named; return those that are gone. Links are not followed."""
    left = _ask(device, names)[1]
    return [name for name in names if name not in left]


def _ask(device: Device, remove: Sequence[str]) -> tuple[str, list[str]]:
    if device.connection is None:
        raise UserError(f"{device.name} has no connection in its profile, so nothing was left there.")
    folder = device.connection.folder if isinstance(device.connection, Ssh) else None
    try:
        with connected(device.connection, device.name) as started:
            found = started.ask("left", {"folder": text, "left": list_of(_name, MOST)}, folder=folder,
                                remove=list(remove), takes_s=REMOVE_S if remove else 0.0)
    except BoardLostError as lost:
        raise UserError(f"Lost contact with device {device.name} ({lost}); run the command again.") from lost
    return found["folder"], found["left"]


def _name(value: Any) -> bool:
    return text(value) and re.fullmatch(r"dcanas-\w+", value) is not None
