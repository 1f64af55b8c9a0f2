"""What a set of run times amounts to, and that it survives JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.hardware import Profile
from dcanas.hardware.measuring.profile import summarise


def profile(samples_ms, **conditions) -> Profile:
    return summarise(np.round(np.asarray(samples_ms) * 1e6).astype(np.int64), "m.onnx", "00ff", "local-cpu", conditions)


def quiet(rounds=40, runs=25, seed=0):
    """1 ms with 1 % jitter; one run in ten takes half a millisecond longer. Shape: (rounds, 2, runs)."""
    rng = np.random.default_rng(seed)
    late = rng.random((rounds, 2, runs)) < 0.1
    return 1 + 0.01 * rng.random((rounds, 2, runs)) + 0.5 * late


def test_median_is_over_blocks_and_p95_over_single_runs():
    samples = quiet()
    result = profile(samples)
    assert result.n == 40 * 2 * 25
    assert result.median_ms == pytest.approx(1.005, abs=0.002)
    assert result.interval_ms[0] <= result.median_ms <= result.interval_ms[1]
    assert result.interval_ms[1] - result.interval_ms[0] < 0.01
    assert result.p95_ms == pytest.approx(1.5, abs=0.02)  # more than 5 % of runs are late, under half of each block
    assert result.p95_ms <= result.p95_upper_ms < 1.52
    assert (result.noisy, result.remark) == (False, "")
    assert result.value("latency_ms") == result.median_ms
    assert result.upper("latency_ms") == result.interval_ms[1]
    assert result.value("latency_p95_ms") == result.p95_ms
    assert result.upper("latency_p95_ms") == result.p95_upper_ms


def test_repeats_that_differ_are_called_noisy():
    samples = quiet() * np.array([1.0, 1.08])[None, :, None]
    result = profile(samples)
    assert result.noisy
    assert result.repeat_difference == pytest.approx(0.08, abs=0.003)
    assert result.repeat_medians_ms[1] / result.repeat_medians_ms[0] == pytest.approx(1.08, abs=0.003)
    assert result.remark.startswith("The machine was too noisy: two independent repeats differ by 8.")
    assert result.upper("latency_ms") >= result.repeat_medians_ms[1]


def test_a_machine_that_drifts_under_both_repeats_is_called_noisy():
    samples = quiet() * np.linspace(1.0, 1.3, 40)[:, None, None]
    result = profile(samples)
    assert result.repeat_difference < 0.01
    assert result.noisy
    assert "the 95 % interval reaches 1" in result.remark
    assert "measure again when nothing else runs" in result.remark


def test_json_keeps_every_sample():
    result = profile(quiet(), onnxruntime="1.31.1", load_before=[0.1, 0.2, 0.3])
    text = json.dumps(asdict(result), allow_nan=False)
    assert Profile.from_json(json.loads(text)) == result
    assert np.array(json.loads(text)["samples_ns"]).shape == (40, 2, 25)
    hash(result)


def test_damaged_profiles_are_refused():
    value = asdict(profile(quiet()))
    for damage in ({"samples_ns": [[[1, 2], [3]]]}, {"samples_ns": []}, {"samples_ns": [[[0], [1]]]},
                   {"conditions": None}):
        with pytest.raises(UserError, match="not a stored latency profile"):
            Profile.from_json({**value, **damage})
    with pytest.raises(UserError, match="not a stored latency profile"):
        Profile.from_json({"median_ms": 1.0})
