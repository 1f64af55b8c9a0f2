"""Keys: a short hash of everything a result depends on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

from dcanas.basics.plugins import used_plugins


def plain(value: Any) -> Any:
    """Return `value` as JSON types: dataclasses become dictionaries, tuples lists.

    A field whose metadata say `absent_if_empty` is left out if it is empty: keys are as they were before it existed.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept = [f for f in dataclasses.fields(value) if getattr(value, f.name) or not f.metadata.get("absent_if_empty")]
        return {f.name: plain(getattr(value, f.name)) for f in kept}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def key_of(*parts: Any) -> str:
    """Return 12 hexadecimal digits that change whenever any of the parts does, or a plug-in whose names stand in them.
    """
    values = [plain(part) for part in parts]
    plugins = used_plugins(*values)
    text = json.dumps([*values, plugins] if plugins else values, sort_keys=True, allow_nan=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]


def derive_seed(*parts: Any) -> int:
    """Return a 63-bit seed that belongs to these parts (run seed, purpose, epoch, step ...).

    Every random draw of a run is seeded by what it is for, not by what was drawn before: a run that continues
    from a checkpoint needs no generator state and draws the same numbers.
    """
    text = json.dumps([plain(p) for p in parts], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big") >> 1
