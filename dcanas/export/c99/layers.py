"""Each step as C: the kernels it needs, a structure of its constants, its weights, and its call."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dcanas.export.c99.arena import Arena
from dcanas.export.c99.numbers import Arithmetic
from dcanas.export.c99.packing import packed_kernel, whole_bias
from dcanas.export.c99.steps import (
    Addition,
    Average,
    Concatenation,
    Convolution,
    Lookup,
    Maximum,
    Normalisation,
    Padding,
    Rescale,
    Shuffle,
    Step,
    Tensor,
    Window,
)


@dataclass(frozen=True)
class Array:
    """A constant array of `weights.c`."""

    kind: str  # of an element, in C
    name: str
    values: Sequence[Any]


@dataclass(frozen=True)
class Layer:
    """One step as C. `{arithmetic}` in the names of kernels stands for float or integer."""

    comment: str
    kernels: tuple[str, ...]
    structures: tuple[str, ...]
    calls: tuple[str, ...]
    arrays: tuple[Array, ...] = ()


def layer_of(step: Step, number: int, arena: Arena, arithmetic: Arithmetic) -> Layer:
    """Return the step as C; `number` is its place in the network."""
    return _WRITERS[type(step)](step, number, arena, arithmetic)


def _lookup(step: Lookup, number: int, arena: Arena, arithmetic: Arithmetic) -> Layer:
    name = f"network_table_{number}"
    channels, height, width = step.makes.shape
    return Layer(f"the image through a table, {_size(step.makes)}", ("lookup",), (),
                 (f"look_up({name}, {height * width}, {channels}, image, {_at(arena, step.makes)});",),
                 (Array("int8_t", name, step.table.reshape(-1).tolist()),))


def _convolution(step: Convolution, number: int, arena: Arena, arithmetic: Arithmetic) -> Layer:
    read, filters = step.reads[0], len(step.kernel)
    kind = "depthwise convolution" if step.depthwise else "convolution"
    if step.window.size == read.shape[1:] and step.makes.shape[1:] == (1, 1):
        kind = "fully connected"
    name = f"layer_{number}"
    arrays = (Array("int8_t", f"network_kernel_{number}", packed_kernel(step).tolist()),
              Array("int32_t", f"network_bias_{number}", whole_bias(step).tolist()),
              Array("float" if arithmetic.name == "float" else "int32_t", f"network_scale_{number}",
                    arithmetic.scales(step)))
    structure = (f"static const struct convolution {name} = {{{_window(step.window, read, step.makes)}, {filters}, "
                 f"{step.groups}, {arithmetic.bounds(step)}, {read.zero}, {', '.join(a.name for a in arrays)}}};")
    scratch = f"memory + {arena.scratch[step]}" if step.scratch else "0"
    function = "convolve_depthwise" if step.depthwise else "convolve"
    groups = f", {step.groups} groups" if step.groups > 1 and not step.depthwise else ""
    return Layer(f"{kind} {_text(step.window)}{groups}, {_size(read)} to {_size(step.makes)}, {step.macs} MACs",
                 ("window", "gather", "requantise_{arithmetic}", "layer",
                  "depthwise" if step.depthwise else "convolution"), (structure,),
                 (f"{function}(&{name}, {_at(arena, read)}, {_at(arena, step.makes)}, {scratch});",), arrays)


def _addition(step: Addition, number: int, arena: Arena, arithmetic: Arithmetic) -> Layer:
    first, second = step.reads
    structure = (f"static const struct addition layer_{number} = {{{step.makes.bytes}, {arithmetic.bounds(step)}, "
                 f"{first.zero}, {second.zero}, {arithmetic.ratio(step, first)}, {arithmetic.ratio(step, second)}}};")
    return Layer(f"sum, {_size(step.makes)}", ("addition_layer", "addition_{arithmetic}", "addition"), (structure,),
                 (f"add(&layer_{number}, {_at(arena, first)}, {_at(arena, second)}, {_at(arena, step.makes)});",))


def _rescale(step: Rescale | Concatenation, number: int, arena: Arena, arithmetic: Arithmetic) -> Layer:
    """One call per input, each into its own channels."""
    structures, calls, offset = [], [], 0
    total, height, width = step.makes.shape
    for place, read in enumerate(step.reads):
        name = f"layer_{number}_{place}" if len(step.reads) > 1 else f"layer_{number}"
        structures.append(f"static const struct rescale {name} = {{{height * width}, {read.shape[0]}, {total}, "
                          f"{arithmetic.bounds(step)}, {read.zero}, {arithmetic.ratio(step, read)}}};")
        calls.append(f"rescale(&{name}, {_at(arena, read)}, {_at(arena, step.makes, offset)});")
        offset += read.shape[0]
    what = "side by side" if isinstance(step, Concatenation) else "another scale"
    return Layer(f"{what}, {_size(step.makes)}", ("rescale_{arithmetic}", "rescale"), tuple(structures), tuple(calls))


def _normalisation(step: Normalisation, number: int, arena: Arena, arithmetic: Arithmetic) -> Layer:
    read = step.reads[0]
    kind = "float" if arithmetic.name == "float" else "int32_t"
    array = Array(kind, f"network_statistics_{number}", arithmetic.statistics(step))
    structure = (f"static const struct normalisation layer_{number} = {{{math.prod(read.shape[1:])}, {read.shape[0]}, "
                 f"{arithmetic.bounds(step)}, {read.zero}, {arithmetic.ratio(step, read)}, {array.name}}};")
    return Layer(f"batch norm, {_size(read)}", ("normalisation_{arithmetic}", "normalisation"), (structure,),
                 (f"normalise(&layer_{number}, {_at(arena, read)}, {_at(arena, step.makes)});",), (array,))


def _average(step: Average, number: int, arena: Arena, arithmetic: Arithmetic) -> Layer:
    read = step.reads[0]
    structure = (f"static const struct average layer_{number} = {{{_window(step.window, read, step.makes)}, "
                 f"{arithmetic.bounds(step)}, {read.zero}, {arithmetic.mean(step)}}};")
    return Layer(f"average {_text(step.window)}, {_size(read)} to {_size(step.makes)}",
                 ("window", "average_number_{arithmetic}", "average_layer", "average_sum", "average_{arithmetic}",
                  "average"), (structure,),
                 (f"average(&layer_{number}, {_at(arena, read)}, {_at(arena, step.makes)});",))


def _maximum(step: Maximum, number: int, arena: Arena, arithmetic: Arithmetic) -> Layer:
    read = step.reads[0]
    return Layer(f"maximum {_text(step.window)}, {_size(read)} to {_size(step.makes)}", ("window", "maximum"),
                 (f"static const struct window layer_{number} = {_window(step.window, read, step.makes)};",),
                 (f"maximum(&layer_{number}, {_at(arena, read)}, {_at(arena, step.makes)});",))


def _padding(step: Padding, number: int, arena: Arena, arithmetic: Arithmetic) -> Layer:
    read = step.reads[0]
    numbers = (*read.shape[1:], read.shape[0], *step.makes.shape[1:], step.makes.shape[0], *step.before, step.front,
               *step.stride, read.zero)
    return Layer(f"moved, {_size(read)} to {_size(step.makes)}", ("padding",),
                 (f"static const struct padding layer_{number} = {{{_list(numbers)}}};",),
                 (f"pad(&layer_{number}, {_at(arena, read)}, {_at(arena, step.makes)});",))


def _shuffle(step: Shuffle, number: int, arena: Arena, arithmetic: Arithmetic) -> Layer:
    read = step.reads[0]
    numbers = (math.prod(read.shape[1:]), step.groups, read.shape[0] // step.groups)
    return Layer(f"channels of {step.groups} groups in turn, {_size(read)}", ("shuffle",), (),
                 (f"shuffle({_list(numbers)}, {_at(arena, read)}, {_at(arena, step.makes)});",))


_WRITERS: dict[type[Step], Callable[..., Layer]] = {
    Addition: _addition, Average: _average, Concatenation: _rescale, Convolution: _convolution, Lookup: _lookup,
    Maximum: _maximum, Normalisation: _normalisation, Padding: _padding, Rescale: _rescale, Shuffle: _shuffle,
}


def _window(window: Window, read: Tensor, made: Tensor) -> str:
    return "{" + _list((*read.shape[1:], read.shape[0], *made.shape[1:], *window.size, *window.stride,
                        *window.dilation, *window.before)) + "}"


def _at(arena: Arena, tensor: Tensor, channel: int = 0) -> str:
    return f"memory + {arena.tensors[tensor] + channel}"


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers)


def _size(tensor: Tensor) -> str:
    channels, height, width = tensor.shape
    return f"{height} x {width} x {channels}"


def _text(window: Window) -> str:
    stride = f" every {window.stride[0]} x {window.stride[1]}" if window.stride != (1, 1) else ""
    dilation = f" dilated {window.dilation[0]} x {window.dilation[1]}" if window.dilation != (1, 1) else ""
    return f"{window.size[0]} x {window.size[1]}{stride}{dilation}"
