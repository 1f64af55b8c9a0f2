"""Parts of real ImageNet weights against the package that publishes them."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet

from dcanas.basics.errors import UserError
from dcanas.pretrained import PretrainedSettings, load_pretrained, slice_state, start_from_slice
from dcanas.pretrained.layout import network_layout
from dcanas.spaces import load_space

MBCONV = load_space("mbconv")
LITE0 = ("t1c16n1s1k3", "t6c24n2s2k3", "t6c40n2s2k5", "t6c80n3s2k3", "t6c112n3s1k5", "t6c192n4s2k5", "t6c320n1s1k3")


@cache
def lite0():
    return load_pretrained(PretrainedSettings("efficientnet_lite0"))


def oracle(pixels: int):
    """The package's own network with its own weights, for images of this size."""
    network = EfficientNet.from_name("efficientnet-lite0", image_size=pixels)
    network.load_state_dict(torch.load(lite0().file.path, weights_only=True))
    return network.eval()


def built(text: str, pixels: int, channels: int = 3):
    network = MBCONV.build(MBCONV.parse(text), 10, channels, **lite0().skeleton).eval()
    network.side = pixels
    state = slice_state(lite0(), MBCONV.parse(text), channels)
    record = start_from_slice(network, lite0(), MBCONV.parse(text))
    assert all(torch.equal(network.state_dict()[name], value) for name, value in state.items())
    assert (record.sources, record.tensors, record.sha256) == (("efficientnet_lite0",), len(state), lite0().file.sha256)
    return network, [name for name in network.state_dict() if name not in state]


def features(network, images):
    """What goes into the pooling."""
    for block in network.blocks[:-1]:
        images = block(images)
    return images if network.head.conv is None else network.head.conv(images)


@pytest.mark.parametrize("pixels", [224, 48, 64, 97])
def test_the_whole_network_with_real_weights_answers_as_its_own_package(pixels):
    network = MBCONV.build(lite0().architecture, 1000, **lite0().skeleton).eval()
    network.side = pixels
    network.load_state_dict(lite0().state, strict=True)
    images = torch.randn(2, 3, pixels, pixels, generator=torch.Generator().manual_seed(pixels))
    with torch.inference_mode():
        ours, theirs = network(images), oracle(pixels)(images)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)
    assert float(theirs.std()) > 0.3  # these are no random weights


@pytest.mark.parametrize("text", [
    " | ".join(["r64-s32", *LITE0, "h1280"]),
    "r64-s8 | t1c8n1s1k3 | t2,-,6c16n2s2k5,-,3 | n0 | n0 | n0 | n0 | n0 | h0",
])
def test_names_and_shapes_are_those_of_the_built_network(text):
    network = MBCONV.build(MBCONV.parse(text), 7, 1)
    assert list(network_layout(MBCONV.chain(MBCONV.parse(text)), 1, 7).items()) == [
        (name, tuple(value.shape)) for name, value in network.state_dict().items()]


def test_everything_but_the_last_layer_is_taken_over():
    _, missing = built(MBCONV.format(lite0().architecture), 64)
    assert missing == ["head.linear.weight", "head.linear.bias"]


def test_a_network_without_its_last_stages_and_head_sees_what_the_package_s_sees_there():
    network, missing = built(" | ".join(["r64-s32", *LITE0[:5], "n0 | n0 | h0"]), 64)
    assert missing == ["head.linear.weight", "head.linear.bias"]
    theirs, images = oracle(64), torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        x = theirs._swish(theirs._bn0(theirs._conv_stem(images)))
        for block in theirs._blocks[:11]:  # 1 + 2 + 2 + 3 + 3
            x = block(x)
        torch.testing.assert_close(features(network, images), x, rtol=0, atol=1e-4)


def test_a_cut_network_s_own_head_starts_at_random():
    _, missing = built(" | ".join(["r64-s32", *LITE0[:5], "n0 | n0 | h1280"]), 64)
    assert all(name.startswith("head.") for name in missing)
    assert {"head.conv.0.weight", "head.linear.weight"} <= set(missing)


def test_absent_blocks_are_left_out_by_their_own_number():
    """Stage 4 without its second block, stage 6 without its second and last."""
    stages = [*LITE0[:3], "t6,-,6c80n2s2k3,-,3", LITE0[4], "t6,-,6c192n2s2k5,-,5", LITE0[6]]
    network, _ = built(" | ".join(["r64-s32", *stages, "h1280"]), 64)
    theirs, images = oracle(64), torch.randn(2, 3, 64, 64)
    blocks = [block for i, block in enumerate(theirs._blocks) if i not in (6, 12, 14)]  # stage 6: blocks 11 to 14
    with torch.inference_mode():
        x = theirs._swish(theirs._bn0(theirs._conv_stem(images)))
        for block in blocks:
            x = block(x)
        x = theirs._swish(theirs._bn1(theirs._conv_head(x)))
        torch.testing.assert_close(features(network, images), x, rtol=0, atol=1e-4)


def test_grey_images_are_seen_as_the_same_in_three_colours():
    text = " | ".join(["r64-s32", *LITE0[:5], "n0 | n0 | h0"])
    grey, colour = built(text, 64, channels=1)[0], built(text, 64)[0]
    images = torch.randn(2, 1, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(features(grey, images), features(colour, images.expand(-1, 3, -1, -1)), rtol=0,
                                   atol=1e-4)
    assert lite0().source.normalisation(1) == ((pytest.approx(127 / 255),), (pytest.approx(128 / 255),))


@pytest.mark.parametrize(("text", "said"), [
    (" | ".join(["r64-s16", *LITE0, "h1280"]), "is no part of efficientnet_lite0: that has a stem of 32 channels"),
    (" | ".join(["r64-s32", *LITE0[:3], "t6c80n3s2k5", *LITE0[4:], "h1280"]), "stage 4 has other widths"),
    (" | ".join(["r64-s32", "t2c16n1s1k3", *LITE0[1:], "h1280"]), "stage 1 has other widths"),
    (" | ".join(["r64-s32", *LITE0[:3], "t6c80n4s2k3", *LITE0[4:], "h1280"]), "stage 4 has other widths"),
    (" | ".join(["r64-s32", *LITE0[:5], "t6c192n4s1k5", LITE0[6], "h1280"]), "stage 6 has other widths"),
])
def test_what_is_no_part_of_the_network_is_refused(text, said):
    with pytest.raises(UserError, match=said):
        slice_state(lite0(), MBCONV.parse(text))


def test_a_slice_has_the_first_channels_and_the_centre_of_the_filters():
    text = " | ".join(["r64-s32", *LITE0[:2], "t6,3c40n2s2k3,5", *["n0"] * 4, "h0"])
    whole, part = lite0().state, slice_state(lite0(), MBCONV.parse(text))
    assert torch.equal(part["stages.2.0.depthwise.0.weight"], whole["stages.2.0.depthwise.0.weight"][:, :, 1:4, 1:4])
    assert torch.equal(part["stages.2.1.depthwise.0.weight"], whole["stages.2.1.depthwise.0.weight"][:120])  # 3 x 40
    assert torch.equal(part["stages.2.1.expand.0.weight"], whole["stages.2.1.expand.0.weight"][:120])
    assert torch.equal(part["stages.2.1.expand.1.running_var"], whole["stages.2.1.expand.1.running_var"][:120])
    assert torch.equal(part["stages.2.1.project.0.weight"], whole["stages.2.1.project.0.weight"][:, :120])
    assert torch.equal(part["stages.2.1.project.1.bias"], whole["stages.2.1.project.1.bias"])


def test_the_most_important_channels_come_first():
    """The block's own magnitudes: what writes a channel, what reads it, and the scale of its batch norm."""
    block = {name.removeprefix("stages.3.1."): value for name, value in lite0().state.items()
             if name.startswith("stages.3.1.")}
    importance = (block["expand.0.weight"].abs().sum((1, 2, 3)) + block["project.0.weight"].abs().sum((0, 2, 3))
                  ) * block["depthwise.1.weight"].abs()
    assert torch.equal(importance, importance.sort(descending=True).values)
    assert importance[0] > 2 * importance[-1]  # so it matters
