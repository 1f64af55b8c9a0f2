"""The last few candidates, judged by training each of them a little on images the search never decided on.

A separable score is a weak judge near the top, so nothing is left to it alone: the finalists are the best of the pool
by score and, beside them, the largest feasible ones by parameters and by MACs (over all true NAS-Bench-201 accuracies
the number of parameters ranks better than most searches do). All are trained by the same short recipe on the training
split; the accuracy on the validation split, which neither weights nor alphas of the search have seen, decides. Where a
vote of training-free scores ordered the pool it keeps a say: a training short enough to be affordable judges worse near
the top than the vote does (docs/results.md), so the sum of both ranks decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

import torch
from torch import nn

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.costs import CostModel
from dcanas.export.classifier import Classifier, Normalise
from dcanas.search.adversarial import hardening
from dcanas.search.derive import Selector
from dcanas.search.pool import Candidate
from dcanas.spaces import Architecture, Space
from dcanas.training import Dataset, Progress, Recipe, predict, train
from dcanas.training.start import hold

AfterEpoch = Callable[[int, Callable[[], float]], None]
ShortTraining = Callable[..., dict[str, Any]]  # (architecture[, after_epoch])
Verify = Callable[[Architecture], list[str]]  # names of the limits that a measurement found broken


def nominate(pool: Sequence[Candidate], count: int, sizes: Sequence[CostModel]) -> list[tuple[Candidate, str]]:
    """Return the pool in the order in which candidates may become finalists, each with the list that named it.

    The lists take turns: score, score, then each of `sizes` from the largest down, and again.
    """
    lists = {"score": sorted(pool, key=lambda c: -c.score)}
    for cost in sizes:
        lists[f"largest {cost.name}"] = sorted(pool, key=lambda c: (-cost.value(c.architecture), -c.score))
    turns = ["score", *lists]
    ordered: dict[Candidate, str] = {}
    positions = dict.fromkeys(lists, 0)
    while len(ordered) < min(count, len(pool)):
        for name in turns:
            while positions[name] < len(pool) and lists[name][positions[name]] in ordered:
                positions[name] += 1
            if positions[name] < len(pool):
                ordered[lists[name][positions[name]]] = name
    return list(ordered.items())


def short_training(space: Space, dataset: Dataset, recipe: Recipe, epochs: int, seed: int,
                   skeleton: dict[str, Any], device: str | torch.device = "cpu",
                   on_step: Callable[[Progress], None] = lambda progress: None,
                   should_stop: Callable[[], bool] = lambda: False,
                   inherit: Callable[[nn.Module], None] = lambda network: None,
                   ) -> ShortTraining:
    """Return a function that trains an architecture for `epochs` and tells what it then gets right on validation.

    All finalists start from the same seed and see the same images in the same order.
    inherit: gives a network other weights to start from, in place. The function's second argument, if any, is called
    after every epoch with its number and a function that tells the accuracy on validation so far.
    """
    short = replace(recipe, epochs=epochs, warmup_epochs=min(recipe.warmup_epochs, epochs / 4))

    def judge(arch: Architecture, after_epoch: AfterEpoch = lambda epoch, accuracy: None) -> dict[str, Any]:
        torch.manual_seed(derive_seed(seed, "finalist"))
        network = space.build(arch, len(dataset.classes), dataset.shape[0], **skeleton)
        inherit(network)
        model = Classifier(Normalise(dataset.mean, dataset.std), network)
        labels = torch.from_numpy(dataset.labels[dataset.validation])

        def told() -> tuple[torch.Tensor, float]:
            logits = torch.from_numpy(predict(model, dataset, dataset.validation, device=device))
            hold(model)  # what is frozen stays so after a look
            return logits, float((logits.argmax(1) == labels).float().mean())

        def listen(progress: Progress) -> None:
            on_step(progress)
            if progress.row:
                after_epoch(progress.epoch, lambda: told()[1])

        train(model, dataset, dataset.train, short, derive_seed(seed, "finalist"), None, listen, should_stop, device,
              harden=hardening(short))
        logits, accuracy = told()
        return {"validation_accuracy": accuracy,
                "validation_loss": float(torch.nn.functional.cross_entropy(logits, labels))}

    return judge


def finalist_selector(space: Space, count: int, sizes: Sequence[CostModel],
                examine: Callable[[Architecture], dict[str, Any]], verify: Verify | None = None,
                known: dict[str, dict[str, Any]] | None = None,
                on_finalist: Callable[[str, dict[str, Any]], None] = lambda name, found: None,
                voted: bool = False) -> Selector:
    """Return the judge for `derive`: `count` finalists, verified by measurement where limits ask for it, then trained.

    verify: tells which limits a candidate breaks when measured; such a candidate is passed over, and the next asked.
    known: examinations from an earlier start of the same run, by notation; nothing is done twice.
    on_finalist: called with (notation, examination) after each one, so that it can be stored.
    voted: a candidate's score is a vote, and the finalists' ranks by it and by short training decide together.
    Raises `UserError` where no candidate of the pool keeps the measured limits.
    """
    known = {} if known is None else known

    def judge(pool: list[Candidate]) -> tuple[Architecture, dict[str, Any]]:
        finalists: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        seen: set[Architecture] = set()  # two codes of one class are the same network: training both tells nothing
        for candidate, named_by in nominate(pool, len(pool), sizes):
            if len(finalists) == count:
                break
            if space.canonical(candidate.architecture) in seen:
                continue
            seen.add(space.canonical(candidate.architecture))
            text = space.format(candidate.architecture)
            broken = verify(candidate.architecture) if verify else []
            if broken:
                refused.append({"architecture": text, "broken": broken})
                continue
            if text not in known:
                known[text] = examine(candidate.architecture)
                on_finalist(text, known[text])
            finalists.append({"architecture": text, "score": candidate.score, "named_by": named_by,
                              "origin": candidate.origin, **known[text]})
        if not finalists:
            broken_limits = sorted({name for r in refused for name in r["broken"]})
            raise UserError(f"None of the {len(refused)} candidates keeps {', '.join(broken_limits)} when measured; "
                            "loosen that limit or give search.pool more candidates.")
        best = max(finalists, key=_trained)
        decided_by = "accuracy on the validation split after short training"
        if voted:
            ranks = [sorted(finalists, key=by) for by in (_trained, itemgetter("score"))]
            best = max(finalists, key=lambda f: (sum(rank.index(f) for rank in ranks), f["score"]))
            decided_by = "sum of the ranks by vote and by accuracy on the validation split after short training"
        return space.parse(best["architecture"]), {
            "decided_by": decided_by if len(finalists) > 1 else "only one candidate left",
            "finalists": finalists, "refused_by_measurement": refused}

    return judge


def _trained(finalist: dict[str, Any]) -> tuple[float, float]:
    return finalist["validation_accuracy"], -finalist["validation_loss"]
