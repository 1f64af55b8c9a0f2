"""Which network a file of weights is of, by names and shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from dcanas.basics.errors import UserError
from dcanas.pretrained.layout import network_layout
from dcanas.pretrained.naming import names_in
from dcanas.pretrained.sources import NAMES, SOURCES, Source
from dcanas.pretrained.weights_file import WeightsFile
from dcanas.spaces import Architecture, NotationError
from dcanas.spaces.mbconv import MBConv
from dcanas.spaces.mbconv_published import published

MBCONV = MBConv()
ENOUGH = 0.5  # share of a network's parameters that its file must hold
SEEN = 0.1  # share of a file's numbers that must have a place in a network which it seems to be of
LAST = "head.linear."  # depends on the classes: neither needed nor taken over
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class Recognised:
    """How well a file fits a source.

    Attributes:
        source: what it may be.
        architecture: the source's network, a member of `mbconv`.
        state: what the file holds, under the names that `mbconv` gives it; shapes are the file's own.
        share: of the network's parameters, the last layer apart, that are in the file in their shape.
    """

    source: Source
    architecture: Architecture
    state: Mapping[str, Tensor]
    share: float


def recognise(file: WeightsFile, name: str | None = None) -> Recognised:
    """Return which network a file is of.

    Args:
        name: of the source; None: by names and shapes alone.

    Raises:
        UserError: the file is of no known network or another than `name`, it holds less than half of it, or names and
            shapes leave open which of two it is.
    """
    best = best_fits(file)
    if not best:
        raise UserError(f"{file.path} is of no known network: it holds {_listed(list(file.tensors))}; known are the "
                        f"weights of {', '.join(NAMES)}.")
    names = " or ".join(fit.source.name for fit in best)
    if best[0].share < ENOUGH:
        raise UserError(f"{file.path} seems to be of {names}, but holds only {100 * best[0].share:.0f} % of the "
                        "parameters of that network, the last layer apart; give a whole file of its weights.")
    chosen = [fit for fit in best if name in (None, fit.source.name)]
    if not chosen:
        raise UserError(f"{file.path} is of {names}, not of {name}; give the weights of {name}, or set "
                        f"pretrained.name={best[0].source.name}.")
    if len(chosen) > 1:
        raise UserError(f"{file.path} may be of {names}: names and shapes are the same, padding and normalisation are "
                        "not; set pretrained.name to the one that it is of.")
    return chosen[0]


def best_fits(file: WeightsFile) -> list[Recognised]:
    """Return the sources that a file fits best, equally well; none if next to nothing of it is of a known network."""
    fits = [_fit(source, file.tensors) for source in SOURCES]
    most = max(fit.share for fit in fits)
    best = [fit for fit in fits if fit.share == most]
    held = sum(value.numel() for value in file.tensors.values())
    known = sum(value.numel() for value in best[0].state.values())
    return best if most and known > SEEN * held else []


def _fit(source: Source, tensors: Mapping[str, Tensor]) -> Recognised:
    architecture = published(source.network)[0]
    layout = network_layout(MBCONV.chain(architecture))
    theirs = names_in(source.library, layout)
    state = {name: tensors[theirs[name]] for name in layout if theirs[name] in tensors}
    if source.widths:
        architecture = _as_wide(architecture, state)
        layout = network_layout(MBCONV.chain(architecture))
    parameters = {name: math.prod(shape) for name, shape in layout.items()
                  if not name.startswith(LAST) and not name.endswith(STATISTICS)}
    found = sum(count for name, count in parameters.items() if name in state and state[name].shape == layout[name])
    return Recognised(source, architecture, state, found / sum(parameters.values()))


def _as_wide(architecture: Architecture, state: Mapping[str, Tensor]) -> Architecture:
    """Return the network with the widths that a file of it has; as it is if these are no options."""
    chain = MBCONV.chain(architecture)

    def width(name: str, otherwise: int) -> int:
        return state[name].shape[0] if name in state and state[name].ndim else otherwise

    stages = tuple(stage._replace(width=width(f"stages.{number}.0.project.0.weight", stage.width))
                   for number, stage in enumerate(chain.stages))
    try:
        return MBCONV.encode(chain._replace(stem=width("stem.0.weight", chain.stem), stages=stages,
                                            head=width("head.conv.0.weight", chain.head)))
    except NotationError:
        return architecture


def _listed(names: Sequence[str], most: int = 3) -> str:
    return f"{len(names)} names ({', '.join(names[:most])}{', ...' if len(names) > most else ''})"
