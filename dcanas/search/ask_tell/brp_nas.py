"""BRP-NAS: a graph network learns which of two architectures is better (Dudziak et al., NeurIPS 2020).

The published predictor is a graph convolution network on pairs, its two embeddings joined by one linear layer, and the
search alternates between training it and measuring what it likes. With a linear layer on two embeddings the answer is a
difference of two scores, so that all candidates are ordered by one score each. Here the network is small (three layers
of 32 where the paper has four of 600), trained anew every `batch` trials; half of a batch are the best by score, the
others drawn from the best tenth.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from dcanas.basics.keys import derive_seed
from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.graphs import Graphs
from dcanas.search.ask_tell.history import History
from dcanas.search.ask_tell.samplers import Proposal, first_trials, samplers

WIDTH, LAYERS, STEPS, RATE, DECAY = 32, 3, 150, 5e-3, 5e-4
BLOCK = 4096  # candidates scored at a time


@samplers.add
class brp_nas:  # noqa: N801
    """A binary relation predictor on the architectures' graphs, trained anew every few trials."""

    def __init__(self, candidates: Candidates):
        self.candidates, self.settings = candidates, candidates.settings
        self.graphs = Graphs(candidates.space)
        self._trained: tuple[bytes, Predictor] | None = None

    def propose(self, history: History, rng: Generator) -> Proposal:
        if len(history) < self.settings.initial or len(history.succeeded) < 2:
            return first_trials(self.candidates, history, rng)
        batches, place = divmod(len(history) - self.settings.initial, self.settings.batch)
        known = min(len(history.succeeded), self.settings.initial + batches * self.settings.batch)
        predictor = self._predictor(history.choices[:known], history.values[:known])
        pool = self.candidates.pool(history, rng)
        scores = predictor.scores(self.graphs, pool.choices) + pool.log_feasible
        if place % 2 == 0:
            chosen, why = int(np.argmax(scores)), "best by predictor"
        else:
            best = np.argsort(-scores, kind="stable")[:max(1, len(scores) // 10)]
            chosen, why = int(rng.choice(best)), "among the best tenth by predictor"
        rank = int((scores > scores[chosen]).sum()) + 1
        return Proposal(self.candidates.architecture(pool.choices[chosen]),
                        {"chosen_by": why, "rank": rank, "candidates": len(scores), "learnt_from": known})

    def _predictor(self, choices: np.ndarray, values: np.ndarray) -> Predictor:
        """Return the predictor of these trials; the last one is kept."""
        key = choices.tobytes() + values.tobytes()
        if self._trained is None or self._trained[0] != key:
            self._trained = key, train_predictor(self.graphs, choices, values, derive_seed("brp_nas", len(values)))
        return self._trained[1]


class Predictor(nn.Module):
    """Graph convolutions with weights shared by all nodes, their mean, one number. Input: (n, nodes, labels)."""

    def __init__(self, graphs: Graphs):
        super().__init__()
        self.adjacency = torch.from_numpy(graphs.adjacency)
        self.layers = nn.ModuleList(nn.Linear(graphs.labels if i == 0 else WIDTH, WIDTH) for i in range(LAYERS))
        self.head = nn.Linear(WIDTH, 1)

    def forward(self, labels: Tensor) -> Tensor:
        """Shape: (n, nodes, labels) -> (n,)."""
        for layer in self.layers:
            labels = torch.relu(self.adjacency @ layer(labels))
        return self.head(labels.mean(1))[:, 0]

    def scores(self, graphs: Graphs, choices: np.ndarray) -> np.ndarray:
        """Return a number per architecture, larger is better."""
        with torch.no_grad():
            parts = [self(torch.from_numpy(graphs(choices[i:i + BLOCK]))) for i in range(0, len(choices), BLOCK)]
        return torch.cat(parts).double().numpy()


def train_predictor(graphs: Graphs, choices: np.ndarray, values: np.ndarray, seed: int) -> Predictor:
    """Return a predictor trained on all pairs: cross-entropy of "the first is better" (AdamW, full batch)."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        predictor = Predictor(graphs)
    labels = torch.from_numpy(graphs(choices))
    first, second = np.triu_indices(len(values), 1)
    wins = torch.from_numpy((np.sign(values[first] - values[second]) + 1) / 2).float()
    optimiser = torch.optim.AdamW(predictor.parameters(), lr=RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        scores = predictor(labels)
        loss = nn.functional.binary_cross_entropy_with_logits(scores[first] - scores[second], wins)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return predictor.eval()
