"""Loss against a cost over the slices of one supernet: what other limits would leave."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from typing import Any

from dcanas.costs import Budget
from dcanas.costs.feasibility import select_costs
from dcanas.pretrained import PretrainedParts
from dcanas.search.halving.measured import expected_use
from dcanas.search.halving.nominate import AFTER_STAGE, nominate
from dcanas.search.slices.frames import Frame, frames_for
from dcanas.search.slices.programme import FrameLimits
from dcanas.search.slices.ways import Judge, option_scores
from dcanas.search.task import SearchTask, Target
from dcanas.spaces import Architecture
from dcanas.supernet import ElasticSupernet

SHARES = (1.0, 0.8, 0.63, 0.5, 0.4, 0.32, 0.25)  # of the limits, at which slices are looked for
SLICE = "slice"


def judged_slices(supernet: ElasticSupernet, task: SearchTask, target: Target, judge: Judge,
                  stored: MutableMapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return slices under shares of all limits of a device, and the cuts that compete with them.

    Args:
        judge: evaluates a slice with the weights that it inherits.
        stored: what `judge` returned, by notation; none is repeated.

    Returns:
        Rows of `architecture`, `kind` (`AFTER_STAGE` or `SLICE`), `loss` and `accuracy` (0 to 1) on the validation
        split, and every limited cost by its name.
    """
    assert isinstance(task.space, PretrainedParts)
    targets = [_tightened(target, share) for share in SHARES]
    frames = [frames_for(task.space, [expected_use(each)]) for each in targets]
    scores = option_scores(supernet, _distinct(frames), task)
    found: dict[Architecture, str] = {}
    for each, its_frames in zip(targets, frames, strict=True):
        found |= {nominee.architecture: AFTER_STAGE for nominee in nominate(task.space, expected_use(each), 0)}
        for frame in its_frames:
            for arch in FrameLimits(frame, each).best(scores[frame.stages]):
                found.setdefault(arch, SLICE)
    rows = []
    for done, (arch, kind) in enumerate(found.items(), start=1):
        text = task.space.format(arch)
        if text not in stored:
            stored[text] = judge(arch)
        task.hooks.progress(done, len(found), "slices judged")
        rows.append({"architecture": text, "kind": kind, "loss": stored[text]["validation_loss"],
                     "accuracy": stored[text]["validation_accuracy"],
                     **{cost.name: float(cost.value(arch)) for cost in select_costs(target.costs, target.budget)}})
    return rows


def _tightened(target: Target, share: float) -> Target:
    """Return a device with a share of each of its limits."""
    limits = {name: limit * share for name, limit in target.budget.items() if not name.endswith("_min")}
    return replace(target, budget=Budget(limits))


def _distinct(frames: Sequence[Sequence[Frame]]) -> list[Frame]:
    return list({(each.stages, each.side): each for some in frames for each in some}.values())
