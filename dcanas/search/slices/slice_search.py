"""Search among the slices of a pretrained network: one supernet for all devices, real fine-tunings of the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.checkpoints import load_weights, save_weights
from dcanas.basics.ledger import Ledger
from dcanas.costs import count_architecture
from dcanas.pretrained import PretrainedParts
from dcanas.search.elastic.inherited import inherited_accuracy
from dcanas.search.elastic.sandwich import make_supernet, train_supernet
from dcanas.search.halving.halving_search import HalvingSearch
from dcanas.search.halving.measured import expected_use, measured_within, nominees_within
from dcanas.search.halving.nominate import Nominee
from dcanas.search.halving.rungs import FineTuning, Tuning, stored_as
from dcanas.search.slices.alphas import alphas_images
from dcanas.search.slices.frames import frames_for
from dcanas.search.slices.front import SLICE, judged_slices
from dcanas.search.slices.lessons import lessons, slices_recipe
from dcanas.search.slices.ways import propose
from dcanas.search.task import SearchTask, Target
from dcanas.supernet import ElasticSupernet

SUPERNET = "supernet.pt"
TRAINING = ("epochs", "largest_epochs", "random_members")  # the settings that the supernet's weights depend on


class SliceSearch(HalvingSearch):
    """Slices of a pretrained network, judged by a supernet that holds them all and chosen by real fine-tunings."""

    results = ("slices.json", SUPERNET)

    def effort(self, task: SearchTask, macs: float) -> float:
        settings, space = task.settings, task.space
        assert isinstance(space, PretrainedParts)
        frames = frames_for(space, [expected_use(target) for target in task.targets])
        largest = [count_architecture(space, frame.largest, task.dataset.shape, len(task.dataset.classes),
                                      **task.skeleton).macs for frame in frames]
        sandwiches = max(0, settings.epochs - settings.largest_epochs)
        steps = settings.epochs + sandwiches * (1 + settings.random_members) / 2  # others cost about half the largest
        return float(super().effort(task, macs) + steps * (np.mean(largest) if largest else macs))

    def run(self, task: SearchTask) -> dict[str, Any]:
        assert isinstance(task.space, PretrainedParts)
        frames = frames_for(task.space, [expected_use(target) for target in task.targets])
        supernet = make_supernet(task.space, task.dataset, task.seed, dict(task.skeleton), task.device)
        settings, dataset = task.settings, task.dataset
        if settings.choose == "alphas":
            dataset = replace(dataset, train=np.setdiff1d(dataset.train, alphas_images(task)))
        history = train_supernet(
            supernet, dataset, slices_recipe(task.recipe, settings.epochs),
            lessons(frames, task, settings.largest_epochs, settings.random_members), task.seed,
            key=[{name: getattr(settings, name) for name in TRAINING}, [[each.stages, each.side] for each in frames]],
            folder=task.folder / "training", device=task.device, hooks=task.hooks,
            rate_setting="train.learning_rate")
        save_weights(task.folder / SUPERNET, supernet.state_dict())
        return {**super().run(task), "history": history,
                "frames": [{"stages": each.stages, "side_px": each.side} for each in frames]}

    def _nominees(self, task: SearchTask, target: Target,
                  folder: Path) -> tuple[Sequence[Nominee], list[dict[str, Any]]]:
        """Return cuts after a stage and the slices of least inherited loss, measured within the limits."""
        assert isinstance(task.space, PretrainedParts)
        cuts, refused = nominees_within(task.space, target, 0, task.hooks)
        use = expected_use(target)
        frames = frames_for(task.space, [use])
        stored = Ledger(folder / f"inherited-{target.name}.json")
        supernet = self._supernet(task)
        judge = inherited_accuracy(supernet, task.dataset, task.settings.recalibration_images, task.seed, task.device)
        proposed = propose(supernet, frames, task, target, judge, stored)
        known = {nominee.architecture for nominee in cuts}
        slices = [Nominee(arch, SLICE, use(arch)) for arch in proposed if arch not in known]
        kept, broken = measured_within(task.space, target, slices[:task.settings.proposed], task.hooks)
        return [*cuts, *kept], [*refused, *broken]

    def front(self, task: SearchTask, target: Target, folder: Path) -> list[dict[str, Any]]:
        """Return slices under shares of the limits of a device, by inherited loss; see `judged_slices`."""
        supernet, stored = self._supernet(task), Ledger(folder / f"inherited-{target.name}.json")
        judge = inherited_accuracy(supernet, task.dataset, task.settings.recalibration_images, task.seed, task.device)
        return judged_slices(supernet, task, target, judge, stored)

    def fine_tuned(self, task: SearchTask, text: str, folder: Path) -> dict[str, Any]:
        """Return what `validate` says of a slice after the whole recipe; text: its notation."""
        stored = Ledger(folder / "fine-tunings.json")
        key = stored_as(text, task.recipe.epochs)
        if key not in stored:
            tuning, arch = FineTuning.of(task, folder / "fine-tuning"), task.space.parse(text)
            stored[key] = tuning(Tuning(arch, task.recipe.epochs), task.hooks, str(task.device))
            tuning.drop(arch)
        return dict(stored[key])

    def _supernet(self, task: SearchTask) -> ElasticSupernet:
        """Return the trained supernet."""
        supernet = make_supernet(task.space, task.dataset, task.seed, dict(task.skeleton), task.device)
        supernet.load_state_dict(load_weights(task.folder / SUPERNET))
        return supernet.eval()
