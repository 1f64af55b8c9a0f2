"""Whether a judge that trains nothing is to be trusted on these images: random members are trained beside its choice.

A judge that ranks what it chose no better than members drawn at random knows nothing of these images. Simulated over
NAS-Bench-201's tables the check fires in less than a tenth of the runs with a right judge and in more than nine tenths
with a reversed one, if the short training ranks members with a Kendall's tau of half or more (`tools/study_trust.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.task import SearchTask, Target
from dcanas.spaces import Architecture
from dcanas.training import Dataset, Recipe

RANDOM = 3  # members that are trained beside the finalists
DRAWS = 20  # per random member, before fewer are taken
STEPS = 100  # of training, from which a network that has learnt nothing will not learn
CLEAR = 2.0  # standard errors above a constant answer from which an accuracy shows that something was learnt
FALLEN = 0.98  # of the training loss of a constant answer: below, the training images themselves were learnt
NOTHING, BY_HEART, LEARNT = 0.0, 0.5, 1.0  # how much: a constant answer, the training images alone, unseen images too


def random_members(task: SearchTask, target: Target) -> Iterator[Architecture]:
    """Yield different random members within the limits of a device."""
    members = FeasibleMembers(task.space, target.budget, target.costs, task.seed)
    rng = np.random.default_rng(derive_seed(task.seed, "random members"))
    seen: set[Architecture] = set()
    for _ in range(DRAWS * RANDOM):
        arch = members.sample(rng)
        if task.space.canonical(arch) not in seen:
            seen.add(task.space.canonical(arch))
            yield arch


def trust(chosen: Sequence[Mapping[str, Any]], drawn: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what random members say of a judge: `chosen` and `random` (median accuracies), `trusted` and `text`.

    Args:
        chosen: what short training found of the networks that the judge chose, each with `validation_accuracy`.
        drawn: the same of members drawn at random, trained equally long.
    """
    mine, other = (median(row["validation_accuracy"] for row in rows) for rows in (chosen, drawn))
    trusted = other < mine
    text = f"After equally short training the median of {len(drawn)} random members is {100 * other:.1f} % of the " \
           f"validation images, that of the {len(chosen)} chosen ones {100 * mine:.1f} %: "
    return {"chosen": mine, "random": other, "trusted": trusted, "text": text + (
        "what chose them is to be trusted here." if trusted else
        "what chose them is not to be trusted on these images, so training alone decides among all.")}


def learning(dataset: Dataset, recipe: Recipe, epochs: int) -> Callable[[Mapping[str, Any]], float]:
    """Return how much a short training has learnt: `LEARNT`, `BY_HEART` or `NOTHING`.

    It has learnt if it knows more of the validation split than a constant answer: a smaller loss than that of the
    frequencies of the classes, or an accuracy clearly above the share of the most frequent one. So few images that no
    accuracy up to twice that share would be clear show nothing, nor do fewer than 100 steps: then every network counts
    as having learnt. Else, if its training loss has fallen below that of a constant answer, it knows its training
    images by heart, as every network does that is shown noise.

    Args:
        recipe, epochs: of the short training.
    """
    steps = epochs * math.ceil(len(dataset.train) / recipe.batch_size)
    shares = _shares(dataset, dataset.validation)
    share = float(shares.max(initial=0.0))
    clearly = share + CLEAR * math.sqrt(share * (1 - share) / max(len(dataset.validation), 1))
    loss, training_loss = _entropy(shares), _entropy(_shares(dataset, dataset.train))

    def learnt(found: Mapping[str, Any]) -> float:
        if steps < STEPS or clearly >= 2 * share or found["validation_loss"] < loss or \
                found["validation_accuracy"] > clearly:
            return LEARNT
        return BY_HEART if found.get("last_training_loss", math.inf) < FALLEN * training_loss else NOTHING

    return learnt


def _shares(dataset: Dataset, indices: np.ndarray) -> np.ndarray:
    """Return the shares of the classes among images, those that are there."""
    counts = np.bincount(dataset.labels[indices])
    return np.asarray(counts[counts > 0] / max(len(indices), 1))


def _entropy(shares: np.ndarray) -> float:
    """Return the loss of answering with the shares themselves."""
    return float(-(shares * np.log(shares)).sum())


def by_heart_words(found: Sequence[Mapping[str, Any]]) -> str:
    """Return what to tell the user if no network knows more than its training images."""
    return (f"None of the {len(found)} networks is clearly better than guessing on the validation images, although the "
            "training images are learnt by heart: these images may not show what they are labelled as; look at the "
            "labels with `dcanas data`.")


def none_learnt(found: Sequence[Mapping[str, Any]]) -> UserError:
    """Return the error if no network has learnt anything in its short training."""
    most = max(row["validation_accuracy"] for row in found)
    return UserError(f"None of the {len(found)} networks learnt anything in its short training (at most "
                     f"{100 * most:.1f} % of the validation images, no more than a constant answer), so none is "
                     "delivered: let it train for more epochs (search.finalist_epochs or search.tried_epochs), lower "
                     "train.learning_rate, or look at the labels with `dcanas data`.")
