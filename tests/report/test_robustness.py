"""What a certificate says of robustness: rows, the verdict on a limit, and the remedy."""

from __future__ import annotations

from dcanas.costs import Budget
from dcanas.report import robustness
from dcanas.report.certificate import make_rows, quality_lines


def _rate(accuracy: float, low: float, high: float) -> dict:
    return {"accuracy": accuracy, "interval": [low, high]}


def _result(eps_255: float, worst: dict, warnings: tuple[str, ...] = ()) -> dict:
    return {"eps_255": eps_255, "clean": _rate(0.9, 0.85, 0.95), "worst_case": worst, "warnings": list(warnings),
            "attacks": [{"name": "fgsm", **_rate(0.6, 0.5, 0.7)}, {"name": "square", **worst}]}


FOUND = {"n": 100, "norm": "linf",
         "results": [_result(2, _rate(0.8, 0.7, 0.9)), _result(8, _rate(0.5, 0.4, 0.6), ("Masked.",))],
         "validation": [_result(8, _rate(0.7, 0.6, 0.8))], "corruptions": {"mean": None, "reason": "two channels"},
         "files": [{"file": "model.onnx", "results": [_result(8, _rate(0.55, 0.45, 0.65), ("Masked.",))]}]}
PLAIN = {"attack": "none", "eps_255": 8.0, "noise": 2.0}


def _certificate(limit: float, adversarial: dict) -> dict:
    worst = robustness.worst_case(FOUND)
    rows = make_rows(Budget(robust_accuracy_min=limit), {}, {"robust_accuracy_min": worst["accuracy"]},
                     {"robust_accuracy_min": worst["interval"][0]}, {"robust_accuracy_min": "measured"}, [])
    return {"rows": rows, "robustness": [FOUND], "adversarial": adversarial}


def test_a_least_accuracy_is_met_by_the_lower_end_at_the_largest_size():
    (row,) = _certificate(0.4, PLAIN)["rows"]
    assert (row["measured"], row["lower"], row["met"]) == (0.5, 0.4, True)
    assert _certificate(0.41, PLAIN)["rows"][0]["met"] is False
    (text,) = quality_lines(_certificate(0.4, PLAIN))
    assert text == (
        "The limit on robust accuracy, at least 40.0 %, is met: at 8/255 in L∞ 50.0 % (95 % interval 40.0 to 60.0 %) "
        "of the test images withstood every attack, and the lower end has to reach the limit. Of the validation "
        "images, which the delivered network was trained on, 70.0 % (95 % interval 60.0 to 80.0 %) did.")


def test_of_another_file_that_is_delivered_its_own_share_counts():
    assert robustness.worst_case({**FOUND, "delivered": "model.onnx"})["accuracy"] == 0.55
    assert robustness.worst_case({**FOUND, "delivered": "model.onnx"}, "validation")["accuracy"] == 0.7


def test_the_remedy_follows_from_the_recipe():
    for adversarial, told in ((PLAIN, "train=fast_at train.adversarial.eps_255=8, at some cost"),
                              ({**PLAIN, "attack": "fast_at", "eps_255": 4.0}, "raise train.adversarial.eps_255 to 8"),
                              ({**PLAIN, "attack": "fast_at"}, "more room in the budget")):
        text, remedy = quality_lines(_certificate(0.6, adversarial))
        assert "is NOT shown to be met" in text
        assert told in remedy


def test_rows_and_notes():
    table = list(robustness.rows(FOUND))
    assert [row[:2] for row in table] == [
        ["clean", "0"], ["fgsm", "2"], ["then square", "2"], ["worst case", "2"], ["fgsm", "8"], ["then square", "8"],
        ["worst case", "8"], ["then square on model.onnx", "8"]]
    assert table[6][2:] == ["50.0 %", "40.0 to 60.0 %"]
    notes = robustness.notes(FOUND)
    assert notes[1] == "Corruption accuracy is not available: two channels."
    assert notes[2:] == ["Warning: Masked."]  # said once
