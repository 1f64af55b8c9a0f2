"""MobileNetV2's macro space against torchvision, torch's counter, ONNX Runtime and its own rules."""

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import models

from dcanas.basics.errors import UserError
from dcanas.costs import count_architecture, count_network
from dcanas.export import export_onnx
from dcanas.export.classifier import Classifier, Normalise
from dcanas.export.parity import check_parity
from dcanas.export.random_statistics import with_random_statistics
from dcanas.export.stored_bytes import peak_live_bytes, stored_weight_bytes
from dcanas.pretrained import read_weights, recognise
from dcanas.spaces import NotationError, load_space
from dcanas.training.data import preprocessing, refit
from dcanas.training.start import start_from

SPACE = load_space("mobilenetv2")
THOROUGH = (pytest.mark.slow, pytest.mark.thorough)
STANDARD = ("r224-s32 | t1c16n1s1k3 | t6c24n2s2k3 | t6c32n3s2k3 | t6c64n4s2k3 | t6c96n3s1k3 | t6c160n3s2k3 | "
            "t6c320n1s1k3 | h1280")
CIFAR = {"stem": "cifar", "reference": 32}
SEEDS = st.integers(0, 2**32 - 1)


def drawn(count, seed=0):
    rng = np.random.default_rng(seed)
    return [SPACE.sample(rng) for _ in range(count)]


def test_the_published_network_is_a_member_with_the_published_counts():
    arch = SPACE.parse(STANDARD)
    assert arch == SPACE.width_multiple(1.0)
    assert SPACE.is_member(arch)
    counts = count_architecture(SPACE, arch, (3, 224, 224), 1000)
    assert counts.params == 3_504_872  # torchvision's published number
    assert counts.macs == 300_774_272  # torch's flop counter on torchvision's model, halved (tested below)


@pytest.mark.parametrize("width", [0.35, 1.0,
                                   *(pytest.param(w, marks=THOROUGH) for w in (0.25, 0.5, 0.75, 1.4))])
def test_torchvisions_weights_give_torchvisions_answers(width, tmp_path):
    torch.manual_seed(0)
    theirs = with_random_statistics(models.mobilenet_v2(width_mult=width, num_classes=20)).eval()
    arch = SPACE.width_multiple(width)
    ours = SPACE.build(arch, 20, reference=96).eval()
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    ours.load_state_dict(recognise(read_weights(tmp_path / "weights.pth")).state, strict=True)
    images = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        assert torch.allclose(ours(images), theirs(images), atol=1e-5)
    assert count_architecture(SPACE, arch, (3, 224, 224), 20) == count_network(theirs, (3, 224, 224))


def test_a_training_starts_from_torchvisions_file_as_it_is(tmp_path):
    """All but the classifier, which has 1,000 classes there and ten here; what comes before it is torchvision's."""
    theirs = with_random_statistics(models.mobilenet_v2()).eval()
    torch.save(theirs.state_dict(), tmp_path / "mobilenet_v2.pth")
    network = SPACE.build(SPACE.width_multiple(1.0), 10, reference=64)
    model = Classifier(Normalise([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), network).eval()
    told = start_from(model, str(tmp_path / "mobilenet_v2.pth"))
    assert told.endswith("/mobilenet_v2.pth: 312 weights taken over; 2 have another shape (head.linear.weight "
                         "(1000, 1280) for (10, 1280), head.linear.bias (1000,) for (10,)).")
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        features = theirs.features(model.normalise(images)).mean((2, 3))
        torch.testing.assert_close(network.head.conv(body(network, model.normalise(images))).mean((2, 3)), features,
                                   rtol=0, atol=1e-5)


def body(network, x):
    """What goes into the head."""
    for block in network.blocks[:-1]:
        x = block(x)
    return x


def test_weights_of_another_family_are_no_torchvision_mobilenetv2(tmp_path):
    torch.save(models.mobilenet_v3_small(num_classes=10).state_dict(), tmp_path / "v3.pth")
    with pytest.raises(UserError, match=r"Nothing in .*v3.pth fits this network: it holds .* \(features.0.0.weight"):
        start_from(SPACE.build(SPACE.width_multiple(1.0), 10), str(tmp_path / "v3.pth"))


def test_a_width_without_options_is_refused():
    with pytest.raises(UserError, match=r"of width 2 is no member of mobilenetv2: .*expected 8 to 512 in steps of 8, "
                                        "found 640"):
        SPACE.width_multiple(2.0)


@pytest.mark.parametrize("count", [2, pytest.param(50, marks=THOROUGH)])
@pytest.mark.parametrize(("skeleton", "shape"), [({}, (3, 224, 224)), (CIFAR, (1, 40, 60))])
def test_closed_form_is_the_built_network(skeleton, shape, count):
    for arch in drawn(count, seed=count):
        with torch.device("meta"):
            network = SPACE.build(arch, 10, shape[0], **skeleton)
        own = SPACE.input_shape(arch, shape, **skeleton)
        assert count_architecture(SPACE, arch, shape, 10, **skeleton) == count_network(network, own)


def test_resolution_scales_the_input_and_224_leaves_it():
    small = STANDARD.replace("r224", "r192").replace("s32 ", "s8 ")
    # 192 * 32 / 224 = 27.4 pixels for the shorter side; 48 * 27 / 32 = 40.5, rounded up
    assert SPACE.input_shape(SPACE.parse(small), (3, 32, 48), **CIFAR) == (3, 27, 41)
    assert SPACE.plan(SPACE.parse(small), (3, 32, 48), 10, **CIFAR)[0].steps[0].macs == 27 * 41 * 27 * 8
    assert SPACE.input_shape(SPACE.parse(STANDARD), (3, 32, 48), **CIFAR) == (3, 32, 48)


def exported(arch, path, seed=0):
    torch.manual_seed(seed)
    network = with_random_statistics(SPACE.build(arch, 10, **CIFAR)).eval()
    return network, export_onnx(network, path, SPACE.input_shape(arch, (3, 32, 32), **CIFAR))


def shallow(resolution, rng):
    """A random member with one block per stage and at most 64 channels, which exports in seconds."""
    choices = list(SPACE.sample(rng).choices)
    choices[0] = SPACE.slots[0].options.index(resolution)
    for i, slot in enumerate(SPACE.slots[1:], start=1):
        choices[i] = 0 if slot.name.startswith("depth") else choices[i] % 8 if len(slot.options) > 8 else choices[i]
    return SPACE.architecture(choices)


def test_an_exported_file_holds_and_costs_what_the_plan_says(tmp_path):
    arch = shallow("192", np.random.default_rng(0))
    _, path = exported(arch, tmp_path / "a.onnx")
    counts = count_architecture(SPACE, arch, (3, 32, 32), 10, **CIFAR)
    assert (stored_weight_bytes(path), peak_live_bytes(path)) == (counts.weight_bytes, counts.peak_bytes)
    assert "Resize" not in {node.op_type for node in onnx.load(path).graph.node}


@pytest.mark.slow
@pytest.mark.thorough
def test_torch_and_onnx_runtime_agree(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    rng = np.random.default_rng(5)
    for number in range(20):
        arch = shallow(SPACE.slots[0].options[number % 5], rng)
        network, path = exported(arch, tmp_path / "a.onnx", number)
        own = refit(images, preprocessing(SPACE.input_shape(arch, (3, 32, 32), **CIFAR)[1:], 3))
        parity = check_parity(network, path, own)
        assert parity["top1_agreement"] == 1
        assert parity["max_relative_logit_error"] < 1e-4


@pytest.mark.slow
@pytest.mark.thorough
def test_a_thousand_members_build_and_run_at_two_sizes():
    """On the meta device, where shapes are computed and numbers are not; every fiftieth runs for real."""
    for number, arch in enumerate(drawn(1000, seed=9)):
        skeleton = {} if number % 2 else CIFAR
        with torch.device("cpu" if number % 50 == 0 else "meta"):
            network = SPACE.build(arch, 7, **skeleton).eval()
            for size in (32, 48):
                with torch.inference_mode():
                    out = network(torch.zeros(1, 3, size, size) if number % 50 == 0 else torch.empty(1, 3, size, size))
                assert out.shape == (1, 7)
        assert number % 50 or torch.isfinite(out).all()


@given(SEEDS)
@settings(max_examples=50, deadline=None)
def test_notation_round_trips_and_mutations_are_members(seed):
    rng = np.random.default_rng(seed)
    arch = SPACE.sample(rng)
    assert SPACE.parse(SPACE.format(arch)) == arch
    assert SPACE.prune(SPACE.prune(arch)) == SPACE.prune(arch)
    assert SPACE.is_member(arch)
    assert SPACE.canonical(SPACE.canonical(arch)) == SPACE.canonical(arch)
    other = SPACE.mutate(arch, rng)
    assert other != arch
    assert SPACE.architecture(other.choices) == other
    changed = [i for i, (a, b) in enumerate(zip(arch.choices, other.choices, strict=True)) if a != b]
    assert len(changed) == (2 if changed[0] in SPACE.groups[0].slots else 1)


def test_neighbours_are_few_distinct_and_what_mutate_returns():
    arch = SPACE.parse(STANDARD)
    near = SPACE.neighbours(arch)
    assert len(set(near)) == len(near) < 200
    assert arch not in near
    # resolution 224 of 192..320: 192, 256, 288; stem 32 (option 3 of 64): 3 down 1, 2; up 1, 2, 4, 8
    assert sum(a.choices[0] != arch.choices[0] for a in near) == 3
    assert sum(a.choices[1] != arch.choices[1] for a in near) == 6
    assert sum(any(a.choices[i] != arch.choices[i] for i in SPACE.groups[0].slots) for a in near) == 4 * 3
    rng = np.random.default_rng(0)
    assert {SPACE.mutate(arch, rng) for _ in range(300)} <= set(near)


@pytest.mark.parametrize(("text", "message"), [
    (STANDARD.replace("| h1280", ""), r"has 9 parts joined by '\|' .* found 8"),
    (STANDARD.replace("t6c96", "t6d96"), "Part 6 of .* must be like t6c24n2s2k3, found 't6d96n3s1k3'"),
    (STANDARD.replace("r224-s32", "224"), "Part 1 .* must be like r224-s32, found '224'"),
    (STANDARD.replace("t6c32n3", "t5c32n3"), "Part 4 .*, expansion3: expected one of 1, 2, 4, 6, found 5"),
    (STANDARD.replace("c24", "c25"), "Part 3 .*, width2: expected 8 to 512 in steps of 8, found 25"),
    (STANDARD.replace("n1s1", "n1s2"), "Exactly 4 of stride1, .*, stride7 in mobilenetv2 must be other than 1, got 6"),
])
def test_malformed_notation_is_told_by_position(text, message):
    with pytest.raises(UserError, match=message):
        SPACE.parse(text)
    assert issubclass(NotationError, UserError)


def test_images_too_small_for_the_strides_are_refused_by_plan_and_build():
    message = r"Images of 16 pixels \(resolution 224 at reference=16\) are too small for the strides of mobilenetv2, " \
              "which divide them by 32; raise the skeleton's reference or use stem=cifar."
    with pytest.raises(UserError, match=message):
        SPACE.plan(SPACE.parse(STANDARD), (3, 16, 16), reference=16)
    with pytest.raises(UserError, match=message):
        SPACE.build(SPACE.parse(STANDARD), reference=16)
    with pytest.raises(UserError, match="Unknown stem of mobilenetv2 'small'; known: imagenet, cifar"):
        SPACE.build(SPACE.parse(STANDARD), stem="small")


def test_delivered_source_builds_the_same_network():
    arch = SPACE.width_multiple(0.25)
    module = {}
    exec(SPACE.source(arch, 10, **CIFAR), module)  # our own source, as the bundle runs it
    ours, theirs = SPACE.build(arch, 10, **CIFAR).eval(), module["build"]().eval()
    theirs.load_state_dict(ours.state_dict(), strict=True)
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(ours(images), theirs(images))


def test_the_space_is_counted_and_never_listed():
    # 5 resolutions, 64 stems, 224 heads; per stage 4 expansions, 64 widths, 6 depths, 3 kernels; 35 choices of strides
    assert SPACE.size == 5 * 64 * 224 * (4 * 64 * 6 * 3) ** 7 * 35
    with pytest.raises(UserError, match="too large to be enumerated"):
        SPACE.enumerate()
