"""From what the user asks to the weights of a known network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from dcanas.pretrained.find import find_weights, installed
from dcanas.pretrained.order import by_importance
from dcanas.pretrained.recognise import MBCONV, recognise
from dcanas.pretrained.settings import PretrainedSettings
from dcanas.pretrained.sources import Source
from dcanas.pretrained.weights_file import WeightsFile, read_weights
from dcanas.spaces import Architecture


@dataclass(frozen=True)
class Pretrained:
    """Weights of a known network.

    Attributes:
        architecture: the whole network, a member of `mbconv`; `skeleton`: what these weights rely on.
        state: parameters and statistics under the names of `mbconv`, stages and blocks numbered as in `architecture`;
            the channels of every expansion by importance (see `by_importance`).
    """

    source: Source
    file: WeightsFile
    architecture: Architecture
    skeleton: Mapping[str, Any]
    state: Mapping[str, Tensor]


def load_pretrained(wanted: PretrainedSettings) -> Pretrained | None:
    """Return the weights that the user wants; None if none are wanted, or none are there with `auto`.

    Raises:
        UserError: see `find_weights`, `read_weights` and `recognise`.
    """
    if wanted.name == "none":
        return None
    name = wanted.name if wanted.name not in ("auto", "file") else None if wanted.file else installed()
    if name is None and wanted.file is None:
        return None
    file = read_weights(wanted.file or find_weights(str(name), wanted.download))
    found = recognise(file, name)
    state = by_importance(found.state, MBCONV.chain(found.architecture))
    return Pretrained(found.source, file, found.architecture, found.source.skeleton, state)
