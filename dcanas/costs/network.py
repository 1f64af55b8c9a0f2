"""Counts of any torch network, from one run on the meta device, which computes nothing and needs no memory."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from dcanas.costs.counts import VECTOR_BYTES, Counts, element_bytes
from dcanas.costs.memory import live_peak

ELEMENTWISE = {"relu", "relu_", "add", "add_", "sub", "mul", "mul_", "div", "sigmoid", "silu", "silu_", "gelu",
               "hardtanh", "hardtanh_", "hardswish", "hardswish_", "hardsigmoid", "native_batch_norm",
               "_native_batch_norm_legit_no_training", "_native_batch_norm_legit"}
BATCH_NORMS = {name for name in ELEMENTWISE if "batch_norm" in name}


def count_network(network: nn.Module, input_shape: tuple[int, int, int] = (3, 32, 32),
                  dtype: str = "fp32") -> Counts:
    """Return the counts of a built network for one image of `input_shape` (C, H, W), in evaluation mode.

    Live memory comes from the operations in the order torch runs them under the rules of `costs.memory`, stored weights
    with batch norm folded into the convolution before it. The network itself is not touched.
    """
    size = element_bytes(dtype)
    twin = copy.deepcopy(network).to("meta").eval()
    trace = _Trace({id(t) for t in (*twin.parameters(), *twin.buffers())})
    with torch.no_grad(), trace:
        output = twin(torch.empty(1, *input_shape, device="meta"))
    outputs = [t for t in torch.utils._pytree.tree_leaves(output) if isinstance(t, Tensor)]
    weights, vectors = trace.stored()
    return Counts(
        params=sum(p.numel() for p in network.parameters()),
        macs=count_macs(network, input_shape),
        peak_bytes=size * trace.peak({_storage(t) for t in outputs}),
        weight_bytes=size * weights + VECTOR_BYTES[dtype] * vectors,
    )


def count_macs(network: nn.Module, input_shape: tuple[int, int, int]) -> int:
    """Return the multiply-accumulates for one image (C, H, W): half the FLOPs of torch's `FlopCounterMode`."""
    twin = copy.deepcopy(network).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as flops:
        twin(torch.empty(1, *input_shape, device="meta"))
    return int(flops.get_total_flops() // 2)


class _Trace(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records every operation as (name, storages read, storage written, parameters and buffers used)."""

    def __init__(self, stored: set[int]):
        super().__init__()  # type: ignore[no-untyped-call]
        self.known = stored
        self.steps: list[tuple[str, list[int], int, list[Tensor]]] = []
        self.size: dict[int, int] = {}
        self.same: dict[tuple[Any, ...], int] = {}  # storage that holds the result of an operation met before
        self.alias: dict[int, int] = {}
        self.keep: list[Tensor] = []  # storages are identified by address, so none may be freed meanwhile

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        leaves = torch.utils._pytree.tree_leaves((args, kwargs))
        tensors = [t for t in leaves if isinstance(t, Tensor)]
        result = out[0] if isinstance(out, (tuple, list)) else out
        if not isinstance(result, Tensor):
            return out
        self.keep.append(result)
        name = func.overloadpacket.__name__
        parameters = [t for t in tensors if id(t) in self.known or id(t._base) in self.known]
        read = [self._number(t) for t in tensors if not any(t is p for p in parameters)]
        written = _storage(result)
        if written in {_storage(t) for t in tensors} and not name.endswith("_"):
            return out  # a view: no memory of its own
        if name == "constant_pad_nd" and len(args[1]) <= 4 and min(args[1]) >= 0:  # part of the convolution it precedes
            self.alias[written] = read[0]
            return out
        options = tuple(str(x) for x in leaves if not isinstance(x, Tensor))
        key = (name, tuple(read), tuple(map(id, parameters)), options)
        if key in self.same and not name.endswith("_"):
            self.alias[written] = self.same[key]
            return out
        self.same[key] = written
        self.size.setdefault(written, result.numel())
        self.steps.append((name, read, self._number(result), parameters))
        return out

    def _number(self, tensor: Tensor) -> int:
        storage = _storage(tensor)
        number = self.alias.get(storage, storage)
        self.size.setdefault(number, tensor.numel())
        self.keep.append(tensor)
        return number

    def peak(self, outputs: set[int]) -> int:
        """Return the largest number of values alive at once."""
        made = {written for _, _, written, _ in self.steps}
        images = {t for _, read, _, _ in self.steps for t in read if t not in made}
        steps = [(read, written, name in ELEMENTWISE) for name, read, written, _ in self.steps]
        return live_peak(steps, self.size, images, {self.alias.get(o, o) for o in outputs}, whole=images)

    def stored(self) -> tuple[int, int]:
        """Return (multiplicative weights, values per channel) that an exported file holds."""
        weights = vectors = 0
        readers: dict[int, int] = {}
        for _, read, _, _ in self.steps:
            for tensor in read:
                readers[tensor] = readers.get(tensor, 0) + 1
        made_by = {written: (name, parameters) for name, _, written, parameters in self.steps}
        seen: set[int] = set()
        for name, read, _, parameters in self.steps:
            fresh = [p for p in parameters if id(p) not in seen]
            seen.update(map(id, fresh))
            before, with_parameters = made_by.get(read[0], ("", [])) if read else ("", [])
            if name in BATCH_NORMS and before == "convolution" and readers[read[0]] == 1:
                if len(with_parameters) == 1:  # no bias yet: folding makes one
                    vectors += with_parameters[0].shape[0]
                continue
            for p in fresh:
                if p.dim() > 1:
                    weights += math.prod(p.shape)
                else:
                    vectors += p.numel()
        return weights, vectors


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
