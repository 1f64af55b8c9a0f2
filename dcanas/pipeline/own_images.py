"""Settings that suit the user's own images: their number and sizes decide settings that are not stated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dcanas.basics.mapping import flattened, from_mapping
from dcanas.basics.typed_path import typed_path
from dcanas.pipeline.asked_search import with_supernet
from dcanas.pipeline.auto_space import PHOTOS, auto_space, starts_from_weights
from dcanas.pipeline.preset_files import preset_names, presets
from dcanas.training.folder import INFERRED_SIDE, ImageFacts, describe_folder, inferred_side
from dcanas.training.spec import DataSpec

SEEN, EPOCHS = 40_000, (32, 128)  # images that a fine-tuning sees at least, within these epochs (docs/results.md)
SUPERNET_SIDE = 128  # pixels: the largest resolution of the elastic supernet of mbconv
SIZELESS = ("params", "weight_bytes", "flash_bytes")  # costs that are the same for images of any size
SMALL = 20_000  # images: fewer take the settings of a small experiment


def suit_images(presets_of: Mapping[str, Any], choices: Mapping[str, str], data: Mapping[str, Any],
                changes: Mapping[str, Any], facts: ImageFacts | None = None,
                auto: bool = True) -> tuple[dict[str, Any], list[str]]:
    """Return what the presets state with what suits the images, and a sentence on each thing that was inferred.

    Args:
        presets_of: what the presets of `choices` state.
        changes: dotted key -> value, as the user states it.
        data: settings of the data, those that the user states included.
        facts: number and sizes of images in memory; those of a folder are read here.
        auto: whether the space may be that of photographs (see `auto_space`).

    Raises:
        UserError: the images cannot be used, see `describe_folder`.
    """
    root = data.get("root")
    supernet, notes = with_supernet(choices, changes)
    if data["name"] == "folder" and isinstance(root, str) and typed_path(root).is_dir():
        facts = describe_folder(from_mapping(DataSpec, data, "data"))
    if facts is None:
        return presets(supernet), notes  # a folder that is not there is refused when the run begins
    where = root or "The data set"
    space, why = auto_space(choices, changes, facts, changes.get("device", "local-cpu")) if auto else (None, "")
    if space is not None or starts_from_weights(presets_of, changes):
        return _from_weights(where, facts, choices, changes)
    notes = [why] if why else notes
    choices, values = supernet, presets(supernet)
    space = values["space"]["name"]
    experiment = "small_folder" if space == "nasbench201" else f"small_folder_{space}"
    small = facts.images < SMALL and choices.get("experiment", "null") == "null"
    if small and experiment in preset_names("experiment"):
        values = presets(choices, experiment)
        notes.append(f"{where} holds {facts.images:,} images, fewer than {SMALL:,}: what is not "
                     f"stated is as in experiment={experiment}.")
    if data.get("size") is None:
        most = values["data"].get("size") or (SUPERNET_SIDE if space == PHOTOS else INFERRED_SIDE)
        side = inferred_side(facts.shorter_side, most)
        own = facts.size is not None and (not small or max(facts.size) <= most)
        values["data"] = {**values["data"], "size": None if own else side}
        if not own:
            notes.append(f"data.size={side}: the images' median shorter side is {facts.shorter_side} pixels, and at "
                         f"most {most} are used unless data.size states more.")
    return values, notes


def _from_weights(where: str, facts: ImageFacts, choices: Mapping[str, str],
                  changes: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the settings and the sentences of a run that starts from pretrained weights."""
    values = presets({**choices, "space": PHOTOS})
    notes = [f"{where} holds {facts.images:,} images: what is not stated is as in space={PHOTOS}, which starts from "
             "pretrained weights."]
    epochs = max(EPOCHS[0], min(EPOCHS[1], math.ceil(SEEN / facts.images)))
    if "train" not in choices and "train.epochs" not in changes and epochs > values["train"]["epochs"]:
        values["train"] = {**values["train"], "epochs": epochs}
        notes.append(f"train.epochs={epochs}: so few images have to be seen more often.")
    limited = [key for key, _ in flattened(changes) if key.partition(".")[0] in ("budget", "default_budget")]
    most = values["default_budget"]["macs"]
    if not limited:
        notes.insert(0, f"No budget is stated, so macs is limited to {most:,}, about a millisecond of one core of a "
                        "PC: state what the device can do, such as budget.latency_ms=2, or budget=none.")
    elif all(key.removeprefix("budget.") in SIZELESS for key in limited):
        values["budget"] = {"macs": most}
        notes.insert(0, f"{' and '.join(limited)} {'say' if len(limited) > 1 else 'says'} nothing about the size of "
                        f"images, so macs is limited to {most:,}, too, about a millisecond of one core of a PC; "
                        "budget.macs states another limit.")
    return values, notes
