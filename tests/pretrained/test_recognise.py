"""Files of other libraries are recognised by names and shapes, and give the answers of their own networks."""

from __future__ import annotations

import pytest
import torch
from torchvision import models

from dcanas.basics.errors import UserError
from dcanas.export.random_statistics import with_random_statistics
from dcanas.pretrained import SOURCES, best_fits, read_weights, recognise
from dcanas.spaces import load_space
from dcanas.spaces.mbconv_published import published
from tests.pretrained.foreign import lite, saved, timm_lite0, torchvision_network

MBCONV = load_space("mbconv")


def answers(found, images):
    """Return what our network says with everything that was recognised, the last layer included."""
    network = MBCONV.build(found.architecture, 10, reference=images.shape[-1] * 224 //
                           MBCONV.chain(found.architecture).resolution + 1, **found.source.skeleton).eval()
    network.side = images.shape[-1]
    network.load_state_dict(found.state, strict=True)
    return network(images)


def test_names_and_libraries_tell_sources_apart():
    assert len({(source.name, source.library) for source in SOURCES}) == len(SOURCES)


@pytest.mark.parametrize("source", [s for s in SOURCES if s.library != "timm"], ids=lambda s: s.name)
def test_the_table_says_of_the_skeleton_what_the_published_network_says(source):
    assert source.skeleton.items() <= published(source.network)[1].items()


@pytest.mark.parametrize(("make", "name"), [
    (lambda: torchvision_network("mobilenet_v2"), "mobilenet_v2"),
    (lambda: torchvision_network("mobilenet_v2", width_mult=0.35), "mobilenet_v2"),
    (lambda: torchvision_network("mobilenet_v2", width_mult=0.6), "mobilenet_v2"),
    (lambda: torchvision_network("mnasnet0_5"), "mnasnet0_5"),
    (lambda: torchvision_network("mnasnet1_0"), "mnasnet1_0"),
    (lambda: lite(0), "efficientnet_lite0"),
    (lambda: lite(2), "efficientnet_lite2"),
])
def test_a_library_s_file_gives_the_answers_of_its_own_network(tmp_path, make, name):
    theirs = make()
    found = recognise(read_weights(saved(tmp_path / "w.pt", theirs.state_dict())))
    assert (found.source.name, found.share) == (name, 1.0)
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(answers(found, images), theirs(images), rtol=1e-4, atol=1e-4)


def test_two_networks_of_one_shape_must_be_named(tmp_path):
    file = read_weights(saved(tmp_path / "w.pt", {f"module.{name}": v for name, v in timm_lite0().items()}))
    with pytest.raises(UserError, match=r"may be of efficientnet_lite0 or tf_efficientnet_lite0: .*pretrained\.name"):
        recognise(file)
    by_name = {name: recognise(file, name) for name in ("efficientnet_lite0", "tf_efficientnet_lite0")}
    assert {name: (found.source.name, found.source.library) for name, found in by_name.items()} == {
        name: (name, "timm") for name in by_name}
    ours, tf = by_name.values()
    assert (ours.source.skeleton["padding"], ours.source.mean[0]) == ("torch", 0.485)
    assert (tf.source.skeleton["padding"], tf.source.mean[0]) == ("same", 0.5)
    images, theirs = torch.randn(2, 3, 64, 64), lite(0)
    with torch.inference_mode():  # lite(0) pads as TensorFlow does
        torch.testing.assert_close(answers(tf, images), theirs(images), rtol=1e-4, atol=1e-4)
    with pytest.raises(UserError, match=r"is of efficientnet_lite0 or tf_efficientnet_lite0, not of mobilenet_v2; "):
        recognise(file, "mobilenet_v2")


@pytest.mark.slow
@pytest.mark.parametrize("source", [s for s in SOURCES if s.library == "timm"], ids=lambda s: s.name)
def test_timm_itself_answers_the_same_and_normalises_as_the_table_says(tmp_path, source):
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    theirs = with_random_statistics(timm.create_model(source.name, num_classes=10)).eval()
    found = recognise(read_weights(saved(tmp_path / "w.pt", theirs.state_dict())), source.name)
    assert (found.source, found.share) == (source, 1.0)
    assert (theirs.default_cfg["mean"], theirs.default_cfg["std"]) == (source.mean, source.deviation)
    if source.name == "efficientnet_lite0":
        assert list(theirs.state_dict()) == list(timm_lite0())
    for pixels in (64, 97):
        images = torch.randn(2, 3, pixels, pixels)
        with torch.inference_mode():
            torch.testing.assert_close(answers(found, images), theirs(images), rtol=1e-4, atol=1e-4)


def test_a_part_of_a_file_is_refused_with_the_network_that_it_seems_to_be_of(tmp_path):
    first = tuple(f"_blocks.{number}." for number in range(6))
    state = {name: value for name, value in lite(0).state_dict().items() if name.startswith(first)}
    file = read_weights(saved(tmp_path / "w.pt", state))
    with pytest.raises(UserError, match=r"seems to be of efficientnet_lite0, but holds only 3 % of the parameters"):
        recognise(file)
    assert [fit.source.name for fit in best_fits(file)] == ["efficientnet_lite0"]


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "resnet18"])
def test_an_unknown_network_is_refused(tmp_path, name):
    file = read_weights(saved(tmp_path / "w.pt", models.get_model(name).state_dict()))
    with pytest.raises(UserError, match=r"is of no known network: it holds \d+ names .*known are the weights of effic"):
        recognise(file)
    assert best_fits(file) == []
