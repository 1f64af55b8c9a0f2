"""A board to test against: a real `sshd` on the loopback interface with keys and settings of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from dcanas.basics.resources import resource_folder


class Loopback:
    """Hosts that `ssh` knows here: board, and stranger (unknown key), changed (another key is known), refused (foreign
    key), closed (nobody listens).

    folder: where the board keeps files while they are measured; devices: the user's own device profiles.
    """

    def __init__(self, root: Path, ssh: str, port: int, closed: int):
        self.root, self.folder, self.devices = root, root / "board", root / "devices"
        self.folder.mkdir()
        self.devices.mkdir()
        user = pwd.getpwuid(os.getuid()).pw_name
        common = f"  HostName 127.0.0.1\n  User {user}\n  IdentitiesOnly yes\n  StrictHostKeyChecking yes\n" \
                 f"  GlobalKnownHostsFile /dev/null\n"
        hosts = (("board", port, "key", "known"), ("stranger", port, "key", "nothing"),
                 ("changed", port, "key", "former"), ("refused", port, "foreign", "known"),
                 ("closed", closed, "key", "known"))
        (root / "config").write_text("".join(
            f"Host {name}\n{common}  Port {at}\n  IdentityFile {root / key}\n  UserKnownHostsFile {root / known}\n"
            for name, at, key, known in hosts))
        (root / "bin").mkdir()
        self.script("ssh", f'exec {ssh} -F {root / "config"} "$@"', root / "bin")
        self.path = f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def script(self, name: str, lines: str, folder: Path | None = None) -> Path:
        path = (folder or self.root) / name
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
        return path

    def python(self, name: str, before: str) -> Path:
        """Write a Python for the board before which the shell does something."""
        return self.script(name, f'{before}\nexec {sys.executable} "$@"')

    def device(self, name: str = "board", host: str = "board", **changes: object) -> str:
        """Write a profile of the board and return its name; connection=...: changes of that block."""
        content = yaml.safe_load((resource_folder("hardware_profiles") / "local-cpu.yaml").read_text())
        connection = {"ssh": host, "python": sys.executable, "folder": str(self.folder), "timeout_s": 60,
                      **changes.pop("connection", {})}  # type: ignore[dict-item]
        profile = {**content, "name": name, "description": "A test.", "connection": connection, **changes}
        (self.devices / f"{name}.yaml").write_text(yaml.safe_dump(profile))
        return name


@contextmanager
def loopback(root: Path) -> Iterator[Loopback]:
    """Start the server; skips the test where it cannot run."""
    programs = {name: shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
                for name in ("ssh", "sshd", "ssh-keygen")}
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed (apt-get install openssh-server openssh-client)")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(parents=True, exist_ok=True)  # where sshd leaves its privileges
    for name in ("host", "key", "foreign"):
        subprocess.run([programs["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-f", root / name], check=True)
    port, closed = _free_ports()
    shutil.copy(root / "key.pub", root / "authorized")
    (root / "nothing").touch()
    (root / "known").write_text(f"[127.0.0.1]:{port} {(root / 'host.pub').read_text()}")
    (root / "former").write_text(f"[127.0.0.1]:{port} {(root / 'foreign.pub').read_text()}")
    (root / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {root / 'host'}\nAuthorizedKeysFile {root / 'authorized'}\n"
        "PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin prohibit-password\n")
    log = (root / "sshd.log").open("w")
    server = subprocess.Popen([programs["sshd"], "-D", "-e", "-f", root / "sshd_config"], stderr=log)
    try:
        board = Loopback(root, str(programs["ssh"]), port, closed)
        _wait(server, port, root)
        tried = subprocess.run([root / "bin/ssh", "-o", "BatchMode=yes", "board", "true"], capture_output=True,
                               text=True)
        if tried.returncode:
            pytest.skip(f"sshd lets nobody in here: {tried.stderr.strip()} {(root / 'sshd.log').read_text().strip()}")
        yield board
    finally:
        server.terminate()
        server.wait(timeout=10)
        log.close()


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def _wait(server: subprocess.Popen, port: int, root: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if server.poll() is not None:
            pytest.skip(f"sshd does not start here: {(root / 'sshd.log').read_text().strip()}")
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.skip("sshd does not listen after 20 s")
