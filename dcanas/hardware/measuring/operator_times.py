"""ONNX Runtime's own times of a network's operators, summed by block.

The runtime's clock counts whole microseconds and its profiling takes time itself, so the sums show the shares of
operators, not the latency of the network, which `profile_onnx` measures.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from scipy.stats import trim_mean

from dcanas.basics.errors import UserError
from dcanas.export.blocks import ALL, block_of_node, stored_blocks
from dcanas.hardware.devices.device import Device

WARM_UP, RUNS = 20, 100
TRIMMED = 0.25  # of the runs at either end; a mean resolves fractions of a microsecond, a median would not
UNKNOWN = "(the runtime's own)"  # nodes that are not in the file: changes of the memory layout


@dataclass(frozen=True)
class OperatorTime:
    """An executed operator: its kind as the runtime calls it, its block, its mean time over the middle runs in ms."""

    name: str
    kind: str
    block: str
    ms: float


def operator_times(path: Path, device: Device, runs: int = RUNS) -> list[OperatorTime]:
    """Return the time of every operator that ONNX Runtime executes for a file on this machine, in their order.

    Args:
        path: a file that `profile_onnx` can measure here.
        device: must be this machine.
        runs: number of runs that are counted.

    Raises:
        UserError: the device is another machine.
    """
    if device.connection != "local":
        raise UserError(f"Times of single operators are measured on this machine only, and {device.name} is another "
                        "device; choose local-cpu.")
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = device.threads, 1
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(str(path), options, providers=[device.provider])
        entry = session.get_inputs()[0]
        image = np.random.default_rng(0).random(entry.shape, dtype=np.float32)
        for _ in range(WARM_UP + runs):
            session.run(None, {entry.name: image})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return _summed(events, stored_blocks(onnx.load(str(path), load_external_data=False)), WARM_UP)


def by_block(times: list[OperatorTime]) -> dict[str, tuple[int, float]]:
    """Return per block, in order, the number of its operators and their time in ms."""
    found: dict[str, tuple[int, float]] = {}
    for time in times:
        count, ms = found.get(time.block, (0, 0.0))
        found[time.block] = (count + 1, ms + time.ms)
    return found


def _summed(events: list[dict], blocks: list[tuple[int, str]], skipped: int) -> list[OperatorTime]:
    micros: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            micros[event["name"].removesuffix("_kernel_time"), event["args"]["op_name"]].append(event["dur"])
    found = []
    for (name, kind), durations in micros.items():
        number = re.search(r"_(\d+)(?:_out\w*)?$", name)
        block = block_of_node(blocks, int(number[1])) if blocks and number else UNKNOWN if blocks else ALL
        if name.startswith(("ReorderInput", "ReorderOutput")):
            block = UNKNOWN
        found.append(OperatorTime(name, kind, block, float(trim_mean(durations[skipped:], TRIMMED)) / 1e3))
    return found
