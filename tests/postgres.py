"""A PostgreSQL of the tests' own: a data folder and a port of its own on loopback, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs (Debian keeps them off the path), or None."""
    found = [Path(p).parent for p in (shutil.which("initdb"),) if p]
    found = [p.resolve() for p in found] + sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((p for p in found if (p / "initdb").exists() and (p / "pg_ctl").exists()), None)


class Server(str):
    """The address of an empty database, whose server can be stopped and started."""

    call: Callable[..., None]
    data: Path
    options: str

    def stop(self) -> None:
        self.call("pg_ctl", "-D", str(self.data), "-w", "-m", "immediate", "stop")

    def start(self) -> None:
        self.call("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-l", str(self.data / "log"), "-o", self.options,
                  "start")


def database(folder: Path) -> Iterator[Server]:
    """Yield the address of an empty database; skips, with the reason, where that cannot be had."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra: postgres)")
    place = programs()
    if place is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    data = folder / "data"
    data.mkdir(parents=True)
    as_other: list[str] = []
    if os.geteuid() == 0:  # which PostgreSQL refuses to run as
        if shutil.which("runuser") is None or subprocess.run(["id", "postgres"], capture_output=True).returncode:
            pytest.skip("as root, PostgreSQL needs runuser and a user postgres")
        as_other = ["runuser", "-u", "postgres", "--"]
        shutil.chown(data, "postgres")
        for parent in [folder, *folder.parents]:
            if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def call(program: str, *arguments: str) -> None:
        done = subprocess.run([*as_other, str(place / program), *arguments], capture_output=True, text=True, cwd="/",
                              timeout=120)
        if done.returncode:
            pytest.skip(f"{program} did not work here: {(done.stderr or done.stdout).strip().splitlines()[-1]}")

    call("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off " \
              "-c max_connections=300"
    server = Server(f"postgresql://postgres@127.0.0.1:{port}/postgres")
    server.call, server.data, server.options = call, data, options
    server.start()
    try:
        yield server
    finally:
        server.stop()
