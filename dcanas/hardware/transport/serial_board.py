"""A microcontroller that answers over a serial line: images there, logits and ticks of its clock back.

What comes back is untrusted: it is bounded as the answers of other boards are (`stream`), and every number is checked.
"""

from __future__ import annotations

import contextlib
import secrets
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.errors import UserError
from dcanas.basics.printable import printable
from dcanas.hardware.devices.device import Serial
from dcanas.hardware.transport.stream import PeerError, PeerGoneError, PeerSilentError, Stream

AGAIN_S = 1.5  # after which a greeting is sent again: the board may have been starting, or waiting for an image
BITS = 10  # on the line for a byte
TRIES = 3  # of an image that came damaged
LONGEST_S = 60.0  # of an inference
WORD = 16  # bytes of a number in an answer
FIRMWARE = "flash the example `deploy` of `dcanas export source=DIR to=c99 layout=arduino`"


@dataclass(frozen=True)
class Told:
    """What a board says of itself: the network, its image (height, width, channels), classes, and ticks in a second."""

    network: str
    image: tuple[int, int, int]
    classes: int
    hertz: int


class SerialBoard:
    """A board behind an open port; see `serial_board`.

    name: of the device, for messages.
    """

    def __init__(self, descriptor: int, connection: Serial, name: str):
        self._name, self._connection = name, connection
        self._token = secrets.token_hex(8)
        self._stream = Stream(descriptor, descriptor, None, self._token, connection.timeout_s)

    def greet(self) -> Told:
        """Return what the board says of itself; raises `UserError` if it does not, or says something else."""
        wait_s, line = self._connection.timeout_s, None
        until = time.monotonic() + wait_s
        with self._heeded():
            self._stream.begin(wait_s)
            while line is None and time.monotonic() < until:
                self._stream.send(f"dcanas hello {self._token}\n".encode())
                line = self._stream.line_within(AGAIN_S)
            if line is None and self._stream.noisy:
                raise PeerError(f"says other things than answers for {wait_s:g} s")
            if line is None:
                raise PeerSilentError(f"no answer for {wait_s:g} s")
            self._stream.end()
        words = line.split()
        numbers = [_number(word, 1, 1 << 32) for word in words[2:]]
        if len(words) != 7 or words[0] != b"network" or None in numbers:
            raise self._nonsense(line)
        height, width, channels, classes, hertz = (number or 0 for number in numbers)
        return Told(words[1].decode("ascii", "replace"), (height, width, channels), classes, hertz)

    def classify(self, image: NDArray[np.uint8], told: Told) -> tuple[NDArray[np.int8], int]:
        """Return the logits of an image and the ticks that they took. Shape: uint8 (C, H, W) -> int8 (classes,).

        Raises `UserError` for any other answer, for none, and if the image arrives damaged time and again.
        """
        content = np.ascontiguousarray(image.transpose(1, 2, 0)).tobytes()
        for _ in range(TRIES):
            line, took_s = self._asked(content, told)
            if line.strip() != b"damaged":
                break
        else:
            raise UserError(f"Device {self._name} received a damaged image {TRIES} times; lower connection.baud in its "
                            "profile and in the firmware, or take another cable.")
        words = line.split()
        ticks = _number(words[1], 0, 1 << 32) if len(words) == 2 + told.classes and words[0] == b"logits" else None
        logits = [_number(word, -128, 127) for word in words[2:]]
        if ticks is None or None in logits:
            raise self._nonsense(line)
        if ticks / told.hertz > 1.05 * took_s + 0.01:
            raise UserError(f"Device {self._name} says that an image took {ticks / told.hertz:.3g} s, which is more "
                            f"than the {took_s:.3g} s until its answer; correct `hertz` in its firmware.")
        return np.array(logits, np.int8), ticks

    def _asked(self, content: bytes, told: Told) -> tuple[bytes, float]:
        """Return the answer to an image, and the seconds until it was there."""
        with self._heeded():
            self._stream.begin(LONGEST_S + BITS * len(content) / self._connection.baud, WORD * (3 + told.classes))
            self._stream.send(f"dcanas image {self._token} {zlib.crc32(content):08x}\n".encode() + content)
            line = self._stream.line()
            took_s = self._stream.end()
        return line, took_s

    @contextlib.contextmanager
    def _heeded(self) -> Iterator[None]:
        port = self._connection.serial
        try:
            yield
        except PeerGoneError as error:
            raise UserError(f"Lost contact with device {self._name} at {port}; plug it in and run the command again.") \
                from error
        except PeerSilentError as error:
            raise UserError(f"Device {self._name} at {port} gives {error}; {FIRMWARE}, or raise connection.timeout_s "
                            "in its profile if it is only slow.") from error
        except PeerError as error:
            raise UserError(f"Device {self._name} at {port} {error}, and was given up; {FIRMWARE}, and check "
                            "connection.baud in its profile.") from error

    def _nonsense(self, line: bytes) -> UserError:
        said = printable(line[:60].decode("utf-8", "replace")).strip()
        return UserError(f"Device {self._name} answered with {said!r}, which is no answer of its firmware; {FIRMWARE}.")


@contextlib.contextmanager
def serial_board(connection: Serial, name: str) -> Iterator[SerialBoard]:
    """Open the port of a device; name: for messages.

    Raises `UserError` if pyserial is missing or the port cannot be opened.
    """
    try:
        import serial
    except ImportError as error:
        raise UserError("A board at a serial port needs pyserial: `pip install 'dcanas[serial]'`.") from error
    try:
        port = serial.Serial(connection.serial, connection.baud, timeout=0, exclusive=True)
    except (OSError, ValueError) as error:
        raise UserError(f"Device {name}: {connection.serial} cannot be opened ({_reason(error)}); plug the board in, "
                        "close what else has it open, and correct connection.serial in its profile.") from error
    with port:
        yield SerialBoard(port.fileno(), connection, name)


def _number(word: bytes, low: int, high: int) -> int | None:
    """Return a whole number from `low` to `high`; None for anything else."""
    if not word.removeprefix(b"-").isdigit() or len(word) > WORD:
        return None
    return value if low <= (value := int(word)) <= high else None


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
