"""Whether pretrained weights help: the difference against its standard error, by hand."""

from __future__ import annotations

import pytest

from dcanas.search.halving.control import weights_help


@pytest.mark.parametrize(("pretrained", "random", "images", "conclusion"), [
    # two standard errors of the difference: 2 sqrt((.6 x .4 + .4 x .6) / 100) = .139
    (0.6, 0.4, 100, "help"), (0.4, 0.6, 100, "hurt"), (0.5, 0.4, 100, "no difference"),
    (0.5, 0.4, 400, "help"),  # 2 sqrt((.25 + .24) / 400) = .07
    (1.0, 1.0, 10, "no difference")])
def test_a_difference_beyond_two_standard_errors_is_one(pretrained, random, images, conclusion) -> None:
    assert weights_help(pretrained, random, images, 4)["conclusion"] == conclusion


def test_the_sentence_says_both_and_what_to_do() -> None:
    assert weights_help(0.4, 0.6, 100, 4)["text"] == (
        "After 4 epochs the chosen network has 40.0 % of 100 validation images right from pretrained weights and "
        "60.0 % from random ones: the weights do not help here; space=nasbench201 searches from random ones.")
