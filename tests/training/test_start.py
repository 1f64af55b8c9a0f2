"""Given weights and frozen parameters: taken over by name and shape, told what was not, refused where nothing fits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import models

from dcanas.basics.errors import UserError
from dcanas.export.classifier import Classifier, Normalise
from dcanas.spaces import load_space
from dcanas.training import DataSpec, Recipe, load_data, train
from dcanas.training.checks import check_recipe
from dcanas.training.start import freeze, freeze_running_stats, start_from
from tests.pretrained.foreign import lite, timm_lite0

ONCE = Recipe(epochs=1, batch_size=64, learning_rate=0.1, warmup_epochs=0, crop_padding=0)


@pytest.fixture(scope="module")
def data():
    return load_data(DataSpec())


def classifier(classes: int = 10) -> Classifier:
    network = nn.Sequential()
    network.add_module("stem", nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4)))
    network.add_module("flat", nn.Flatten())
    network.add_module("head", nn.Linear(4 * 36, classes))
    return Classifier(Normalise([0.3], [0.2]), network)


def saved(path, state) -> str:
    torch.save(state, path)
    return str(path)


def test_weights_of_a_run_are_taken_over_but_not_its_normalisation(tmp_path):
    source, target = classifier(), classifier()
    source.normalise.mean.fill_(0.7)
    path = saved(tmp_path / "weights.pt", source.state_dict())
    assert start_from(target, path) is None
    for name, value in target.network.state_dict().items():
        assert torch.equal(value, source.network.state_dict()[name]), name
    assert float(target.normalise.mean) == pytest.approx(0.3)


def test_a_file_of_torchvision_fits_and_the_answers_are_equal(tmp_path):
    torch.manual_seed(0)
    source = models.mobilenet_v2(weights=None, num_classes=10).eval()
    path = saved(tmp_path / "mobilenet.pth", {f"module.{name}": v for name, v in source.state_dict().items()})
    target = Classifier(Normalise([0.0] * 3, [1.0] * 3), models.mobilenet_v2(weights=None, num_classes=10)).eval()
    assert start_from(target, path) is None
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(target(images), source(images), rtol=0, atol=1e-5)


def test_what_does_not_fit_is_told_both_ways(tmp_path):
    source, target = classifier(classes=7), classifier()
    head = target.network.head.weight.clone()
    state = {name: value for name, value in source.state_dict().items() if name != "network.stem.1.bias"}
    path = saved(tmp_path / "other.pt", {**state, "extra.weight": torch.ones(2)})
    told = start_from(target, path)
    assert told == (f"train.init={path}: 5 weights taken over; "
                    "2 have another shape (head.weight (7, 144) for (10, 144), head.bias (7,) for (10,)); "
                    "1 are not in the file and start at random (stem.1.bias); "
                    "1 of the file have no place in the network (extra.weight).")
    assert torch.equal(target.network.head.weight, head)
    assert torch.equal(target.network.stem[0].weight, source.network.stem[0].weight)


def mbconv(text: str, **skeleton) -> Classifier:
    space = load_space("mbconv")
    return Classifier(Normalise([0.5] * 3, [0.5] * 3), space.build(space.parse(text), 10, **skeleton))


@pytest.mark.parametrize(("state", "said"), [
    (lambda: lite(0).state_dict(), "The weights of efficientnet_lite0 are meant for padding=same (here torch), "
     "epsilon=0.001 (here 1e-05): set this in space.final_skeleton. "),
    (lambda: {f"module.model.{name}": value for name, value in timm_lite0().items()}, ""),  # timm's own pads as torch
])
def test_weights_of_other_libraries_fit_what_is_left_of_their_network(tmp_path, state, said):
    path = saved(tmp_path / "lite0.pth", state())
    target = mbconv("r224-s32 | t1c16n1s1k3 | t6c24n2s2k3 | n0 | n0 | n0 | n0 | n0 | h0")
    remark = start_from(target, path)
    # 6 tensors of the stem, 12 of the first block, 18 of each other; a bias is nothing without its weight
    assert remark.startswith(f"{said}train.init={path}: 54 weights taken over; 1 have another shape (head.linear.weigh")
    theirs = lite(0)
    torch.testing.assert_close(target.network.stages[1][1].project[0].weight, theirs._blocks[2]._project_conv.weight)
    torch.testing.assert_close(target.network.stem[1].running_mean, theirs._bn0.running_mean)


def test_a_block_behind_an_absent_one_starts_from_its_own_place(tmp_path):
    target = mbconv("r224-s32 | t1c16n1s1k3 | t6c24n2s2k3 | t6c40n2s2k5 | t6,-,6c80n2s2k3 | n0 | n0 | n0 | h0",
                    padding="same", epsilon=1e-3)
    theirs = lite(0)
    remark = start_from(target, saved(tmp_path / "lite0.pth", theirs.state_dict()))
    assert ": 126 weights taken over; 1 have another shape" in remark  # 6 + 12 + 6 x 18
    for number, block in enumerate((5, 7)):  # 1 + 2 + 2 before them; 6 is absent
        torch.testing.assert_close(target.network.stages[3][number].project[0].weight,
                                   theirs._blocks[block]._project_conv.weight)


@pytest.mark.parametrize(("content", "said"), [
    ({"a.weight": torch.ones(1)}, r"Nothing in .* fits this network: it holds 1 names \(a\.weight\), the network 8 "),
    ({"stem.1.running_mean": torch.zeros(4)}, "Nothing in .* fits"),  # statistics alone are no weights
    ([torch.ones(1)], "holds no state dict"),
    ({"a": 3}, "holds no state dict"),
])
def test_files_that_are_of_no_use_are_refused(tmp_path, content, said):
    with pytest.raises(UserError, match=said):
        start_from(classifier(), saved(tmp_path / "x.pt", content))


def test_a_pickle_is_not_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("executed",))

    with pytest.raises(UserError, match="not a whole file of weights"):
        start_from(classifier(), saved(tmp_path / "evil.pt", {"w": Evil()}))


def test_unfit_weights_are_refused_before_anything_is_spent(data, tmp_path):
    path = saved(tmp_path / "nan.pt", {"stem.0.weight": torch.full((4, 1, 3, 3), float("nan"))})
    with pytest.raises(UserError, match=r"stem\.0\.weight in .*nan\.pt holds numbers that are not finite"):
        check_recipe(Recipe(init=path), data, {})


def test_training_starts_from_the_file_and_its_content_is_part_of_the_key(data, tmp_path):
    torch.manual_seed(1)
    path = saved(tmp_path / "init.pt", classifier().state_dict())
    recipe = dataclasses.replace(ONCE, init=path)
    trained = []
    for seed in (2, 3):  # whatever the network had before
        torch.manual_seed(seed)
        model = classifier()
        train(model, data, data.train[:128], recipe, 0, folder=tmp_path / f"run-{seed}")
        trained.append(model.state_dict())
    for name in trained[0]:
        assert torch.equal(trained[0][name], trained[1][name]), name
    assert recipe.files() != [] == ONCE.files()
    before = recipe.files()
    torch.manual_seed(4)
    saved(tmp_path / "init.pt", classifier().state_dict())
    assert recipe.files() != before
    with pytest.raises(UserError, match="belong to other settings"):
        train(classifier(), data, data.train[:128], recipe, 0, folder=tmp_path / "run-2")
    (tmp_path / "init.pt").unlink()
    with pytest.raises(UserError, match=r"train\.init=.* is not a file; give the path"):
        recipe.files()


def test_a_mismatch_is_a_warning_of_the_training(data, tmp_path):
    path = saved(tmp_path / "init.pt", classifier(classes=7).state_dict())
    with pytest.warns(UserWarning, match="2 have another shape"):
        train(classifier(), data, data.train[:64], dataclasses.replace(ONCE, init=path), 0)


def test_what_is_frozen_stays_with_its_statistics(data):
    torch.manual_seed(0)
    model = classifier()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train(model, data, data.train[:256], dataclasses.replace(ONCE, freeze=("stem.*",), decay_all=True), 0)
    after = model.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed == {"network.head.weight", "network.head.bias"}


def test_a_batch_norm_of_which_a_part_trains_keeps_learning_its_statistics():
    model = classifier()
    freeze(model, ["stem.1.bias"])
    freeze_running_stats(model.train())
    assert model.network.stem[1].training
    freeze(model, ["*.1.weight"])
    freeze_running_stats(model.train())
    assert not model.network.stem[1].training


@pytest.mark.parametrize(("patterns", "said"), [
    (["stem.*", "body.*"], r"train\.freeze: no parameter is called 'body\.\*'; there are 5 names \(stem\.0\.weight"),
    (["*"], r"train\.freeze=\[\*\] leaves nothing to train"),
])
def test_patterns_that_make_no_sense_are_refused(patterns, said):
    with pytest.raises(UserError, match=said):
        freeze(classifier(), patterns)


def test_the_hash_is_of_the_content(tmp_path):
    one, two = tmp_path / "one.pt", tmp_path / "two.pt"
    for path in (one, two):
        path.write_bytes(np.arange(100).tobytes())
    assert Recipe(init=str(one)).files() == Recipe(init=str(two)).files()
