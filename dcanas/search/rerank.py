"""Training-free scores beside what a search says of its candidates: a prior, and a tie-breaker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from dcanas.proxies.votes import borda, oriented
from dcanas.search.pool import Candidate


def reranked(pool: Sequence[Candidate], scores: Sequence[Mapping[str, float]], names: Sequence[str]) -> list[Candidate]:
    """Return the pool, best first, by the sum of ranks over the search's own score and the proxies in `names`.

    Each candidate's `score` becomes that sum; where it is equal the search's own score decides. scores: of each
    candidate, by name, NaN where there is none (which ranks last).
    """
    own = np.array([candidate.score for candidate in pool])
    voters = [own, *(oriented(name, np.array([each[name] for each in scores], float)) for name in names)]
    votes = borda(np.array(voters))
    order = np.lexsort((-own, -votes))
    return [replace(pool[i], score=float(votes[i])) for i in order]
