"""Ways in which a file rots, is mixed up with another or is tampered with, by its kind; for `tools.fuzz_files`."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import numpy as np
import yaml

VALUES: tuple[Any, ...] = (None, True, -1, 0, 2**70, 1e308, float("nan"), 0.5, "", "x\x1b[31m", "../../etc/passwd",
                           "<script>x</script>", "x" * 100_000, [], {}, [[[]]], [None] * 1000, {"": 1})
BOMB = b"a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n".encode() for n in range(1, 30))
PROGRAM = b"import os; os.system('touch executed')\n"
How = Callable[[bytes, np.random.Generator], bytes]


class Payload:
    """What leaves a mark if it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch executed",)


def mutated(content: bytes, name: str, rng: np.random.Generator) -> tuple[str, bytes]:
    """Return in words what was done to a file, and its content afterwards, which differs.

    Args:
        content: of the file as it was written.
        name: of the file; its kind is taken from it.
    """
    for _ in range(100):
        ways: dict[str, How] = BYTES if rng.random() < 0.4 else KINDS.get(PurePath(name).suffix, BYTES)
        how = str(rng.choice(list(ways)))
        try:
            found = ways[how](content, rng)
        except (ValueError, KeyError, IndexError):  # nothing in this file to do that to
            continue
        if found != content:
            return how, found
    raise AssertionError(f"nothing changes {name}")


def _turned(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    changed[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _zeroed(content: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(content)))
    return content[:place] + bytes(min(512, len(content) - place)) + content[place + 512:]


def _digit(content: bytes, rng: np.random.Generator) -> bytes:
    places = [place for place, byte in enumerate(content) if 48 <= byte <= 57]
    place = places[int(rng.integers(len(places)))]
    return content[:place] + b"%d" % ((content[place] - 47) % 10) + content[place + 1:]


def _swapped_lines(content: bytes, rng: np.random.Generator) -> bytes:
    lines = content.splitlines(keepends=True)
    i, j = rng.integers(len(lines), size=2)
    lines[i], lines[j] = lines[j], lines[i]
    return b"".join(lines)


def _line(content: bytes, rng: np.random.Generator, times: int) -> bytes:
    lines = content.splitlines(keepends=True)
    place = int(rng.integers(len(lines)))
    return b"".join([*lines[:place], *[lines[place]] * times, *lines[place + 1:]])


def _changed_value(value: Any, rng: np.random.Generator, drop: bool) -> Any:
    """Return a tree of lists and dictionaries in which one value was replaced or dropped."""
    places: list[tuple[Any, Any]] = []

    def walk(holder: Any) -> None:
        for key in list(holder) if isinstance(holder, dict) else range(min(len(holder), 20)):
            places.append((holder, key))
            if isinstance(holder[key], (dict, list)):
                walk(holder[key])

    walk(value)
    holder, key = places[int(rng.integers(len(places)))]
    if drop:
        del holder[key]
    else:
        holder[key] = VALUES[int(rng.integers(len(VALUES)))]
    return value


def _json(content: bytes, rng: np.random.Generator, drop: bool = False) -> bytes:
    return json.dumps(_changed_value(json.loads(content), rng, drop), indent=2).encode()


def _yaml(content: bytes, rng: np.random.Generator, drop: bool = False) -> bytes:
    return yaml.safe_dump(_changed_value(yaml.safe_load(content), rng, drop), sort_keys=False).encode()


def _onnx(change: Callable[[Any], None]) -> How:
    def way(content: bytes, rng: np.random.Generator) -> bytes:
        import onnx

        model = onnx.load_from_string(content)
        change(model)
        return bytes(model.SerializeToString())
    return way


def _no_weights(model: Any) -> None:
    for tensor in model.graph.initializer:
        tensor.raw_data = bytes(len(tensor.raw_data))


def _huge(model: Any) -> None:
    model.graph.initializer[0].dims[:] = [2**40]


def _elsewhere(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def _other_labels(model: Any) -> None:
    for entry in model.metadata_props:
        entry.value = entry.value[::-1]


def _tensors(content: bytes, rng: np.random.Generator) -> bytes:
    import torch

    def negated(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: negated(entry) for key, entry in value.items()}
        return -value if isinstance(value, torch.Tensor) and value.dtype.is_floating_point else value

    made = io.BytesIO()
    torch.save(negated(torch.load(io.BytesIO(content), weights_only=True)), made)
    return made.getvalue()


def _archive(content: bytes, member: str, inside: bytes) -> bytes:
    """Return a ZIP archive in which the members of this suffix were replaced."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, inside if entry.filename.endswith(member) else old.read(entry))
    return made.getvalue()


def _array(value: Any) -> bytes:
    made = io.BytesIO()
    np.save(made, value, allow_pickle=True)
    return made.getvalue()


def _terabyte() -> bytes:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,), }"
    header += b" " * (117 - len(header)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def _rolled(content: bytes, rng: np.random.Generator) -> bytes:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        held = dict(arrays)
    name = sorted(held)[int(rng.integers(len(held)))]
    made = io.BytesIO()
    np.savez_compressed(made, **{**held, name: np.roll(held[name], 1)})
    return made.getvalue()


BYTES: dict[str, How] = {
    "a bit turned": _turned,
    "a block of zeros": _zeroed,
    "cut off": lambda content, rng: content[:int(rng.integers(len(content)))],
    "bytes at the end": lambda content, rng: content + rng.bytes(int(rng.integers(1, 100))),
    "emptied": lambda content, rng: b"",
    "noise": lambda content, rng: rng.bytes(len(content)),
}
LINES: dict[str, How] = {
    "a digit changed": _digit, "two lines swapped": _swapped_lines,
    "a line lost": lambda content, rng: _line(content, rng, 0),
    "a line twice": lambda content, rng: _line(content, rng, 2),
    "an escape sequence": lambda content, rng: b"\x1b[31m<b>" + content}
KINDS: dict[str, dict[str, How]] = {
    ".json": {"a value replaced": _json, "a value dropped": lambda content, rng: _json(content, rng, True),
              "a digit changed": _digit, "a list": lambda content, rng: b"[]", "null": lambda content, rng: b"null",
              "nested deeply": lambda content, rng: b"[" * 100_000},
    ".yaml": {"a value replaced": _yaml, "a value dropped": lambda content, rng: _yaml(content, rng, True),
              "a digit changed": _digit, "references that unfold": lambda content, rng: BOMB,
              "an object": lambda content, rng: content + b"x: !!python/object/apply:os.system ['touch executed']\n"},
    ".onnx": {"weights of zero": _onnx(_no_weights), "a dimension of 2^40": _onnx(_huge),
              "weights in another file": _onnx(_elsewhere), "metadata reversed": _onnx(_other_labels)},
    ".pt": {"tensors negated": _tensors, "a pickle": lambda content, rng: pickle.dumps(Payload()),
            "a pickle inside": lambda content, rng: _archive(content, "data.pkl", pickle.dumps(Payload()))},
    ".npz": {"an array of objects": lambda content, rng: _archive(content, ".npy", _array(np.array([Payload()]))),
             "a header of a terabyte": lambda content, rng: _archive(content, ".npy", _terabyte()), "rolled": _rolled},
    ".py": {"a program": lambda content, rng: content.replace(b"\nimport", b"\n" + PROGRAM + b"import", 1),
            **LINES},
    **dict.fromkeys((".jsonl", ".txt", ".md", ".html", ""), LINES),
}
