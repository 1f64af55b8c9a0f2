"""Names of costs, their base units, and limits written with another unit: 500 kB, 0.5M, 30 fps."""

from __future__ import annotations

import difflib
import math
import re
from fractions import Fraction
from typing import Any

from dcanas.basics.errors import UserError

COSTS = {  # name -> (unit, meaning)
    "params": ("", "trainable parameters"),
    "macs": ("MAC", "multiply-accumulates for one image; FLOPs are twice as many"),
    "peak_bytes": ("B", "largest sum of live activations"),
    "weight_bytes": ("B", "weights stored in the exported file"),
    "ram_bytes": ("B", "RAM of a microcontroller: activations, an image, variables and stack"),
    "flash_bytes": ("B", "flash of a microcontroller: code, weights and tables"),
    "latency_ms": ("ms", "median latency at batch 1"),
    "latency_p95_ms": ("ms", "95th percentile of single runs"),
    "energy_mj": ("mJ", "energy per image"),
    "robust_accuracy_min": ("", "least accuracy under attack"),
}

MEANT = {  # what people call a cost -> its name, and how such a limit is written
    **dict.fromkeys(("fps", "framerate", "frame_rate", "frames_per_second", "throughput", "images_per_second"),
                    ("latency_ms", "'30 fps'")),
    **dict.fromkeys(("flops", "gflops", "mflops", "madds", "multadds", "mult_adds", "operations", "ops"),
                    ("macs", "'600 MFLOPs'")),
    **dict.fromkeys(("size", "model_size", "file_size", "disk", "storage", "weights", "flash", "rom", "bytes", "kb",
                     "mb"), ("weight_bytes", "'500 kB'")),
    **dict.fromkeys(("memory", "peak_memory", "activations", "ram", "sram"), ("peak_bytes", "'512 KiB'")),
    **dict.fromkeys(("time", "speed", "runtime", "inference", "inference_time", "inference_ms", "delay", "ms",
                     "seconds"), ("latency_ms", "'8 ms'")),
    **dict.fromkeys(("parameters", "parameter", "num_params"), ("params", "100000")),
    **dict.fromkeys(("power", "joules", "mj", "watt", "watts"), ("energy_mj", "'2 mJ'")),
}
WANTED = ("accuracy", "acc", "top1", "test_accuracy")  # what a run makes as large as it can

_SI = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_IEC = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
_COUNTS = {prefix: Fraction(factor) for prefix, factor in _SI.items() if prefix}
UNITS: dict[str, dict[str, Fraction]] = {  # base unit -> what a limit may be written in -> how many base units it has
    "": _COUNTS,
    "MAC": {**_COUNTS, **{f"{prefix}MACs": Fraction(factor) for prefix, factor in _SI.items()},
            **{f"{prefix}FLOPs": Fraction(factor, 2) for prefix, factor in _SI.items()}},
    "B": {f"{prefix}B": Fraction(factor) for prefix, factor in (_SI | _IEC).items()},
    "ms": {"us": Fraction(1, 1000), "ms": Fraction(1), "s": Fraction(1000)},
    "mJ": {"uJ": Fraction(1, 1000), "mJ": Fraction(1), "J": Fraction(1000)},
}
SHARES = {"%": Fraction(1, 100)}  # of limits on a quality, whose names end in `_min`
RATES = {"fps": Fraction(1000)}  # of the median latency: so many milliseconds divided by the number are the limit
ALIKE = 0.75  # likeness of names from which one is suggested: below it, another unit would be
_NOUNS = {"B": "bytes", "MAC": "MACs"}
_QUANTITY = re.compile(r"((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\D*)")


def cost_unit(name: str) -> str:
    """Return the unit of a cost name (`eyeriss.latency_ms` is `latency_ms` on the device eyeriss)."""
    bare = name.rpartition(".")[2]
    if bare in COSTS:
        return COSTS[bare][0]
    if bare.lower() in WANTED:
        raise UserError(f"Unknown cost {name!r}; accuracy is made as large as the limits allow and takes none itself.")
    if bare.lower() in MEANT:
        meant, example = MEANT[bare.lower()]
        raise UserError(f"Unknown cost {name!r}; did you mean {meant!r}, as in budget.{meant}={example}?")
    alike = [cost for cost in COSTS if cost.startswith(bare.lower()) and bare] or \
        difflib.get_close_matches(bare.lower(), COSTS, n=1, cutoff=ALIKE)
    hint = f"did you mean {alike[0]!r}?" if alike else f"known: {', '.join(COSTS)}."
    raise UserError(f"Unknown cost {name!r}; {hint}")


def parse_limit(name: str, limit: Any) -> float:
    """Return a limit in the base unit of its cost.

    Args:
        name: of the cost, such as `weight_bytes`.
        limit: a number in the base unit, or a text: a number and one of the cost's units. Prefixes are decimal (k, M,
            G) or binary (Ki, Mi, Gi); upper and lower case differ, except for k.

    Raises:
        UserError: the limit is not a positive finite number, the unit is not one of this cost, or no cost has the name.
    """
    bare = name.rpartition(".")[2]
    units = SHARES if bare.endswith("_min") else UNITS[cost_unit(name)] | (RATES if bare == "latency_ms" else {})
    number, unit = _split(limit)
    if unit not in units:
        unit = {"k": "K", "K": "k"}.get(unit[:1], unit[:1]) + unit[1:]
    try:
        value = 0.0 if isinstance(number, bool) else float(number)
        if 0 < value < math.inf and not unit:
            return value
        if 0 < value < math.inf and unit in units:
            return float(RATES[unit] / Fraction(number) if unit in RATES else Fraction(number) * units[unit])
    except (TypeError, ValueError, OverflowError):
        pass
    of = f" of {_noun(name)}" if cost_unit(name) else ""
    raise UserError(f"The limit on {name} must be a positive finite number{of}, or one with a unit "
                    f"({', '.join(units)}), got {limit!r}.")


def explain_limit(name: str, limit: Any) -> str | None:
    """Return what a limit with a unit means, such as "budget.weight_bytes: 500 kB = 500,000 bytes", else None."""
    if not _split(limit)[1]:
        return None
    value = parse_limit(name, limit)
    amount = f"{value:,.0f}" if value == int(value) else f"{value:,.6g}"
    return f"budget.{name}: {limit} = {f'{amount} {_noun(name)}'.strip()} ({COSTS[name.rpartition('.')[2]][1]})"


def _split(limit: Any) -> tuple[Any, str]:
    """Return the number and the unit of a text; a limit of another form is all number."""
    found = _QUANTITY.fullmatch(limit.strip()) if isinstance(limit, str) else None
    return (found[1], found[2]) if found else (limit, "")


def _noun(name: str) -> str:
    return _NOUNS.get(cost_unit(name), cost_unit(name))
