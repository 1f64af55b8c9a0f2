"""Something that is spoken to over file descriptors and trusted with nothing: its bytes, lines and time are bounded.

What counts is a line behind the token; everything else is noise (login scripts, warnings), on either of its outputs.
"""

from __future__ import annotations

import collections
import os
import select
import time

from dcanas.basics.printable import printable

NOISE_BYTES, NOISE_LINES = 1 << 20, 10_000  # of a whole conversation
ASKED_LINES = 10_000  # of one exchange, besides one a second: signs of life
CHUNK = 1 << 16
OVERTIMES = 2  # times the patience: what all exchanges together may take longer than asked


class PeerError(Exception):
    """The peer was given up; the text says why."""


class PeerGoneError(PeerError):
    """The peer closed its connection."""


class PeerSilentError(PeerError):
    """The peer said nothing at all for too long."""


class Stream:
    """A conversation.

    Args:
        into, out, err: descriptors: of what is written to, of what answers, and of its complaints if they come apart.
        token: before each line that counts.
        patience_s: how long it may be silent, and take longer than it was asked to, in seconds.
    """

    def __init__(self, into: int, out: int, err: int | None, token: str, patience_s: float):
        self.errors: collections.deque[str] = collections.deque(maxlen=20)  # its last lines of complaints
        self._mark, self._patience_s = f"{token} ".encode(), patience_s
        self._in, self._out, self._err = into, out, err
        self._open = {out} if err is None else {out, err}
        for number in {into, *self._open}:
            os.set_blocking(number, False)
        self._heard = {number: bytearray() for number in self._open}
        self._lines: collections.deque[bytes] = collections.deque()
        self._noise_bytes = self._noise_lines = 0
        self._overtime_s = OVERTIMES * patience_s
        self._noise_at = float("-inf")
        self.begin(0.0)

    @property
    def noisy(self) -> bool:
        """Whether anything was said that does not count."""
        return self._noise_bytes > 0

    def begin(self, takes_s: float, longest: int = NOISE_BYTES) -> None:
        """Begin an exchange.

        Args:
            takes_s: that the peer was asked to take, in seconds.
            longest: bytes of a line that counts.
        """
        self.began = self._life = time.monotonic()
        self._takes_s, self._longest, self._asked_lines = takes_s, longest, 0
        self._until = self.began + takes_s + min(self._patience_s, self._overtime_s)

    def end(self) -> float:
        """End an exchange; return the seconds that it took."""
        took = time.monotonic() - self.began
        self._overtime_s = max(0.0, self._overtime_s - max(0.0, took - self._takes_s))
        return took

    def send(self, content: bytes) -> None:
        """Send bytes, while what the peer says meanwhile is read."""
        left = memoryview(content)
        while left:
            if self._turn(sending=True):
                try:
                    left = left[os.write(self._in, left[:CHUNK]):]
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise PeerGoneError("the connection ended") from error
                self._life = time.monotonic()

    def line(self) -> bytes:
        """Return the next line that counts, without its token."""
        while (found := self.line_within(float("inf"))) is None:
            continue
        return found

    def line_within(self, wait_s: float) -> bytes | None:
        """Return the next line that counts; None if none comes within so many seconds."""
        until = time.monotonic() + wait_s
        while not self._lines:
            if self._out not in self._open:
                raise PeerGoneError("the connection ended")
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._turn(sending=False, wait_s=left)
        return self._lines.popleft()

    def _turn(self, sending: bool, wait_s: float = float("inf")) -> bool:
        """Wait for one event; read what was said; return whether something can be sent."""
        poll, awaited = select.poll(), dict.fromkeys(self._open, select.POLLIN)
        if sending:
            awaited[self._in] = awaited.get(self._in, 0) | select.POLLOUT  # a port is both
        for number, event in awaited.items():
            poll.register(number, event)
        now = time.monotonic()
        left = min(self._life + self._patience_s, self._until) - now
        if left <= 0:
            raise self._too_long(now)
        events = poll.poll(1000 * min(left, wait_s) + 1)
        for number, event in events:
            if number in self._open and event & ~select.POLLOUT:
                self._read(number)
        return any(number == self._in and (event & select.POLLOUT or number not in self._open)
                   for number, event in events)

    def _too_long(self, now: float) -> PeerError:
        if now >= self._life + self._patience_s:
            if now - self._noise_at > self._patience_s / 2:
                return PeerSilentError(f"no answer for {self._patience_s:g} s")
            return PeerError(f"says other things than answers for {self._patience_s:g} s")
        return PeerError(f"has not finished after {now - self.began:.0f} s what it was asked to do in "
                         f"{self._takes_s:.0f} s")

    def _read(self, number: int) -> None:
        try:
            content = os.read(number, CHUNK)
        except BlockingIOError:
            return
        except OSError:  # a port that was unplugged
            content = b""
        if not content:
            self._open.discard(number)
        self._heard[number] += content
        if b"\n" in content:
            *lines, rest = self._heard[number].split(b"\n")
            self._heard[number] = rest
            for line in lines:
                self._take(bytes(line), number)
        rest = self._heard[number]
        if number == self._out and rest.startswith(self._mark):
            self._life = time.monotonic()  # a long answer is arriving
            self._bound(len(rest))
        elif self._noise_bytes + len(rest) > NOISE_BYTES:
            raise self._too_noisy()

    def _take(self, line: bytes, number: int) -> None:
        if number == self._out and line.startswith(self._mark):
            self._life = time.monotonic()
            self._bound(len(line))
            self._asked_lines += 1
            if self._asked_lines > ASKED_LINES + self._life - self.began:
                raise PeerError(f"sends more than {ASKED_LINES:,} lines for one answer")
            self._lines.append(line[len(self._mark):])
            return
        self._noise_at = time.monotonic()
        self._noise_bytes += len(line) + 1
        self._noise_lines += 1
        if number == self._err and (text := printable(line[:500].decode("utf-8", "replace")).strip()):
            self.errors.append(text)
        if self._noise_bytes > NOISE_BYTES or self._noise_lines > NOISE_LINES:
            raise self._too_noisy()

    def _bound(self, size: int) -> None:
        if size > self._longest:
            raise PeerError(f"sends more than {self._longest:,} bytes as one answer")

    def _too_noisy(self) -> PeerError:
        return PeerError(f"says more than {NOISE_BYTES >> 20} MiB or {NOISE_LINES:,} lines that are no answers")
