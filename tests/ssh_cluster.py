"""A Dask scheduler and workers that are started through SSH and speak TLS, which tests may kill."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from dask_cluster import free_port, wait_for
from loopback import Loopback


class Started:
    """A process on the host `board`, which its first line numbers."""

    def __init__(self, board: Loopback, *words: str):
        command = ["env", f"PYTHONPATH={os.pathsep.join(sys.path)}", "OMP_NUM_THREADS=1", sys.executable, "-m", *words]
        self._ssh = subprocess.Popen([board.root / "bin/ssh", "board", f"echo $$; exec {shlex.join(command)}"],
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                     text=True)
        assert self._ssh.stdout is not None
        self.pid = int(self._ssh.stdout.readline())

    def kill(self) -> None:
        """End it by SIGKILL, and wait until SSH has noticed."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._ssh.wait()
        assert self._ssh.stdout is not None
        self._ssh.stdout.close()


class SshCluster:
    """A scheduler and its workers, started by `ssh board ...`."""

    def __init__(self, board: Loopback, certificate: Path, key: Path):
        self._board, self.port = board, free_port()
        self._tls = ("--tls-ca-file", str(certificate), "--tls-cert", str(certificate), "--tls-key", str(key))
        self.address = f"tls://127.0.0.1:{self.port}"
        self.workers: list[Started] = []
        self.start_scheduler()

    def start_scheduler(self) -> None:
        self.scheduler = Started(self._board, "distributed.cli.dask_scheduler", "--host", self.address,
                                 "--no-dashboard", *self._tls)

    def add_worker(self) -> None:
        self.workers.append(Started(self._board, "distributed.cli.dask_worker", self.address, "--nthreads", "1",
                                    "--no-nanny", "--no-dashboard", "--death-timeout", "60", *self._tls))

    def close(self) -> None:
        for started in (self.scheduler, *self.workers):
            started.kill()


@contextmanager
def ssh_cluster(board: Loopback, folder: Path, workers: int, patch: pytest.MonkeyPatch) -> Iterator[SshCluster]:
    """Start a cluster whose certificate signs itself, and let this process know it; skips without openssl."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("openssl not installed")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    import dask

    for name, path in (("CA_FILE", certificate), ("CLIENT__CERT", certificate), ("CLIENT__KEY", key)):
        patch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{name}", str(path))
    dask.config.refresh()
    cluster = SshCluster(board, certificate, key)
    try:
        for _ in range(workers):
            cluster.add_worker()
        wait_for(cluster.address, workers)
        yield cluster
    finally:
        cluster.close()
        patch.undo()
        dask.config.refresh()
