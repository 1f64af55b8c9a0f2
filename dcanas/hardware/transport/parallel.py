"""Several devices at once: boards side by side, this machine alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from dcanas.hardware.devices.device import Device, Ssh

T = TypeVar("T")


def on_all(devices: Sequence[Device], action: Callable[[Device], T]) -> dict[str, T]:
    """Return the results of an action by the name of the device.

    Boards at different hosts run at the same time, profiles of one host one after the other, and this machine after all
    boards, so that nothing disturbs its measurements. If an action fails, the others are finished first; then the error
    of the first such device is raised.
    """
    queues: dict[str, list[Device]] = {}
    for device in devices:
        if isinstance(device.connection, Ssh):
            queues.setdefault(device.connection.ssh.rpartition("@")[2], []).append(device)
    here = [device for device in devices if not isinstance(device.connection, Ssh)]
    found: dict[str, T] = {}
    errors: dict[str, Exception] = {}

    def work(queue: list[Device]) -> None:
        for device in queue:
            try:
                found[device.name] = action(device)
            except Exception as error:
                errors[device.name] = error

    if queues:
        with ThreadPoolExecutor(len(queues)) as pool:
            list(pool.map(work, queues.values()))
    work(here)
    for device in devices:
        if device.name in errors:
            raise errors[device.name]
    return found
