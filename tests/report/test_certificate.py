"""Certificate: what met means, and the page for people."""

from __future__ import annotations

import pytest

from dcanas.basics.errors import UserError
from dcanas.costs import Budget
from dcanas.report.amounts import amount
from dcanas.report.certificate import (
    accuracy_lines,
    certificate_markdown,
    comparison_lines,
    make_rows,
    met_word,
    pretrained_words,
)

NAMES = ("params", "macs", "latency_ms")
SOURCES = {"params": "counted", "macs": "counted", "latency_ms": "measured"}
PREDICTED = {"params": 900.0, "macs": 2e6, "latency_ms": None}
MEASURED = {"params": 900, "macs": 2_000_000, "latency_ms": 1.9}


def rows(budget: Budget, deciding: dict) -> dict:
    made = make_rows(budget, PREDICTED, MEASURED, deciding, SOURCES, NAMES)
    return {row["name"]: row for row in made}


def test_rows_have_all_costs_once_and_limits_first():
    made = make_rows(Budget(latency_ms=2.0), PREDICTED, MEASURED, MEASURED, SOURCES, NAMES)
    assert [row["name"] for row in made] == ["latency_ms", "params", "macs"]
    assert made[0] == {"name": "latency_ms", "unit": "ms", "limit": 2.0, "predicted": None, "measured": 1.9,
                       "upper": 1.9, "source": "measured", "met": True}


def test_the_upper_bound_decides():
    assert rows(Budget(latency_ms=2.0), {"latency_ms": 1.99})["latency_ms"]["met"] is True
    assert rows(Budget(latency_ms=2.0), {"latency_ms": 2.0})["latency_ms"]["met"] is True  # "at most"
    broken = rows(Budget(latency_ms=2.0), {"latency_ms": 2.01})["latency_ms"]  # though the median, 1.9, keeps it
    assert broken["met"] is False
    assert broken["upper"] == 2.01


def test_without_a_deciding_number_it_is_unverified():
    made = rows(Budget(latency_ms=2.0, params=1000), {"params": 900})
    assert made["latency_ms"]["met"] == "unverified"
    assert made["params"]["met"] is True


def test_without_a_limit_anything_will_do():
    assert all(row["met"] is True and row["limit"] is None for row in rows(Budget(), {}).values())


def test_a_lower_limit():
    made = make_rows(Budget(robust_accuracy_min=0.5), {}, {}, {"robust_accuracy_min": 0.4},
                     {"robust_accuracy_min": "measured"}, ())
    assert made[0]["met"] is False


def test_a_cost_that_is_none():
    with pytest.raises(UserError, match="did you mean 'params'"):
        make_rows(Budget(), {}, {}, {}, {"parms": "counted"}, ["parms"])


@pytest.mark.parametrize(("value", "text"), [
    (None, "–"), (1234567, "1,234,567"), (1234567.0, "1,234,567"), (0.123456, "0.1235"), (0, "0"), (2.5e-5, "2.5e-05"),
])
def test_amount(value, text):
    assert amount(value) == text


@pytest.mark.parametrize(("limit", "met", "word"), [
    (None, True, "–"), (5, True, "yes"), (5, False, "NO"), (5, "unverified", "unverified"),
])
def test_met_word(limit, met, word):
    assert met_word({"limit": limit, "met": met}) == word


def test_markdown():
    deciding = {"params": 900, "macs": 2_000_000, "latency_ms": 2.2}
    page = certificate_markdown({
        "data": {"name": "digits"}, "device": "local-cpu", "architecture": "|a~0|", "space": "nasbench201",
        "skeleton": {"channels": 16, "cells": 2},
        "accuracy": {"value": 0.9805, "low": 0.9604, "high": 0.9905, "n": 359},
        "rows": make_rows(Budget(params=1000, latency_ms=2), PREDICTED, MEASURED, deciding, SOURCES, NAMES),
        "latency": {"median_ms": 1.9, "interval_ms": [1.8, 2.2], "p95_ms": 2.5, "n": 1200, "threads": 1,
                    "onnxruntime": "1.2.3", "repeat_difference": 0.01, "remark": "The machine was noisy."},
        "onnx": "bundle/model.onnx", "sha256": "abc", "command": "dcanas run", "seeds": {"seed": 0},
        "versions": {"torch": "2.9"}})
    assert page.startswith("# Certificate: digits on local-cpu\n")
    assert "**98.0 %** (95 % interval 96.0 to 99.1 %)" in page
    assert "| parameters | 1 k | 900 | 900 | yes | counted |\n" in page
    assert "| latency | 2 ms | – | 1.9 ms | NO | measured |\n" in page
    assert "| MACs | – | 2 M | 2 M | – | counted |\n" in page
    assert "| macs (MAC) | – | 2,000,000 | 2,000,000 |\n" in page  # exact
    assert "1,200 runs at batch 1 on 1 thread, ONNX Runtime 1.2.3; two independent repeats differ by 1.0 %." in page
    assert "The machine was noisy." in page
    assert "File: `bundle/model.onnx`, SHA-256 `abc`." in page
    assert page.endswith("Made by `dcanas run` with seeds seed 0 and torch 2.9.\n")


def test_markdown_of_a_comparison():
    def made(measured: dict) -> list[dict]:
        return make_rows(Budget(params=1000), {}, measured, measured, SOURCES, ("params", "macs"))

    comparison = {"baseline": {"name": "ResNet-8, width 8"}, "recommended": "baseline",
                  "validation_accuracy": {"searched": 0.95, "baseline": 0.96},
                  "paired": {"n": 1000, "difference": -0.01, "low": -0.018, "high": -0.002, "shown": True},
                  "rows": made({"params": 1001, "macs": 5}),
                  "accuracy": {"value": 0.9, "low": 0.87, "high": 0.92}, "bundle": "baseline/bundle"}
    page = certificate_markdown({
        "data": {"name": "digits"}, "device": "local-cpu", "architecture": "|a~0|", "space": "nasbench201",
        "skeleton": {"channels": 16}, "accuracy": {"value": 0.98, "low": 0.96, "high": 0.99, "n": 359},
        "rows": made({"params": 900, "macs": 7}), "comparison": comparison, "onnx": "m", "sha256": "abc",
        "command": "dcanas run", "seeds": {"seed": 0}, "versions": {"torch": "2.9"}})
    assert ("ResNet-8, width 8, test accuracy 90.0 % (95 % interval 87.0 to 92.0 %), not shown to be met: parameters"
            in page)
    assert "Recommended: the hand-made ResNet-8, width 8. The test images did not decide this." in page
    assert ("the searched network has 95.0 %, ResNet-8, width 8 96.0 %: searched minus hand-made −1.0 points (−1.8 to "
            "−0.2) on 1,000 validation images, 95 % interval." in page)
    assert "| parameters | 1 k | 900 | 1.001 k |\n" in page  # as many digits as tell it from its limit


def compared(**splits) -> dict:
    """Return a certificate of a comparison on three splits, searched 80 81 82 % against 79 80 81.5 %."""
    made = {"searched": [0.80, 0.81, 0.82], "baseline": [0.79, 0.80, 0.815], "difference": 0.025 / 3,
            "standard_error": 0.005 / 3, "shown": True,
            "cost": {"name": "latency_ms", "unit": "ms", "searched": 2.0, "baseline": 1.5}, **splits}
    return {"comparison": {
        "baseline": {"name": "lite0 cut after stage 4, 64 px", "family": "pretrained"}, "rows": [], "splits": made,
        "recommended": "searched" if made["shown"] else "baseline", "bundle": "baseline/bundle", "onnx": "x",
        "accuracy": {"value": 0.9, "low": 0.87, "high": 0.92}}}


def test_words_for_three_splits():
    _, found, advice = comparison_lines(compared())
    assert found == (
        "Both were trained on 3 fresh splits of the images that may be learnt from, look-alikes on one side. Accuracy "
        "on the images kept back: the searched network 80.0 %, 81.0 %, 82.0 %; lite0 cut after stage 4, 64 px 79.0 %, "
        "80.0 %, 81.5 %. Mean difference, searched minus hand-made: +0.8 ± 0.2 points (standard error).")
    assert advice == ("Recommended: the searched network, as the difference is more than its standard error. The test "
                      "images did not decide this.")
    assert comparison_lines(compared(shown=False))[2] == (
        "No difference is shown, as it is within its standard error. Recommended: the hand-made lite0 cut after stage "
        "4, 64 px, for less latency, 1.5 ms against 2 ms. The test images did not decide this.")
    equal = {"name": "macs", "unit": "MAC", "searched": 5, "baseline": 5}
    assert "for the same MACs, 5. The" in comparison_lines(compared(shown=False, cost=equal))[2]


def test_words_if_there_is_nothing_to_compare_with():
    assert comparison_lines({}) == []
    assert comparison_lines({"no_comparison": "The searched network is X."}) == ["The searched network is X."]


def test_words_for_given_weights():
    record = {"sources": ["efficientnet_lite0"], "file": "lite0.pth", "sha256": "57934424", "tensors": 294,
              "parameters": 3_371_024, "licence": "Apache-2.0", "origin": "https://example.org", "mean": [0.498] * 3,
              "deviation": [0.502] * 3}
    assert pretrained_words(record) == (
        "Training started from weights of efficientnet_lite0: 294 tensors with 3,371,024 parameters of `lite0.pth`, "
        "SHA-256 `57934424`. They come from https://example.org, licence Apache-2.0, and were trained on images in "
        "[0, 1] normalised by mean 0.498/0.498/0.498 and deviation 0.502/0.502/0.502.")
    assert pretrained_words({**record, "sources": [], "licence": None}).startswith(
        "Training started from weights of an earlier training: 294 tensors")


@pytest.mark.parametrize(("low", "largest", "told"), [(0.36, 0.5, True), (0.5, 0.5, True), (0.51, 0.5, False),
                                                      (0.36, None, False)])
def test_an_accuracy_that_may_be_guessed_says_so(low, largest, told):
    accuracy = {"low": low, "correct": 54, "n": 120, **({} if largest is None else {"largest_class": largest})}
    lines = accuracy_lines({"accuracy": accuracy, "data": {}})
    assert lines == (["Not shown to be better than guessing: naming the largest class every time is right for 50.0 % "
                      "of these images, which the interval of the accuracy does not exclude."] if told else [])
