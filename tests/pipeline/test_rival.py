"""Cuts of the pretrained network as rivals of what is searched, and what three splits say of both."""

from __future__ import annotations

import math

import pytest

from dcanas.pipeline.rival import decide, same_network
from dcanas.pretrained import PretrainedParts, PretrainedSettings, load_pretrained
from dcanas.search.handmade import stage_cut
from dcanas.spaces import load_space


def test_a_difference_beyond_its_standard_error_decides():
    """Differences of 1, 2 and 3 points: mean 2, deviation 1, standard error 1/sqrt(3)."""
    found = decide([0.81, 0.82, 0.83], [0.80, 0.80, 0.80], ("latency_ms", 2.0, 1.0))
    assert found["splits"]["difference"] == pytest.approx(0.02)
    assert found["splits"]["standard_error"] == pytest.approx(0.01 / math.sqrt(3))
    assert found["splits"]["shown"] is True
    assert found["recommended"] == "searched"  # though it costs more
    assert found["validation_accuracy"] == pytest.approx({"searched": 0.82, "baseline": 0.80})
    assert decide([0.80, 0.80, 0.80], [0.81, 0.82, 0.83], None)["recommended"] == "baseline"


@pytest.mark.parametrize(("costs", "better"), [
    (("latency_ms", 2.0, 1.0), "baseline"), (("latency_ms", 1.0, 2.0), "searched"), (("macs", 5.0, 5.0), "searched"),
    (None, "searched")])
def test_within_a_standard_error_what_costs_less_is_recommended(costs, better):
    """Differences of -2, 0 and 5 points: mean 1, deviation sqrt(13), standard error 2.08."""
    found = decide([0.78, 0.80, 0.85], [0.80, 0.80, 0.80], costs)
    assert found["splits"]["standard_error"] == pytest.approx(math.sqrt(13 / 3) / 100)
    assert (found["splits"]["shown"], found["recommended"]) == (False, better)
    assert found["recommended_by"] == "cost, as 3 fresh splits show no difference in accuracy"


def test_equal_accuracies_show_no_difference():
    assert decide([0.5] * 3, [0.5] * 3, ("macs", 2.0, 1.0))["recommended"] == "baseline"


@pytest.fixture(scope="module")
def parts():
    return PretrainedParts(load_pretrained(PretrainedSettings("efficientnet_lite0")))


def cut_after(parts, stages, side):
    return parts.encode(parts.whole._replace(resolution=side, stages=parts.whole.stages[:stages], head=0))


def test_a_cut_is_named_by_its_last_stage_and_its_images(parts):
    assert stage_cut(parts, cut_after(parts, 4, 64), {}).name == "efficientnet_lite0 cut after stage 4, 64 px"
    assert stage_cut(parts, parts.pretrained.architecture, {}).name == "efficientnet_lite0 whole, 224 px"


def test_the_same_network_is_recognised_by_what_is_built(parts):
    cut = stage_cut(parts, cut_after(parts, 4, 224), parts.pretrained.skeleton)
    space = load_space("mbconv")
    one = {"space": "mbconv", "architecture": space.format(cut.architecture), "skeleton": dict(cut.skeleton)}
    full = {**one, "skeleton": space.complete_skeleton(dict(cut.skeleton))}
    assert same_network(one, full)
    assert not same_network(one, {**full, "architecture": full["architecture"].replace("r224", "r216")})
    assert not same_network({**one, "space": "nasbench201"}, full)
