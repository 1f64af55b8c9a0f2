"""Cuts of the pretrained network as rivals of what is searched, and what three splits say of both."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dcanas.basics.files import read_json
from dcanas.basics.statistics import paired_interval
from dcanas.pipeline.certify import within_limits
from dcanas.pipeline.configure import composed, configured
from dcanas.pipeline.context import Context
from dcanas.pipeline.rival import decide, decide_paired, described, same_network
from dcanas.pipeline.validated import Wanted, validated
from dcanas.pretrained import PretrainedParts, PretrainedSettings, load_pretrained
from dcanas.search.handmade import resnet_cell, stage_cut
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


@pytest.mark.parametrize(("costs", "better", "by"), [
    (("latency_ms", 2.0, 1.0), "baseline", "cost, as {alike}"),
    (("latency_ms", 1.0, 2.0), "searched", "cost, as {alike}"),
    (("macs", 5.0, 5.0), "searched", "the search, as {alike} and both networks have the same macs"),
    (None, "searched", "the search, as {alike} and no cost is known of both networks")])
def test_within_a_standard_error_what_costs_less_is_recommended(costs, better, by):
    """Differences of -2, 0 and 5 points: mean 1, deviation sqrt(13), standard error 2.08."""
    found = decide([0.78, 0.80, 0.85], [0.80, 0.80, 0.80], costs)
    assert found["splits"]["standard_error"] == pytest.approx(math.sqrt(13 / 3) / 100)
    assert (found["splits"]["shown"], found["recommended"]) == (False, better)
    assert found["recommended_by"] == by.format(alike="3 fresh splits show no difference in accuracy")


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


def test_one_cell_in_two_widths_is_trained_twice_and_each_only_once(tmp_path):
    run = Context(*configured(*composed({}, {"run.dir": str(tmp_path / "run"), "run.threads": 1, "train.epochs": 1,
                                             "data.fraction": 0.1})), "dcanas run")
    narrow, wide = (described(network) for network in resnet_cell(8) if network.skeleton["cells"] == 1
                    and network.skeleton["channels"] in (4, 12))
    assert narrow["architecture"] == wide["architecture"]
    wanted = [Wanted(each, run.dataset, "train") for each in (narrow, wide, narrow)]
    found = validated(run, tmp_path, "Train", wanted)
    assert validated(run, tmp_path, "Train", wanted[:1]) == found[:1]
    assert found[0] == found[2] != found[1]
    assert len(read_json(tmp_path / "trainings.json")) == len(list((tmp_path / "trainings").iterdir())) == 2


def test_answers_to_the_same_images_decide_beyond_their_interval():
    """Of 100 images 20 are right by the searched network alone, 5 by the rival alone: 15 points, 5.3 to 24.1."""
    right, wrong = np.ones(25, bool), np.zeros(25, bool)
    searched, rival = np.r_[right, right, right, wrong], np.r_[right, right, wrong, wrong]
    searched[:5], rival[50:55] = False, True
    found = decide_paired(searched, rival, ("latency_ms", 2.0, 1.0))
    assert (found["paired"]["searched_only"], found["paired"]["rival_only"]) == (20, 5)
    assert found["paired"]["difference"] == pytest.approx(0.15)
    low, high = paired_interval(20, 5, 100)
    assert (found["paired"]["low"], found["paired"]["high"]) == (low, high)
    assert low > 0
    assert (found["paired"]["shown"], found["recommended"]) == (True, "searched")  # though it costs more
    assert decide_paired(rival, searched, None)["recommended"] == "baseline"


@pytest.mark.parametrize(("costs", "better"), [
    (("latency_ms", 2.0, 1.0), "baseline"), (("latency_ms", 1.0, 2.0), "searched"), (("macs", 5.0, 5.0), "searched"),
    (None, "searched")])
def test_within_their_interval_what_costs_less_is_recommended(costs, better):
    searched, rival = np.ones(100, bool), np.ones(100, bool)
    searched[:4], rival[4:6] = False, False  # 2 points worse, interval about -7 to 3
    found = decide_paired(searched, rival, costs)
    assert (found["paired"]["shown"], found["recommended"]) == (False, better)


def test_a_network_over_a_limit_gives_way_to_one_that_keeps_it():
    kept, broken = [{"name": "latency_ms", "met": True}], [{"name": "latency_ms", "met": False}]
    judged = {"recommended": "baseline", "recommended_by": "accuracy on the validation images"}
    assert within_limits(judged, {"searched": kept, "rival": kept}) == judged
    assert within_limits(judged, {"searched": broken, "rival": broken}) == judged
    found = within_limits(judged, {"searched": kept, "rival": broken})
    assert (found["recommended"], found["limits_decided"]) == ("searched", True)
    assert found["recommended_by"] == "the limits, as the other does not keep latency_ms"
