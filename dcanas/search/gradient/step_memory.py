"""How much memory a search step takes, predicted before it starts, and what to do where it runs out."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from dcanas.basics.errors import UserError

BACKWARD = 1.1  # peak of a step over what is kept for its backward pass (docs/results.md: 1.05 to 1.08)
UNROLLED = 3.0  # the same for an exact unrolled step, whose own backward pass is kept too
COPIES = {"first": 3, "second": 6}  # of the weights: gradients, momenta, moved weights
SPARE = 0.9  # of what is free


@dataclass(frozen=True)
class Memory:
    """Bytes of a step: `fixed` and `per_image`."""

    fixed: int
    per_image: int

    def of(self, batch: int) -> int:
        return self.fixed + batch * self.per_image

    def batch_within(self, free: int) -> int:
        """Return the largest batch that fits."""
        return max(0, int((SPARE * free - self.fixed) // self.per_image))


def predict_memory(network: nn.Module, forward: Callable[[int], Tensor], order: str = "first") -> Memory:
    """Return the memory of a step from what autograd keeps of two small batches.

    forward: returns a differentiable tensor for so many images.
    """
    own = {p.untyped_storage().data_ptr() for p in network.parameters()}

    def kept(images: int) -> int:
        storages: dict[int, int] = {}

        def note(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                storages[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            out = forward(images)  # noqa: F841 (alive, so that no address is used twice)
        return sum(storages.values())

    two, four = kept(2), kept(4)
    weights = sum(p.numel() * p.element_size() for p in network.parameters())
    factor = UNROLLED if order == "second" else BACKWARD
    return Memory(COPIES[order] * weights, max(1, int(factor * (four - two) / 2)))


def free_bytes(device: torch.device) -> int:
    """Return what this process can still get: of the device, or of the machine's memory and the process's own limit."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
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
    """Turn running out of memory into a `UserError` with the setting that would fit."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, (MemoryError, torch.OutOfMemoryError)) and "allocate memory" not in str(error):
            raise
        free = free_bytes(device)
        fits = min(memory.batch_within(free), batch // 2)  # it did not fit, whatever was predicted
        advice = f"set search.batch_size={fits}" if fits >= 2 else \
            "raise search.bottleneck or lower space.search_skeleton.channels"
        raise UserError(f"Memory ran out in a search step with search.batch_size={batch}, predicted to take "
                        f"{memory.of(batch) / 2**30:.2f} GiB where {free / 2**30:.2f} GiB are free; "
                        f"{advice}.") from error
