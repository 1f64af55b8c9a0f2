"""A worker process, on a board through the user's own OpenSSH or on this machine, and the requests it answers.

The worker's source travels over the connection's standard input, models follow on it, answers come back on standard
output: one connection, no copying program, nothing installed on the board. What comes back is untrusted: it is read as
JSON, checked, and never executed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.printable import printable
from dcanas.export import worker
from dcanas.hardware.devices.device import Ssh
from dcanas.hardware.transport.peer import Peer
from dcanas.hardware.transport.progress import report_blocks
from dcanas.hardware.transport.stream import PeerError, PeerGoneError, PeerSilentError

OPTIONS = ("BatchMode=yes", "ConnectTimeout=15", "ServerAliveInterval=5", "ServerAliveCountMax=3")
ANSWER_BYTES = 1 << 16  # where no more is asked for
LINK_BYTES_PER_S = 50_000  # of the slowest connection that is waited for

Check = Callable[[Any], bool]


class BoardLostError(Exception):
    """The connection to the worker was lost before it answered; the request may be repeated. The text has the cause."""


class Worker:
    """A process that answers requests; started by `connected`.

    Args:
        command: starts the worker; its source is sent to the standard input.
        name: of the board, for messages.
        patience_s: how long the worker may be silent, and take longer than it was asked to, in seconds.

    Attributes:
        took_s: the seconds from the last request to its answer.
        sent: name of a file in the worker's folder -> its SHA-256.

    Raises:
        UserError: the command is not installed.
        BoardLostError: the connection failed.
    """

    def __init__(self, command: Sequence[str], name: str, patience_s: float):
        self.name, self.took_s = name, 0.0
        self.sent: dict[str, str] = {}
        token = secrets.token_hex(8)
        try:
            self._peer = Peer(command, token, patience_s)
        except FileNotFoundError as error:
            raise UserError(f"{command[0]} is not installed here; a board is reached with the OpenSSH client.") \
                from error
        with self._heeded():
            self._peer.send(_source(token))

    def ask(self, do: str, checks: dict[str, Check], content: bytes = b"", takes_s: float = 0.0,
            longest: int = ANSWER_BYTES, **request: Any) -> dict[str, Any]:
        """Return the answer to a request: a dictionary whose values have passed `checks`.

        Args:
            do: name of the request.
            checks: key of the answer -> whether its value is valid.
            content: the bytes of a file that goes with the request.
            takes_s: what the worker is asked to take, in seconds, besides the time that a file takes to travel.
            longest: bytes of the answer.
            request: its arguments, as JSON types.

        Raises:
            UserError: the worker cannot do what is asked, its answer is invalid, or it says too much or takes too long.
            BoardLostError: the connection or the worker was lost, or silent for too long.
        """
        size = {"size": len(content)} if content else {}
        with self._heeded():
            self._peer.begin(takes_s + len(content) / LINK_BYTES_PER_S, longest)
            self._peer.send(json.dumps({"do": do, **request, **size}).encode() + b"\n")
            self._peer.send(content)
            answer = self._answer()
            while answer.get("alive") is True:
                report_blocks(answer.get("done"), answer.get("planned"))
                answer = self._answer()
            self.took_s = self._peer.end()
        if "error" in answer:
            self._refuse(do, answer)
        for key, check in checks.items():
            if key not in answer or not check(answer[key]):
                raise self._nonsense(f"no valid {key!r}")
        return answer

    def store(self, path: Path | str, name: str) -> None:
        """Copy a file into the worker's folder under `name`; its SHA-256 is compared there.

        Raises:
            UserError: there is no such file, or the board has no room for it.
            BoardLostError: the connection was lost.
        """
        if not Path(path).is_file():
            raise UserError(f"There is no file at {path}.")
        content = Path(path).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        self.ask("store", {"sha256": lambda found: found == digest}, content, name=name, sha256=digest)
        self.sent[name] = digest

    def close(self) -> None:
        """End the worker after its own cleanup; it is killed if it does not end."""
        self._peer.close()

    def _give_up(self) -> None:
        self._peer.kill()
        self._peer.close()

    def _answer(self) -> dict[str, Any]:
        line = self._peer.line()
        try:
            value = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise self._nonsense("invalid JSON") from error
        if not isinstance(value, dict):
            raise self._nonsense("JSON that is not an object")
        return value

    @contextlib.contextmanager
    def _heeded(self) -> Iterator[None]:
        """Raise what became of the peer as an error for the user, or one that is worth another try."""
        try:
            yield
        except PeerGoneError as error:
            raise self._lost(self._peer.close()) from error
        except PeerSilentError as error:
            self._give_up()
            raise BoardLostError(str(error)) from error
        except PeerError as error:
            self._give_up()
            raise UserError(f"Device {self.name} {error}, and was given up; check its login shell and its Python, or "
                            "raise connection.timeout_s in its profile if it is only slow.") from error

    def _lost(self, code: int) -> Exception:
        """Return why the worker was lost: an error for the user to fix, or one that is worth another try."""
        errors = self._peer.errors
        said = " ".join(errors)
        for words, meaning in REFUSALS.items():
            if code in (255, 127, 126) and words.lower() in said.lower():
                return UserError(f"Device {self.name} cannot be reached: {meaning} (ssh: {_last(errors)}).")
        if code in (126, 127):
            return UserError(f"Device {self.name} has no Python where its profile says "
                             f"({_last(errors)}); set connection.python to one with numpy and onnxruntime.")
        if "SyntaxError" in said:
            return UserError(f"The Python of device {self.name} is too old ({_last(errors)}); set "
                             "connection.python to 3.8 or newer.")
        if code in (255, 0):
            return BoardLostError(f"the connection ended ({_last(errors)})")
        how = f"signal {code - 128 if code > 128 else -code}" if code > 128 or code < 0 else f"exit code {code}"
        return BoardLostError(f"the worker there died of {how} ({_last(errors)})")

    def _nonsense(self, what: str) -> UserError:
        self._give_up()
        return UserError(f"Device {self.name} answered with {what} instead of its worker's answer; check its login "
                         "shell and its Python, then run the command again.")

    def _refuse(self, do: str, answer: dict[str, Any]) -> None:
        text = printable(str(answer.get("text", "")), 500).rstrip(".")
        if answer["error"] == "unusable":
            raise UserError(f"On device {self.name}: {text}.")
        if answer["error"] == "full":
            raise UserError(f"Device {self.name} has no room for the files it was sent ({text}); make room there, or "
                            "set connection.folder to a place that has some.")
        raise UserError(f"Device {self.name} failed at {do!r} ({text}); fix that there and run the command again.")


REFUSALS = {
    "could not resolve hostname": "its host is unknown; correct connection.ssh or ~/.ssh/config",
    "invalid characters": "its name is none that ssh takes; correct connection.ssh to HOST or USER@HOST",
    "identification has changed": "its host key is another than before: it was set up anew, or something else answers "
                                  "there; if you know why, forget the old key with `ssh-keygen -R HOST` and "
                                  "connect once with `ssh`",
    "host key verification failed": "its host key was never seen here; connect once with `ssh` and check the key",
    "permission denied (": "its key was refused; `ssh` must work without a password (ssh-copy-id)",
    "too many authentication failures": "its key was refused; name one with IdentityFile in ~/.ssh/config",
    "connection refused": "nothing answers at its port; start its SSH server or correct the port",
    "connection timed out": "it does not answer; switch it on, or correct its address",
    "no route to host": "there is no way to its address; switch it on, or correct the address",
    "network is unreachable": "there is no way to its address; check this machine's network",
}


@contextlib.contextmanager
def connected(connection: Ssh | str, name: str) -> Iterator[Worker]:
    """Start a worker on the board, or in a process of its own on this machine.

    Args:
        connection: of the device's profile.
        name: of the device, for messages.
    """
    if isinstance(connection, Ssh):
        remote = f"exec {_shell_path(connection.python)} -u -c {shlex.quote(_boot())}"
        command = ["ssh", "-T", *(part for option in OPTIONS for part in ("-o", option)), "--", connection.ssh, remote]
        started = Worker(command, name, connection.timeout_s)
    else:
        started = Worker([sys.executable, "-u", "-c", _boot()], name, Ssh.timeout_s)
    try:
        yield started
    finally:
        started.close()


def _shell_path(path: str) -> str:
    """Quote a path for the board's shell, where a leading ~ still means the home directory."""
    return f"~/{shlex.quote(path[2:])}" if path.startswith("~/") else shlex.quote(path)


def _boot() -> str:
    """Return the program that reads the worker's source from standard input and runs it."""
    return ("import sys;b=sys.stdin.buffer;"
            "exec(compile(b.read(int(b.readline())),'worker','exec'),{'__name__':'worker'})")


def _source(token: str) -> bytes:
    source = Path(worker.__file__).read_bytes() + f"\nserve({token!r})\n".encode()
    return b"%d\n" % len(source) + source


def _last(lines: Sequence[str]) -> str:
    return lines[-1].rstrip(".") if lines else "no message"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")
