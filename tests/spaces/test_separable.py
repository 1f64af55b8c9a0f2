"""MobileNetV1 and DS-CNN against the published counts, torch's counters and the exported file."""

from __future__ import annotations

import pytest
import torch

from dcanas.costs import count_architecture, count_network
from dcanas.export import export_onnx, peak_live_bytes, stored_weight_bytes
from dcanas.export.random_statistics import with_random_statistics
from dcanas.spaces import NotationError, load_space

SPACE = load_space("separable")


@pytest.mark.parametrize(("width", "millions", "macs"), [("1", 4.2, 569), ("0.75", 2.6, 325), ("0.5", 1.3, 149),
                                                         ("0.25", 0.5, 41)])
def test_published_parameters_and_macs(width, millions, macs):
    """Howard et al. (2017), tables 6 and 7: 1,000 classes, images of 224 pixels."""
    counts = count_architecture(SPACE, SPACE.parse(f"mobilenetv1-x{width}"), (3, 224, 224), 1000)
    assert counts.params / 1e6 == pytest.approx(millions, abs=0.06)
    assert counts.macs / 1e6 == pytest.approx(macs, rel=0.01)


def test_parameters_of_ds_cnn_by_hand():
    """A stem of 3x3 from one channel to 64, four blocks of 64: 3x3 and 1x1; two numbers per channel for batch norm."""
    stem, block, last = 9 * 64 + 128, 9 * 64 + 128 + 64 * 64 + 128, 64 * 12 + 12
    assert count_architecture(SPACE, SPACE.parse("dscnn-x1"), (1, 32, 32), 12).params == stem + 4 * block + last


@pytest.mark.parametrize(("text", "side"), [("dscnn-x0.5", 33), *(
    pytest.param("mobilenetv1-x0.35", side, marks=pytest.mark.slow) for side in (32, 45))])
def test_closed_form_equals_the_built_network_and_its_file(text, side, tmp_path):
    arch, shape = SPACE.parse(text), (3, side, side)
    counts = count_architecture(SPACE, arch, shape)
    network = SPACE.build(arch)
    assert counts == count_network(network, shape)
    path = export_onnx(with_random_statistics(network).eval(), tmp_path / "made.onnx", shape)
    assert (stored_weight_bytes(path), peak_live_bytes(path)) == (counts.weight_bytes, counts.peak_bytes)


def test_the_delivered_source_builds_the_same_network():
    content: dict = {}
    exec(compile(SPACE.source(SPACE.parse("dscnn-x0.25"), 7, 1), "network.py", "exec"), content)
    torch.manual_seed(0)
    first = SPACE.build(SPACE.parse("dscnn-x0.25"), 7, 1).eval()
    second = content["build"]().eval()
    second.load_state_dict(first.state_dict())
    images = torch.rand(2, 1, 24, 24)
    assert torch.equal(first(images), second(images))


def test_notation_goes_both_ways_and_names_what_is_wrong():
    texts = [SPACE.format(arch) for arch in SPACE.enumerate()]
    assert [SPACE.format(SPACE.parse(text)) for text in texts] == texts
    for text, words in (("mobilenetv1-x3", "width must be one of 0.1, "),
                        ("x1", "such as mobilenetv1-x0.25, found 'x1'")):
        with pytest.raises(NotationError, match=words):
            SPACE.parse(text)
