"""Search among the parts of a pretrained network: those nearest below the limits are fine-tuned, and the best stays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.fan_out.fan_out import fan_out
from dcanas.basics.files import write_json
from dcanas.basics.keys import plain
from dcanas.basics.ledger import Ledger
from dcanas.pretrained import PretrainedParts
from dcanas.search.derive import Derived, costs_of
from dcanas.search.finalists import none_kept
from dcanas.search.halving.control import weights_help
from dcanas.search.halving.measured import nominees_within
from dcanas.search.halving.nominate import Nominee, stage_cuts
from dcanas.search.halving.rungs import FineTuning, Tuning, halve, rungs, stored_as
from dcanas.search.methods import SearchMethod
from dcanas.search.task import SearchTask, Target
from dcanas.spaces import Space


class HalvingSearch(SearchMethod):
    """Parts of a pretrained network, chosen by successive halving of real fine-tunings under each device's limits."""

    results: tuple[str, ...] = ("halving.json",)
    scores_final_networks = True
    read_beside = ("train.", "seed")

    def check(self, space: Space, settings: Any) -> None:
        if not isinstance(space, PretrainedParts):
            raise UserError(f'search={settings.name} fine-tunes parts of a pretrained network, and this run has none: '
                            'pip install "dcanas[pretrained]", or give pretrained=NAME or pretrained.file=FILE with '
                            "space=mbconv; or choose another search.")

    def key(self, task: SearchTask) -> Sequence[Any]:
        return [task.skeleton, plain(task.settings), task.recipe, task.recipe.files(),
                [_asked(target) for target in task.targets]]

    def effort(self, task: SearchTask, macs: float) -> float:
        assert isinstance(task.space, PretrainedParts)
        plan = rungs(task.settings, max(task.settings.candidates, stage_cuts(task.space)), task.recipe.epochs)
        before, epochs = 0, 0
        for count, trained in plan:
            epochs, before = epochs + count * (trained - before), trained
        return float(len(task.targets) * epochs * macs)

    def run(self, task: SearchTask) -> dict[str, Any]:
        return {"targets": {target.name: self._choose(task, target, task.folder) for target in task.targets}}

    def derive(self, task: SearchTask, target: Target, found: dict[str, Any], folder: Path) -> Derived:
        made = found["targets"].get(target.name)
        if made is None or made["asked"] != plain(_asked(target)):  # another device or limit than the search was for
            made = self._choose(task, target, folder)
        space = task.space
        arch, kinds = space.parse(made["architecture"]), {row["architecture"]: row for row in made["nominees"]}
        last = {row["architecture"]: {**row, "epochs": rung["epochs"]} for rung in made["rungs"]
                for row in rung["networks"]}
        write_json(folder / "pool.json", [
            {"architecture": text, "score": row["validation_accuracy"], "origin": kinds[text]["kind"],
             "costs": {cost.name: cost.value(space.parse(text)) for cost in target.costs}}
            for text, row in last.items()])
        return Derived(arch, costs_of(arch, target.costs), {
            "method": "successive halving of fine-tunings", "pool": len(made["nominees"]),
            "decided_by": "accuracy on the validation split after fine-tuning" if len(made["nominees"]) > 1
            else "only one candidate left",
            "scored_by": "validation accuracy", "control": made["control"],
            "tuned": [{**row, "kind": kinds[text]["kind"]} for text, row in last.items()],
            "refused_by_measurement": made["refused_by_measurement"]})

    def _choose(self, task: SearchTask, target: Target, folder: Path) -> dict[str, Any]:
        """Return the network for one device, the nominees and the rungs; all fine-tunings are kept in `folder`."""
        space = task.space
        assert isinstance(space, PretrainedParts)
        nominees, refused = self._nominees(task, target, folder)
        if refused and not nominees:
            raise none_kept(refused, "choose a smaller pretrained network")
        if not nominees:
            raise UserError(f"No cut of {space.pretrained.source.name}, with at most one block left out, is within the "
                            f"budget of {target.name}: loosen the tightest limit, or choose search=random, which "
                            "leaves out more blocks.")
        tuning = FineTuning.of(task, folder / "fine-tuning")
        plan = rungs(task.settings, len(nominees), task.recipe.epochs)
        stored = Ledger(folder / "fine-tunings.json")
        best, made = halve([nominee.architecture for nominee in nominees], plan, tuning.together(task), space.format,
                           stored, tuning.drop)
        control = self._control(task, tuning, space.format(best), stored)
        tuning.drop(best)
        task.hooks.message(control["text"])
        return {"architecture": space.format(best), "control": control, "asked": plain(_asked(target)), "rungs": made,
                "nominees": [{"architecture": space.format(each.architecture), "kind": each.kind, "use": each.use}
                             for each in nominees], "refused_by_measurement": refused}

    def _nominees(self, task: SearchTask, target: Target,
                  folder: Path) -> tuple[Sequence[Nominee], list[dict[str, Any]]]:
        """Return the networks to fine-tune for one device, and those that a measurement refused."""
        assert isinstance(task.space, PretrainedParts)
        return nominees_within(task.space, target, task.settings.candidates, task.hooks)

    def _control(self, task: SearchTask, tuning: FineTuning, best: str, stored: Ledger) -> dict[str, Any]:
        """Return whether the weights help on these images (see `weights_help`), by the chosen network's first rung."""
        epochs = min(task.settings.first_epochs, task.recipe.epochs)
        first = stored_as(best, epochs)
        key = f"{first}, random weights"
        if key not in stored:
            control = Tuning(task.space.parse(best), epochs, random=True)
            for _, found in fan_out(task.engine, tuning, {key: control}, tuning.folder, task.hooks,
                                    "trainings from random weights", device=str(task.device)):
                stored[key] = found
        return weights_help(stored[first]["validation_accuracy"], stored[key]["validation_accuracy"],
                            len(task.dataset.validation), epochs)


def _asked(target: Target) -> list[Any]:
    """Return everything of a device that the choice depends on."""
    devices = [source.device for source in target.latency.by_cost.values()]
    return [target.name, dict(target.budget), target.dtype, target.latency.kinds, [plain(each) for each in devices[:1]]]
