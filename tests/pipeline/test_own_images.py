"""What a folder of one's own images suggests: settings of a small experiment, and a size; what is stated wins."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from PIL import Image

from dcanas.basics.resources import resource_folder
from dcanas.pipeline import own_images
from dcanas.pipeline.configure import composed, configured
from dcanas.pipeline.preset_files import presets
from dcanas.pipeline.settings import differences, store_settings, stored_settings


def folder(root: Path, *sizes: tuple[int, int], count: int = 6) -> dict[str, str]:
    """Write images of these sizes (width, height) for two classes, and return the settings that name their folder and
    start from nothing."""
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            Image.new("RGB", sizes[i % len(sizes)]).save(root / name / f"{i}.png")
    return {"data.root": str(root), "pretrained.name": "none"}


def made(choices: dict[str, str], stated: dict[str, object]) -> tuple[dict, list[str]]:
    return composed({"data": "folder", **choices}, stated)


def test_few_images_get_the_settings_of_the_small_experiment(tmp_path) -> None:
    values, notes = made({}, folder(tmp_path, (640, 300), (300, 400)))
    small = yaml.safe_load((resource_folder("conf") / "experiment" / "small_folder.yaml").read_text())
    for group in ("space", "search", "train"):
        assert {key: value for key, value in small[group].items() if key in values[group]}.items() <= \
            values[group].items()
    assert (values["search"]["name"], values["search"]["names"], values["search"]["tried_epochs"]) == (
        "zero_shot", ["prior"], 4)
    assert values["data"]["size"] == 32
    assert notes == [
        f"{tmp_path} holds 12 images, fewer than 20,000: what is not stated is as in experiment=small_folder.",
        "data.size=32: the images' median shorter side is 300 pixels, and at most 32 are used unless data.size states "
        "more."]


def test_a_setting_of_the_supernet_asks_for_it(tmp_path) -> None:
    values, notes = made({}, {**folder(tmp_path, (64, 64)), "search.epochs": 3})
    assert (values["search"]["name"], values["search"]["epochs"]) == ("differentiable", 3)
    assert notes[0] == "search.epochs is stated, which search=zero_shot does not read, so the search is differentiable."
    assert composed({}, {})[0]["search"]["name"] == "zero_shot"  # of the digits
    values, notes = composed({}, {"search.batch_size": 32, "search.epochs": 3})  # both read the first
    assert (values["search"]["name"], values["search"]["epochs"], len(notes)) == ("differentiable", 3, 1)
    values, _ = made({"search": "differentiable"}, folder(tmp_path, (64, 64)))
    assert (values["search"]["name"], values["search"]["epochs"]) == ("differentiable", 12)


@pytest.mark.parametrize(("space", "size"), [("darts", 32), ("fbnet", 24), ("mobilenetv2", 32), ("resnet", 32)])
def test_every_space_has_its_own_small_experiment(tmp_path, space, size) -> None:
    values, notes = made({"space": space}, folder(tmp_path, (640, 480), (300, 400)))
    assert values["data"]["size"] == size
    if space == "resnet":
        assert len(notes) == 1  # it has none: the size alone is inferred
        return
    small = presets({"experiment": f"small_folder_{space}"})
    assert values["train"]["epochs"] == small["train"]["epochs"]
    assert values["search"]["epochs"] == small["search"]["epochs"]
    assert values["space"] == values["space"] | small["space"]


def test_what_is_stated_wins(tmp_path) -> None:
    root = folder(tmp_path, (640, 480), (300, 400))
    values, notes = made({"search": "darts", "train": "darts_cifar"}, {**root, "space.final_skeleton.cells": 7})
    published = presets({"search": "darts", "train": "darts_cifar"})
    assert values["search"]["epochs"] == published["search"]["epochs"] == 50
    assert values["train"]["epochs"] == published["train"]["epochs"] == 600
    assert values["space"]["final_skeleton"] == {"channels": 16, "cells": 7}
    values, notes = made({}, {**root, "data.size": 48, "train.epochs": 3})
    assert (values["data"]["size"], values["train"]["epochs"], len(notes)) == (48, 3, 1)
    values, notes = made({"experiment": "small_folder_fbnet"}, root)
    assert (values["data"]["size"], notes) == (24, [])


@pytest.mark.parametrize(("sizes", "size"), [
    ([(28, 28)], None), ([(30, 20)], None),  # images of equal sizes are taken as they are
    ([(28, 28), (20, 20), (20, 30)], 20), ([(64, 64)], 32), ([(40, 20)], 20), ([(6, 6), (5, 5)], 8)])
def test_the_size_is_the_median_shorter_side(tmp_path, sizes, size) -> None:
    values, notes = made({}, folder(tmp_path, *sizes))
    assert values["data"]["size"] == size
    assert len(notes) == (1 if size is None else 2)


def test_many_images_keep_the_defaults_and_equal_ones_their_size(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(own_images, "SMALL", 12)
    values, notes = made({}, folder(tmp_path / "equal", (64, 64)))
    assert (values["data"]["size"], values["train"]["epochs"], notes) == (None, 25, [])
    values, notes = made({}, folder(tmp_path / "mixed", (64, 64), (50, 60)))
    assert (values["data"]["size"], values["train"]["epochs"], len(notes)) == (32, 25, 1)


def test_what_was_inferred_is_stored_and_a_change_of_the_folder_is_another_run(tmp_path) -> None:
    root = folder(tmp_path / "photos", (40, 20), (20, 24))
    first, _ = configured(*composed({"data": "folder"}, root))
    store_settings(tmp_path / "run", first)
    assert stored_settings(tmp_path / "run")["data"]["size"] == 20
    folder(tmp_path / "photos", (26, 30), (30, 28), count=9)
    again, _ = configured(*composed({"data": "folder"}, root))
    assert differences({"data": {"size": again.data.size}}, {"data": {"size": first.data.size}}) == {
        "data.size": "data.size: 20 there, 26 asked"}
    assert again.key != first.key


def test_a_folder_that_is_not_there_is_left_to_the_run(tmp_path) -> None:
    for stated in ({}, {"data.root": str(tmp_path / "nowhere")}):
        values, notes = made({}, stated)
        assert (values["data"]["size"], notes) == (None, [])
