"""The deepest chain of calls, from what the compiler says of each function's frame and of who calls whom."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"')
_FRAME = re.compile(r"\\n(\d+) bytes \(")
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')


def deepest_chain(call_graphs: Iterable[Path], start: str = "reset") -> int:
    """Return the bytes of the deepest chain of frames from the function `start`.

    Functions of libraries have no graph and count as nothing, which is why a painted stack is read beside it.

    Args:
        call_graphs: files of GCC's `-fcallgraph-info=su`.
    """
    frames: dict[str, int] = {}
    calls: dict[str, set[str]] = {}
    for path in call_graphs:
        text = path.read_text(encoding="utf-8")
        for title, label in _NODE.findall(text):
            size = _FRAME.search(label)
            frames[title] = max(frames.get(title, 0), int(size[1]) if size else 0)
        for source, target in _EDGE.findall(text):
            calls.setdefault(source, set()).add(target)
    known: dict[str, int] = {}

    def depth(name: str, open_calls: tuple[str, ...] = ()) -> int:
        if name in open_calls:
            raise RuntimeError(f"{name} calls itself, so that its stack has no bound")
        if name not in known:
            below = max((depth(callee, (*open_calls, name)) for callee in calls.get(name, ())), default=0)
            known[name] = frames.get(name, 0) + below
        return known[name]

    return depth(start)
