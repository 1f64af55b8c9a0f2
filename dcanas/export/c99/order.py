"""The order of a network's steps that keeps the fewest bytes alive at once; what it computes does not depend on it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from dcanas.export.c99.arena import aligned
from dcanas.export.c99.steps import Program

WIDTH = 24  # partial orders that are followed at a time


class _Begun(NamedTuple):
    """The beginning of an order: the most bytes alive so far and those alive now, its steps, and these as bits."""

    peak: int
    live: int
    order: tuple[int, ...]
    done: int


def order_steps(program: Program) -> Program:
    """Return the program in the best order that a beam search finds, or as it is if none is better.

    ONNX Runtime's quantiser stores nodes breadth first, so that the results of all branches are alive together.
    """
    steps = program.steps
    maker = {step.makes: number for number, step in enumerate(steps)}
    needs = [sum(1 << maker[tensor] for tensor in set(step.reads)) for step in steps]
    readers = dict.fromkeys(maker, 0)
    for number, step in enumerate(steps):
        for tensor in set(step.reads):
            readers[tensor] |= 1 << number
    readers[program.logits] |= 1 << len(steps)  # alive to the end

    def after(begun: _Begun, number: int) -> _Begun:
        step, done = steps[number], begun.done | 1 << number
        dying = [tensor for tensor in {step.makes, *step.reads} if not readers[tensor] & ~done]
        over = any(tensor in dying and tensor.bytes == step.makes.bytes for tensor in step.in_place)
        at_once = begun.live + aligned(step.scratch) + (0 if over else aligned(step.makes.bytes))
        live = begun.live + aligned(step.makes.bytes) - sum(aligned(tensor.bytes) for tensor in dying)
        return _Begun(max(begun.peak, at_once), live, (*begun.order, number), done)

    def ready(done: int) -> list[int]:
        return [number for number, need in enumerate(needs) if not done >> number & 1 and not need & ~done]

    beam = [_Begun(0, 0, (), 0)]
    for _ in steps:
        best: dict[int, _Begun] = {}
        for found in (after(begun, number) for begun in beam for number in ready(begun.done)):
            if found.done not in best or found < best[found.done]:
                best[found.done] = found
        beam = sorted(best.values())[:WIDTH]
    stored = _Begun(0, 0, (), 0)
    for number in range(len(steps)):
        stored = after(stored, number)
    return replace(program, steps=tuple(steps[number] for number in beam[0].order)) \
        if beam[0].peak < stored.peak else program

