"""The interface of samplers: each proposes as a function of the study's history, so that any worker can continue."""

from __future__ import annotations

from abc import ABC, abstractmethod

from numpy.random import Generator

from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.history import History
from dcanas.search.proposers.proposer import Proposal


class Sampler(ABC):
    """Proposes the next trial; keeps no state that it could not compute again from the history.

    Args:
        candidates: the architectures that may be proposed.
    """

    def __init__(self, candidates: Candidates):
        self.candidates, self.settings = candidates, candidates.settings

    @abstractmethod
    def propose(self, history: History, rng: Generator) -> Proposal:
        """Return a new candidate.

        Raises:
            ExhaustedError: none is left.
        """
