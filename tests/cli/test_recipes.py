"""Published recipes and experiments: they compose, say how to run them, and hold the published numbers."""

from __future__ import annotations

import pytest

from dcanas.basics.resources import resource_folder
from dcanas.cli.compose import configure
from dcanas.pipeline.preset_files import preset_names as choices
from dcanas.training import Recipe

PUBLISHED = {  # the numbers of papers and scripts, not of our files
    "nasbench201": {"epochs": 200, "batch_size": 256, "learning_rate": 0.1, "nesterov": True, "momentum": 0.9,
                    "weight_decay": 5e-4, "label_smoothing": 0.0},
    "darts_cifar": {"epochs": 600, "batch_size": 96, "learning_rate": 0.025, "momentum": 0.9, "weight_decay": 3e-4,
                    "cutout": 0.5, "auxiliary_weight": 0.4, "drop_path": 0.2, "clip_norm": 5.0, "nesterov": False},
    "darts_imagenet": {"epochs": 250, "batch_size": 128, "learning_rate": 0.1, "weight_decay": 3e-5,
                       "label_smoothing": 0.1, "auxiliary_weight": 0.4, "clip_norm": 5.0, "drop_path": 0.0},
    "pcdarts_imagenet": {"epochs": 250, "batch_size": 1024, "learning_rate": 0.5, "weight_decay": 3e-5,
                         "warmup_epochs": 5, "label_smoothing": 0.1, "auxiliary_weight": 0.4, "clip_norm": 5.0},
    "fbnet_imagenet": {"epochs": 360, "batch_size": 256, "learning_rate": 0.1, "weight_decay": 4e-5},
    "wrcor_imagenet": {"epochs": 480, "batch_size": 256, "learning_rate": 0.1, "weight_decay": 4e-5, "mixup": 0.4,
                       "label_smoothing": 0.1, "clip_norm": 5.0, "erasing": 0.5},
}
SCHEDULES = {"darts_imagenet": ("step", 0.97, 1), "pcdarts_imagenet": ("linear", 0.97, 1),
             "fbnet_imagenet": ("step", 0.1, 90)}


def recipe(name: str) -> Recipe:
    return configure([f"train={name}", "data=cifar10"])[0].train


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_recipe_has_the_published_numbers(name):
    found = recipe(name)
    assert {key: getattr(found, key) for key in PUBLISHED[name]} == PUBLISHED[name]
    assert found.decay_all  # all of them decay every parameter
    schedule = found.schedule
    assert (schedule.kind, schedule.factor, schedule.every_epochs) == SCHEDULES.get(name, ("cosine", 0.97, 1))
    assert schedule.learning_rate_min == 0
    assert found.crop_padding == (0 if name.endswith("_imagenet") else None)
    assert bool(found.crop_scale) == name.endswith("_imagenet")


def test_rates_of_the_published_schedules():
    darts, pcdarts, fbnet = (recipe(f"{name}_imagenet") for name in ("darts", "pcdarts", "fbnet"))
    assert darts.rate(249 * 100, 100) == pytest.approx(0.1 * 0.97**249)
    assert pcdarts.rate(5 * 100, 100) == 0.5
    assert pcdarts.rate(250 * 100, 100) == pytest.approx(0)
    assert [fbnet.rate(epoch * 100, 100) for epoch in (0, 89, 90, 180, 359)] == pytest.approx(
        [0.1, 0.1, 0.01, 1e-3, 1e-4])


def test_the_teacher_and_colours_of_wrcor():
    found = recipe("wrcor_imagenet")
    assert (found.distillation.teacher, found.distillation.weight) == ("resnet152", 1.0)
    colour = found.colour
    assert (colour.brightness, colour.contrast, colour.saturation, colour.hue, colour.lighting,
            colour.auto_augment) == (0.4, 0.4, 0.4, 0.2, 0.1, "imagenet")


def test_quick_is_the_default_recipe_written_out():
    assert recipe("quick") == configure(["data=cifar10"])[0].train
    assert recipe("quick") == Recipe()


@pytest.mark.parametrize("group", ["train", "experiment"])
def test_each_file_says_its_command_on_the_first_line(group):
    assert len(choices(group)) >= 7
    for name in choices(group):
        first, second, *_ = (resource_folder("conf") / group / f"{name}.yaml").read_text().splitlines()
        assert first.startswith("# dcanas run"), name
        if name not in ("quick", "debug") and not name.startswith("small_folder"):  # published: their source
            assert second.startswith("# "), name
        arguments = first.partition(":")[0].split()[3:]
        if group == "experiment":
            assert arguments[0] == f"experiment={name}"


@pytest.mark.parametrize("name", choices("experiment"))
def test_every_experiment_composes(name):
    path = resource_folder("conf") / "experiment" / f"{name}.yaml"
    based = [path.with_name(f"{line.strip(' -')}.yaml") for line in path.read_text().splitlines()
             if line.startswith("  - _") and line.strip(" -") != "_self_"]
    wanted = {group: line.split(":")[1].strip() for file in (*based, path) for line in file.read_text().splitlines()
              for group in ("space", "data", "train") if f"override /{group}:" in line}
    for group, choice in wanted.items():
        if choice not in choices(group):
            pytest.skip(f"{group}={choice} is not here yet")
    settings, _ = configure([f"experiment={name}", "train.epochs=3"])
    assert settings.train.epochs == 3  # the command line has the last word
    assert settings.space.name == wanted.get("space", settings.space.name)
    assert settings.data.name == wanted["data"]
    if "train" in wanted:
        assert settings.train == configure([f"train={wanted['train']}", f"data={wanted['data']}",
                                            "train.epochs=3"])[0].train
    if settings.train.auxiliary_weight:
        assert settings.space.final_skeleton["auxiliary"] is True


def test_an_experiment_can_be_none_and_an_unknown_one_is_refused(dcanas):
    assert configure(["experiment=null"])[0] == configure([])[0]
    for group, typed, meant in (("experiment", "darts_cifar", "darts_cifar10"), ("train", "darts_cifr", "darts_cifar")):
        answer = dcanas("run", f"{group}={typed}")
        assert (answer.code, answer.err) == (2, f"dcanas: Unknown {group} {typed!r}; did you mean {meant!r}?\n")
