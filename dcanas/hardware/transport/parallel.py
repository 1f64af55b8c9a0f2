"""Several devices at once: boards work side by side, this machine alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from dcanas.hardware.devices.device import Device, Ssh

T = TypeVar("T")


def on_all(devices: Sequence[Device], action: Callable[[Device], T]) -> dict[str, T]:
    """Return {device name: what the action returned}.

    Boards at different hosts are asked at the same time, profiles of one host one after the other, and this machine
    when all boards are done, so that nothing disturbs what it measures. Where an action fails the others are finished
    first, and the first error is raised then.
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
