"""How much memory a search step takes, predicted before it starts, and what to do if memory runs out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dcanas.basics.errors import UserError
from dcanas.search.gradient.bilevel import BilevelTrainer
from dcanas.training import Dataset

BACKWARD = 1.1  # peak of a step over what is kept for its backward pass (docs/results.md: 1.05 to 1.08)
UNROLLED = 3.0  # the same for an exact unrolled step, whose own backward pass is kept too
COPIES = {"first": 3, "second": 6}  # of the weights: gradients, momenta, moved weights
SPARE = 0.9  # of what is free


@dataclass(frozen=True)
class Memory:
    """Memory of a step in bytes: a `fixed` part and so many `per_image`."""

    fixed: int
    per_image: int

    def of(self, batch: int) -> int:
        """Return the bytes of a step with so many images."""
        return self.fixed + batch * self.per_image


def predict_memory(run: BilevelTrainer, dataset: Dataset, device: torch.device) -> Memory:
    """Return the memory of a step, estimated from what autograd keeps for two small batches."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        mixture = run.strategy.mix(run.alphas, 0.0)
    mixing = [row.detach().requires_grad_() for row in mixture.weights]
    chosen = None  # or, as draws differ, the largest options, which have to fit
    if mixture.chosen is not None:
        chosen = tuple(row.index(max(row)) for row in run.supernet.parameter_counts())
    own = {p.untyped_storage().data_ptr() for p in run.supernet.parameters()}

    sizes: list[int] = []
    for count in (2, 4):
        kept: list[Tensor] = []
        keep: Any = kept.append
        images = torch.zeros(count, *dataset.shape, device=device).contiguous(memory_format=torch.channels_last)
        with torch.autograd.graph.saved_tensors_hooks(keep, keep), run.precision():
            run.supernet(run.normalised(images), mixing, chosen)
        storages = {storage.data_ptr(): storage.nbytes() for storage in (tensor.untyped_storage() for tensor in kept)}
        sizes.append(sum(size for address, size in storages.items() if address not in own))
    weights = sum(p.numel() * p.element_size() for p in run.supernet.parameters())
    factor = UNROLLED if run.settings.order == "second" else BACKWARD
    return Memory(COPIES[run.settings.order] * weights, max(1, int(factor * (sizes[1] - sizes[0]) / 2)))


def free_bytes(device: torch.device) -> int:
    """Return the bytes that this process can still allocate: on the device, or within the machine's memory and the
    process's own limit."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if sys.platform == "win32":
        return sys.maxsize  # nothing here tells
    import resource

    found = [os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    info = Path("/proc/meminfo")
    if info.exists():
        lines = dict(line.split(":", 1) for line in info.read_text().splitlines())
        found = [int(lines["MemAvailable"].split()[0]) * 1024]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        found.append(limit - taken)
    return max(0, min(found))


@contextmanager
def memory_advice(memory: Memory, batch: int, device: torch.device) -> Iterator[None]:
    """Turn an out-of-memory error into a `UserError` that names a batch size that fits."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, (MemoryError, torch.OutOfMemoryError)) and "allocate memory" not in str(error):
            raise
        free = free_bytes(device)
        fits = min(int((SPARE * free - memory.fixed) // memory.per_image), batch // 2)  # it did not fit as predicted
        advice = f"set search.batch_size={fits}" if fits >= 2 else \
            "raise search.bottleneck or lower space.search_skeleton.channels"
        raise UserError(f"Memory ran out in a search step with search.batch_size={batch}, predicted to take "
                        f"{memory.of(batch) / 2**30:.2f} GiB while {free / 2**30:.2f} GiB are free; "
                        f"{advice}.") from error
