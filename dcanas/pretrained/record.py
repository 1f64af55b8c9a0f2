"""What was taken over from pretrained weights, for the certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from dcanas.pretrained.sources import Source
from dcanas.pretrained.weights_file import WeightsFile


@dataclass(frozen=True)
class TakenOver:
    """Where a network's first weights come from.

    Attributes:
        sources: names; several if names and shapes leave it open, none for weights of no known network.
        sha256: of the file.
        tensors: number of tensors that were taken over, statistics of batch norms included.
        parameters: number of trained parameters in them.
        licence, origin: of the source; None if it is unknown.
        mean, deviation: input normalisation of the source per channel, for images in [0, 1]; None if it is unknown.
    """

    sources: tuple[str, ...]
    file: str
    sha256: str
    tensors: int
    parameters: int
    licence: str | None = None
    origin: str | None = None
    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None

    @classmethod
    def of(cls, file: WeightsFile, sources: Sequence[Source], taken: Mapping[str, Tensor],
           parameters: frozenset[str]) -> TakenOver:
        """Return the record.

        Args:
            sources: what the file may be of.
            taken: what was taken over, by name in the network.
            parameters: names of the network's parameters; the others are statistics.
        """
        known = sources[0] if len(sources) == 1 else None
        return cls(tuple(source.name for source in sources), str(file.path), file.sha256, len(taken),
                   sum(value.numel() for name, value in taken.items() if name in parameters),
                   *((known.licence, known.origin, known.mean, known.deviation) if known else ()))
