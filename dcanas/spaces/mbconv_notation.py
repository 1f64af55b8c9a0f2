"""Networks of inverted residuals as text and as plain values.

    r224-s32 | t1c16n1s1k3 | t6c24n2s2k3 | t6,4,-,6c40n3s2k5,3,-,5 | t4c80n2s2k3,5 | n0 | n0 | n0 | h1280

Nine parts joined by `|` (spaces do not matter): resolution and stem, seven stages, head. A stage states the expansion
(t), width (c), number of blocks (n), stride of its first block (s) and kernel (k). One number for t or k holds for all
blocks; where they differ it is a list, one entry per place, with `-` where a block is absent; n counts those that are
there. The third stage above has its first, second and fourth block, the next two blocks of expansion 4 with kernels 3
and 5. Absent blocks at the end of a stage are not written. `n0`: the stage and all after it are cut off. `h0`: no
convolution in the head.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from dcanas.spaces.types import NotationError

STAGES = 7
PLACES = 6  # for blocks, in every stage

_STAGE = re.compile(r"t(\d+|[\d-]+(?:,[\d-]+)+)c(\d+)n(\d+)s(\d+)k(\d+|[\d-]+(?:,[\d-]+)+)")
_LIKE = ("r224-s32", *["t6c24n2s2k3"] * STAGES, "h1280")


class Kind(NamedTuple):
    """An inverted residual: how often it widens its input, and the side of its filters."""

    expansion: int
    kernel: int


class Stage(NamedTuple):
    """Blocks of one width; None where one is absent. The first and the last are there."""

    width: int
    stride: int
    places: tuple[Kind | None, ...]

    @property
    def blocks(self) -> tuple[Kind, ...]:
        return tuple(kind for kind in self.places if kind is not None)


class Chain(NamedTuple):
    """One network: `head` is 0 where it has no convolution; stages that are cut off are left out."""

    resolution: int
    stem: int
    stages: tuple[Stage, ...]
    head: int


def parse_chain(text: str) -> Chain:
    """Read the notation above; raises `NotationError` (part, expected, found)."""
    parts = re.split(r"\s*\|\s*", text.strip())
    if len(parts) != STAGES + 2:
        raise NotationError(f"MBConv notation has {STAGES + 2} parts joined by '|' (r224-s32, {STAGES} stages "
                            f"like t6c24n2s2k3, h1280), found {len(parts)} in {text!r}.")
    start, end = re.fullmatch(r"r(\d+)-s(\d+)", parts[0]), re.fullmatch(r"h(\d+)", parts[-1])
    if not start or not end:
        raise _malformed(1 if not start else STAGES + 2, parts)
    stages: list[Stage] = []
    for part in range(2, STAGES + 2):
        if parts[part - 1] == "n0":
            continue
        if len(stages) < part - 2:
            raise NotationError(f"Part {part} of MBConv notation: a stage behind one that is cut off (n0) must be n0, "
                                f"too, found {parts[part - 1]!r}.")
        stages.append(_stage(part, parts))
    if not stages:
        raise NotationError("Part 2 of MBConv notation: the first stage cannot be cut off (n0).")
    return Chain(int(start[1]), int(start[2]), tuple(stages), int(end[1]))


def format_chain(chain: Chain) -> str:
    """Write the notation above, as short as it can be."""
    stages = [_format_stage(stage) for stage in chain.stages] + ["n0"] * (STAGES - len(chain.stages))
    return " | ".join([f"r{chain.resolution}-s{chain.stem}", *stages, f"h{chain.head}"])


def origins(chain: Chain) -> dict[str, str]:
    """Return the blocks that others are absent before, by their name in the network, with their name where none is.

    Blocks are numbered as they come: of places 0, 1 and 3 of the third stage the last is `stages.2.2`, and what is
    trained for a network with all blocks stands under `stages.2.3`.
    """
    return {f"stages.{number}.{block}": f"stages.{number}.{place}" for number, stage in enumerate(chain.stages)
            for block, place in enumerate(p for p, kind in enumerate(stage.places) if kind) if block != place}


def _stage(part: int, parts: list[str]) -> Stage:
    text = parts[part - 1]
    found = _STAGE.fullmatch(text)
    if not found:
        raise _malformed(part, parts)
    count = int(found[3])
    expansions, kernels = found[1].split(","), found[5].split(",")
    listed = [len(values) for values in (expansions, kernels) if len(values) > 1]
    if len(expansions) == 1:
        expansions = ["-" if k == "-" else expansions[0] for k in kernels] if listed else expansions * count
    if len(kernels) == 1:
        kernels = ["-" if t == "-" else kernels[0] for t in expansions]
    if len(expansions) != len(kernels) or any((t == "-") != (k == "-")
                                              for t, k in zip(expansions, kernels, strict=True)):
        raise NotationError(f"Part {part} of MBConv notation: t and k must list the same places, with - for absent "
                            f"blocks in both, found {text!r}.")
    if not all(re.fullmatch(r"\d+|-", value) for value in (*expansions, *kernels)):
        raise _malformed(part, parts)
    places = tuple(None if t == "-" else Kind(int(t), int(k)) for t, k in zip(expansions, kernels, strict=True))
    there = len(places) - places.count(None)
    if count != there or not places or places[0] is None or places[-1] is None:
        raise NotationError(f"Part {part} of MBConv notation: n must be the number of blocks, of which the first and "
                            f"the last listed are not absent, found {text!r}.")
    return Stage(int(found[2]), int(found[4]), places)


def _format_stage(stage: Stage) -> str:
    gaps = None in stage.places

    def listed(values: list[int]) -> str:
        if not gaps and len(set(values)) == 1:
            return str(values[0])
        written = iter(values)
        return ",".join("-" if kind is None else str(next(written)) for kind in stage.places)

    blocks = stage.blocks
    return (f"t{listed([b.expansion for b in blocks])}c{stage.width}n{len(blocks)}s{stage.stride}"
            f"k{listed([b.kernel for b in blocks])}")


def _malformed(part: int, parts: list[str]) -> NotationError:
    return NotationError(f"Part {part} of MBConv notation must be like {_LIKE[part - 1]}, found {parts[part - 1]!r}.")
