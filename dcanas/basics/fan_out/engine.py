"""Where independent tasks run: processes of this machine, or the workers of a Dask scheduler."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from dcanas.basics.errors import UserError
from dcanas.basics.machine import usable_cores

LOCAL, DASK = "local", "dask:"
SCHEMES = ("tcp", "tls")


@dataclass(frozen=True)
class Engine:
    """Where independent tasks run; nothing but `threads` changes a result.

    Attributes:
        name: `local`, or `dask:` and the address of a scheduler.
        workers: tasks at once; None: as many as the cores (with CUDA the GPUs) of this machine, or all workers of the
            scheduler.
        threads: of torch in every task, wherever it runs, so that sums are the same everywhere.
        gpus: CUDA devices of each machine, of which every task has one to itself; 0: tasks run on the CPU.
        patience_s: seconds that the scheduler may be away.
        trust_network: whether an address beyond this machine is used without TLS.

    Raises:
        UserError: `name` is neither, or an address beyond this machine has no TLS.
    """

    name: str = LOCAL
    workers: int | None = None
    threads: int = 1
    gpus: int = 0
    patience_s: float = 300.0
    trust_network: bool = False

    def __post_init__(self) -> None:
        check_engine(self.name, self.trust_network)

    @property
    def address(self) -> str | None:
        """Address of the scheduler; None: the tasks run on this machine."""
        return None if self.name == LOCAL else self.name.removeprefix(DASK)

    def at_once(self, tasks: int) -> int:
        """Return how many of so many tasks run at once on this machine."""
        return max(1, min(tasks, self.workers or self.gpus or usable_cores() // self.threads))


def check_engine(name: str, trust_network: bool) -> None:
    """Raise `UserError` if there is no such engine, or if its address may not be used."""
    if name == LOCAL:
        return
    address = urlsplit(name.removeprefix(DASK))
    try:
        whole = name.startswith(DASK) and address.scheme in SCHEMES and address.hostname and address.port
    except ValueError:  # a port that is no number
        whole = False
    if not whole:
        raise UserError(f"run.engine must be {LOCAL} or dask:tls://HOST:PORT, the address of a Dask scheduler, got "
                        f"{name!r}.")
    if address.scheme != "tls" and not trust_network and not _is_loopback(address.hostname or ""):
        raise UserError(f"run.engine={name} has no TLS, and Dask runs whatever reaches its port: use dask:tls://..., "
                        "or run.trust_network=true if nobody else can reach that network.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"


ALONE = Engine(workers=1)
