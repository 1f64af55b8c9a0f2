"""Search with an elastic supernet: trained once, then evolution within each device's budget."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from dcanas.basics.checkpoints import load_weights, save_weights
from dcanas.basics.errors import UserError
from dcanas.basics.ledger import Ledger
from dcanas.costs import count_architecture
from dcanas.costs.feasibility import select_costs
from dcanas.pretrained import PretrainedParts
from dcanas.search.derive import Derived, Selector, costs_of
from dcanas.search.elastic.evolution import evolve
from dcanas.search.elastic.inherited import inherited_accuracy
from dcanas.search.elastic.sandwich import make_supernet, supernet_recipe, train_supernet, whole_space
from dcanas.search.methods import SearchMethod
from dcanas.search.pool import Candidate
from dcanas.search.selection import BY_RANKS, choose_candidate, choose_reranked
from dcanas.search.task import SearchTask, Target
from dcanas.spaces import Space
from dcanas.supernet import ElasticSupernet

WEIGHTS = "supernet.pt"
TRAINING = ("epochs", "batch_size", "learning_rate", "warmup_epochs", "momentum", "weight_decay", "clip_norm",
            "random_members")  # the settings that the supernet's weights depend on


class ElasticSearch(SearchMethod):
    """One supernet whose slices are the members of a space, trained regardless of the limits."""

    results = ("supernet.json", WEIGHTS)
    read_by_derive = ("finalists", "finalist_epochs", "rerank", "rerank_again", "rerank_batch_size",
                      "rerank_evaluations", "evaluations", "population", "tournament", "recalibration_images",
                      "inherit")

    def check(self, space: Space, settings: Any) -> None:
        if isinstance(space, PretrainedParts):
            raise UserError(f"search=elastic trains a supernet from random weights, and the parts of "
                            f"{space.pretrained.source.name} have some: choose search=slices, a supernet of them, or "
                            "pretrained=none.")
        space.extremes()

    def key(self, task: SearchTask) -> Sequence[Any]:
        return [task.skeleton, {name: getattr(task.settings, name) for name in TRAINING}, task.recipe]

    def effort(self, task: SearchTask, macs: float) -> float:
        largest = count_architecture(task.space, task.space.extremes()[0], task.dataset.shape,
                                     len(task.dataset.classes), **task.skeleton).macs
        every_step = largest + (1 + task.settings.random_members) * macs
        return float(task.settings.epochs * every_step)

    def run(self, task: SearchTask) -> dict[str, Any]:
        settings = task.settings
        supernet = make_supernet(task.space, task.dataset, task.seed, dict(task.skeleton), task.device)
        draw = whole_space(supernet, task.dataset, settings.random_members)
        history = train_supernet(supernet, task.dataset, supernet_recipe(settings, task.recipe), draw, task.seed,
                                 key=[settings, dict(task.skeleton)], folder=task.folder, device=task.device,
                                 hooks=task.hooks)
        save_weights(task.folder / WEIGHTS, supernet.state_dict())
        return {"history": history, "largest": task.space.format(supernet.largest_member),
                "smallest": task.space.format(supernet.smallest_member)}

    def derive(self, task: SearchTask, target: Target, found: dict[str, Any], folder: Path) -> Derived:
        settings, space = task.settings, task.space
        examine = inherited_accuracy(self._supernet(task), task.dataset, settings.recalibration_images, task.seed,
                                     task.device)
        stored = Ledger(folder / "evaluations.json")
        met = evolve(space, select_costs(target.costs, target.budget), target.budget, examine, settings, task.seed,
                     stored=stored, hooks=task.hooks)
        ordered = sorted(met, key=lambda each: each.scores, reverse=True)
        best = space.format(ordered[0].architecture)
        select: Selector = partial(
            choose_candidate, task, target, folder,
            BY_RANKS if settings.rerank else "inherited accuracy on the validation split",
            "increase search.evaluations", ranked=bool(settings.rerank), inherit=partial(self.inherit, task))
        if settings.rerank:
            select = partial(choose_reranked, task, target, folder, select)
        arch, why = select([Candidate(each.architecture, each.scores[0], "evolution") for each in ordered])
        return Derived(arch, costs_of(arch, target.costs), {
            "method": "ageing evolution over an elastic supernet", "pool": len(met),
            "best_inherited": {"architecture": best, **stored[best]}, **why})

    def inherit(self, task: SearchTask, network: nn.Module) -> None:
        if task.settings.inherit:
            self._supernet(task).bequeath(network)

    def _supernet(self, task: SearchTask) -> ElasticSupernet:
        """Return the trained supernet."""
        supernet = make_supernet(task.space, task.dataset, task.seed, dict(task.skeleton), task.device)
        supernet.load_state_dict(load_weights(task.folder / WEIGHTS))
        return supernet.eval()
