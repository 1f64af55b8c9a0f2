"""The profiler on real files: what is measured is time, and what cannot be measured is no number."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import hashlib
import json
import time

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from recording import Reports

from dcanas.basics.errors import UserError
from dcanas.costs import Networks
from dcanas.export import open_session
from dcanas.hardware import Profile, Runtime, load_device, measure_members, profile_onnx
from dcanas.hardware.measuring.profiler import EXTENSIONS
from dcanas.hardware.transport.progress import report_to
from dcanas.spaces import load_space

SECONDS = 0.2


def convolution(path, channels, dynamic=False):
    """Write one 3x3 convolution on 32 x 32: channels^2 x 9 x 1024 multiply-accumulates."""
    kernel = np.random.default_rng(0).normal(size=(channels, channels, 3, 3)).astype(np.float32)
    shape = ["n" if dynamic else 1, channels, 32, 32]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "w"], ["y"], pads=[1, 1, 1, 1])], "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)], [numpy_helper.from_array(kernel, "w")])
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
                     .SerializeToString())
    return path


def profiled(path, device, *settings, **named):
    (profile,) = profile_onnx({path.name: path}, device, *settings, **named).values()
    return profile


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profiled")
    return {"small": convolution(folder / "small.onnx", 8), "large": convolution(folder / "large.onnx", 64)}


@pytest.fixture(scope="module")
def device():
    return load_device("local-cpu")


@pytest.fixture(scope="module")
def profiles(files, device):
    return profile_onnx(files, device, SECONDS)


def test_every_sample_is_kept_and_the_numbers_follow_from_them(profiles, files):
    for label, profile in profiles.items():
        samples = np.array(profile.samples_ns) / 1e6
        rounds, repeats, runs = samples.shape
        assert (repeats, profile.n) == (2, samples.size)
        assert (rounds, runs) == (profile.conditions["rounds"], profile.conditions["runs_per_block"])
        assert rounds >= 12
        assert profile.median_ms == pytest.approx(np.median(np.median(samples, axis=2)))
        assert profile.p95_ms == pytest.approx(np.percentile(samples, 95))
        assert profile.interval_ms[0] <= profile.median_ms <= profile.interval_ms[1]
        assert profile.p95_upper_ms >= profile.p95_ms
        assert profile.sha256 == hashlib.sha256(files[label].read_bytes()).hexdigest()
        assert Profile.from_json(json.loads(json.dumps(dataclasses.asdict(profile), allow_nan=False))) == profile


def test_conditions_are_stored(profiles):
    conditions = profiles["small"].conditions
    assert conditions["onnxruntime"] == onnxruntime.__version__
    assert (conditions["threads"], conditions["inter_op_threads"], conditions["spinning"]) == (1, 1, True)
    assert (conditions["provider"], conditions["batch"]) == ("CPUExecutionProvider", 1)
    assert conditions["input_shape"] == [1, 8, 32, 32]
    assert {"cpu", "governor", "load_before", "load_after", "python", "cores", "warm_up", "seed"} <= set(conditions)
    assert len(conditions["warm_up"]) == 2


def test_more_work_takes_longer_and_the_unit_is_milliseconds(profiles, files):
    """64 times the multiply-accumulates; and a plain loop over the same file agrees within a factor of two."""
    assert profiles["large"].interval_ms[0] > 2 * profiles["small"].interval_ms[1]
    session = open_session(files["large"])
    image = np.random.default_rng(1).random((1, 64, 32, 32), dtype=np.float32)
    times = []
    for _ in range(200):
        start = time.perf_counter()
        session.run(None, {"image": image})
        times.append(time.perf_counter() - start)
    assert 0.5 < profiles["large"].median_ms / (1e3 * np.median(times)) < 2


def test_a_noisy_result_was_measured_on_and_says_so(profiles):
    for profile in profiles.values():
        assert profile.noisy == bool(profile.remark)
        first = profile.conditions["rounds"] / (1 + EXTENSIONS)
        if profile.noisy:  # every extension was tried: rounds are a multiple of 4, nothing was left out
            assert profile.conditions["extended"]
            assert first == int(first)


def test_the_time_to_measure_has_an_end_and_the_result_says_what_it_lacks(files, device):
    """5 s each are asked for and 0.3 s allowed: no round but the first three begins once the runs before it took that.

    How many rounds these are depends on how fast the machine was when the length of a block was set."""
    found = profile_onnx({"a": files["small"], "b": files["large"]}, device, 5, cap_s=0.3)
    spent_s = sum(np.sum(profile.samples_ns[:-1]) for profile in found.values()) / 1e9
    for profile in found.values():
        rounds, planned = (profile.conditions[name] for name in ("rounds", "planned_rounds"))
        assert 3 <= rounds <= planned / 4
        assert rounds == len(profile.samples_ns)
        assert spent_s <= 0.3 or rounds == 3
        assert profile.noisy
        assert f"Only {rounds} of {planned} rounds were measured within the 0.3 s that" in profile.remark
        assert Profile.from_json(json.loads(json.dumps(dataclasses.asdict(profile)))) == profile
    with pytest.raises(UserError, match="longest time to measure must be positive seconds, got 0"):
        profiled(files["small"], device, cap_s=0)


def test_the_same_file_twice_agrees_or_is_called_noisy(files, device):
    both = profile_onnx({"a": files["large"], "b": files["large"]}, device, SECONDS)
    a, b = both["a"], both["b"]
    assert a.sha256 == b.sha256
    assert abs(a.median_ms / b.median_ms - 1) <= 0.05 or a.noisy or b.noisy or \
        max(a.interval_ms[0], b.interval_ms[0]) <= min(a.interval_ms[1], b.interval_ms[1])


def test_one_file_gives_one_profile_named_after_it(files, device):
    assert gc.isenabled()
    profile = profiled(files["small"], device, 0.05, seed=3)
    assert (profile.model, profile.device, profile.conditions["seed"]) == ("small.onnx", "local-cpu", 3)
    assert gc.isenabled()


def test_what_cannot_be_measured_is_an_error(files, device, tmp_path):
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(files["large"].read_bytes()[:1000])
    with pytest.raises(UserError, match=r"cannot load \S+cut\.onnx: "):
        profile_onnx({"good": files["small"], "bad": cut}, device, SECONDS)
    with pytest.raises(UserError, match=r"one float input of fixed shape, got tensor\(float\) \['n', 8, 32, 32\]"):
        profiled(convolution(tmp_path / "dynamic.onnx", 8, dynamic=True), device, SECONDS)
    for seconds in (0, -1, float("nan")):
        with pytest.raises(UserError, match="must be positive seconds"):
            profiled(files["small"], device, seconds)


def test_a_file_that_fails_while_running_is_an_error(device, tmp_path):
    """Reshape to a size the data does not have: it loads, and fails when it is run."""
    graph = helper.make_graph(
        [helper.make_node("NonZero", ["image"], ["i"]), helper.make_node("Reshape", ["i", "s"], ["y"])], "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, [3, 7])],
        [numpy_helper.from_array(np.array([3, 7]), "s")])
    path = tmp_path / "fails.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
                     .SerializeToString())
    with pytest.raises(UserError, match=r"^ONNX Runtime cannot run \S+fails\.onnx: [^\n]+\.$"):
        profiled(path, device, SECONDS)


def test_the_device_must_be_this_one(files, device):
    newer = dataclasses.replace(device, runtime=Runtime("onnxruntime", "99.0", 18, 8))
    with pytest.raises(UserError, match=r"needs ONNX Runtime 99.0 or newer, installed is \d"):
        profiled(files["small"], newer, SECONDS)
    with pytest.raises(UserError, match="has no QNNExecutionProvider"):
        profiled(files["small"], dataclasses.replace(device, provider="QNNExecutionProvider"), SECONDS)


def test_members_are_measured_once(device, tmp_path):
    torch.set_num_threads(1)
    space = load_space("nasbench201")
    networks = Networks(space, (1, 8, 8), 10, {"channels": 4, "cells": 1})
    members = [space.parse("|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"),
               space.parse("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|none~2|")]

    stages = []

    @contextlib.contextmanager
    def stage():
        yield stages.append("measuring")

    def measure(which, **changes):
        settings = {"seconds": 0.05, "seed": 0, "stage": stage, **changes}
        return measure_members(networks, which, tmp_path, device, **settings)

    before = torch.random.get_rng_state()
    first = measure(members[:1])
    assert torch.equal(before, torch.random.get_rng_state())
    assert measure(members[:1]) == first  # equal to the last nanosecond: read, not measured
    assert stages == ["measuring"]
    both = measure(members)
    assert both[members[0]] == first[members[0]]
    assert len(list(tmp_path.glob("*.json"))) == len(list(tmp_path.glob("*.onnx"))) == 2
    stored = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert {(each["space"], each["architecture"]) for each in stored} == {
        ("nasbench201", space.format(member)) for member in members}
    assert all(each["skeleton"] == space.complete_skeleton({"channels": 4, "cells": 1}) for each in stored)
    model = onnx.load(next(p for p in tmp_path.glob("*.onnx")
                           if hashlib.sha256(p.read_bytes()).hexdigest() == both[members[1]].sha256))
    assert [(p.key, p.value) for p in model.metadata_props] == [("architecture", space.format(members[1]))]
    assert [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == [1, 1, 8, 8]


def test_measurements_report_their_progress_within_the_context_only(files, device):
    reports = Reports()
    with report_to(reports):
        profiled(files["small"], device, 0.8)
    assert reports.seen
    assert all(0 < done <= total and note == "blocks of runs" for done, total, note in reports.seen)
    before = len(reports.seen)
    profiled(files["small"], device, 0.05)
    assert len(reports.seen) == before
