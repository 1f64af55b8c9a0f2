"""Which parts of a pretrained network are worth fine-tuning under a limit: the largest image that each can afford."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from dcanas.pretrained.parts import PretrainedParts
from dcanas.spaces import Architecture
from dcanas.spaces.mbconv_notation import Chain, Kind

Use = Callable[[Architecture], float]  # largest share of a limit that a network takes; above 1 it breaks one
SHALLOWEST = 3  # stages; with fewer, features of ImageNet networks are edges and textures
AFTER_STAGE, INSIDE, WITHOUT = "cut after a stage", "cut inside a stage", "one block left out"
THIN = "cut with fewer channels"


class Nominee(NamedTuple):
    """A part of the pretrained network at the largest resolution within the limits.

    Attributes:
        kind: `AFTER_STAGE`, `INSIDE`, `WITHOUT` or `THIN`.
        use: largest share of a limit that it takes.
    """

    architecture: Architecture
    kind: str
    use: float


def nominate(space: PretrainedParts, use: Use, count: int, lenient: Use | None = None) -> list[Nominee]:
    """Return parts within the limits, the best use of the limits first within each kind, then the deepest.

    All cuts after a stage, from stage `SHALLOWEST` on, are there whatever `count` is: they are the rivals that
    everybody knows. The rest of `count` are of the other kinds in turn. Only if none of these is within the limits,
    shallower parts are nominated, and deep cuts with fewer channels in every block.

    Args:
        lenient: the share that decides at the smallest resolution, where a prediction that will be verified may be off
            without another resolution to fall back to; None: `use`.
    """
    found: dict[str, list[Nominee]] = {AFTER_STAGE: [], INSIDE: [], WITHOUT: [], THIN: []}
    for levels in (((SHALLOWEST, patterns),), ((1, patterns), (SHALLOWEST, thin_patterns)), ((1, thin_patterns),)):
        for least, shapes in levels:
            for kind, chain in shapes(space):
                if len(chain.stages) >= least and (nominee := largest(space, chain, kind, use, lenient)):
                    found[kind].append(nominee)
        if any(found.values()):
            break
    for nominees in found.values():
        nominees.sort(key=lambda nominee: (-nominee.use, -_blocks(space, nominee)))
    others = [found[INSIDE], found[WITHOUT], found[THIN]]
    chosen = list(found[AFTER_STAGE])
    while len(chosen) < count and any(others):
        for nominees in others:
            if nominees and len(chosen) < count:
                chosen.append(nominees.pop(0))
    return chosen


def largest(space: PretrainedParts, chain: Chain, kind: str, use: Use, lenient: Use | None = None) -> Nominee | None:
    """Return a pattern at the largest resolution within the limits; None if there is none. lenient: see `nominate`."""
    resolutions = sorted(sides(space), reverse=True)
    for side in resolutions:
        arch = space.encode(chain._replace(resolution=side))
        share = use(arch)
        if share <= 1 or (lenient is not None and side == resolutions[-1] and lenient(arch) <= 1):
            return Nominee(arch, kind, share)
    return None


def _blocks(space: PretrainedParts, nominee: Nominee) -> int:
    return sum(len(stage.blocks) for stage in space.chain(nominee.architecture).stages)


def stage_cuts(space: PretrainedParts) -> int:
    """Return the number of cuts after a stage that are always nominated if the limits allow them."""
    return max(1, len(space.whole.stages) - SHALLOWEST + 1)


def sides(space: PretrainedParts) -> list[int]:
    """Return the resolutions of the space in pixels."""
    return [int(space.slots[0].options[i]) for i in space.allowed[0]]


def patterns(space: PretrainedParts) -> Iterator[tuple[str, Chain]]:
    """Yield the whole network cut after each of its blocks, and each such cut with one residual block left out."""
    whole = space.whole
    for number in range(1, len(whole.stages) + 1):
        *before, last = whole.stages[:number]
        for blocks in range(1, len(last.places) + 1):
            entire = blocks == len(last.places)
            stages = (*before, last._replace(places=last.places[:blocks]))
            head = whole.head if entire and number == len(whole.stages) else 0
            cut = whole._replace(stages=stages, head=head)
            yield AFTER_STAGE if entire else INSIDE, cut
            if entire:
                yield from ((WITHOUT, part) for part in _without_one(cut))


def thin_patterns(space: PretrainedParts) -> Iterator[tuple[str, Chain]]:
    """Yield cuts after a block whose blocks have smaller expansions and filters: what the tightest limits allow."""
    expansions = sorted({kind.expansion for stage in space.whole.stages for kind in stage.blocks} | {2, 3, 4})
    for kind, chain in patterns(space):
        if kind != WITHOUT:
            yield from ((THIN, _thinned(chain, most)) for most in expansions[-2:0:-1])


def _thinned(chain: Chain, most: int) -> Chain:
    """Return a chain whose blocks widen their input at most so often, with filters of 3 x 3."""
    stages = tuple(stage._replace(places=tuple(kind and Kind(min(kind.expansion, most), 3) for kind in stage.places))
                   for stage in chain.stages)
    return chain._replace(stages=stages)


def _without_one(chain: Chain) -> Iterator[Chain]:
    """Yield a chain without each of its residual blocks but the last, which would be a cut."""
    for number, stage in enumerate(chain.stages):
        last = number + 1 == len(chain.stages)
        for place in range(1, len(stage.places) - last):
            places = (*stage.places[:place], None, *stage.places[place + 1:])
            while places[-1] is None:
                places = places[:-1]
            yield chain._replace(stages=(*chain.stages[:number], stage._replace(places=places),
                                         *chain.stages[number + 1:]))
