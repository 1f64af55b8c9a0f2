"""Random members beside what a judge chose: medians by hand, and what is done where the judge knows nothing."""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from recording import Recording

from dcanas.basics.errors import UserError
from dcanas.search.finalists import choose_finalist
from dcanas.search.first_few import order
from dcanas.search.pool import Candidate
from dcanas.search.trust import BY_HEART, LEARNT, NOTHING, learning, trust
from dcanas.search.zero_shot.zero_shot_search import scores_of
from dcanas.spaces import load_space
from dcanas.training import Recipe

SPACE = load_space("nasbench201")
MEMBERS = [SPACE.architecture(choices) for choices in (
    (3, 3, 3, 3, 3, 3), (3, 3, 3, 3, 3, 2), (3, 3, 3, 3, 2, 2), (3, 3, 3, 2, 2, 2), (3, 3, 2, 2, 2, 2),
    (3, 2, 2, 2, 2, 2), (2, 2, 2, 2, 2, 2))]


def rows(*accuracies: float) -> list[dict[str, float]]:
    return [{"validation_accuracy": accuracy, "validation_loss": 1.0} for accuracy in accuracies]


@pytest.mark.parametrize(("drawn", "trusted"), [
    ((0.1, 0.39, 0.9), True), ((0.1, 0.4, 0.9), False), ((0.1, 0.41, 0.9), False), ((0.3, 0.45), True)])
def test_the_medians_decide(drawn, trusted) -> None:
    """Of .2, .3, .5 and .6 the median is .4; of two it is the mean."""
    found = trust(rows(0.6, 0.2, 0.5, 0.3), rows(*drawn))
    assert (found["chosen"], found["trusted"]) == (pytest.approx(0.4), trusted)
    assert found["random"] == pytest.approx(np.median(drawn))
    assert ("is not to be trusted on these images" in found["text"]) is not trusted


def test_what_learning_is() -> None:
    """Classes of 8, 4 and 4 of 16 images: a constant answer has a loss of 1.5 ln 2 and .5 right, give or take .125.

    Of 9 images in three classes the share of one is 1/3, give or take 0.157; of 8 (3, 3, 2), 0.375 and 0.171; of six,
    1/3 and 0.192, so that twice the share is within two standard errors.
    """
    dataset: Any = SimpleNamespace(labels=np.repeat([0, 1, 2], [8, 4, 4]), validation=np.arange(16), classes="abc",
                                   train=np.arange(300) % 16)
    recipe = Recipe(batch_size=32)  # 300 images: ten steps
    learnt = learning(dataset, recipe, 10)
    assert learning(dataset, recipe, 9)({"validation_loss": 3.0, "validation_accuracy": 0.0})  # too short to tell
    known = 1.5 * math.log(2)
    for loss, accuracy, expected in ((known - 1e-6, 0.1, True), (known, 0.75, False), (3.0, 0.76, True),
                                     (math.nan, 0.5, False)):
        assert learnt({"validation_loss": loss, "validation_accuracy": accuracy}) == expected
    for last, expected in ((0.97, BY_HEART), (0.99, NOTHING)):  # of the training images' own: they are as the others
        heart = {"validation_loss": 3.0, "validation_accuracy": 0.5, "last_training_loss": last * known}
        assert learnt(heart) == expected
    nothing = {"validation_loss": 3.0, "validation_accuracy": 0.0}
    for images, expected in ((6, True), (8, False), (9, False)):
        few: Any = SimpleNamespace(labels=np.arange(images) % 3, validation=np.arange(images), classes="abc",
                                   train=np.arange(300) % images)
        assert learning(few, recipe, 10)(nothing) == expected


def choose(finalists: tuple[float, ...], drawn: tuple[float, ...], learnt=lambda found: True):
    """Return what is chosen of a ranked pool, best first, whose short trainings find these accuracies."""
    accuracy = dict(zip(MEMBERS, (*finalists, *drawn), strict=False))
    pool = [Candidate(arch, -float(i), "score") for i, arch in enumerate(MEMBERS[:len(finalists)])]
    heard = Recording()
    arch, why = choose_finalist(
        SPACE, len(finalists), [], lambda archs, done, total: [(text, rows(accuracy[arch])[0]) for text, arch in
                                                       archs.items()], pool, hooks=heard, ranked=True,
        control=MEMBERS[len(finalists):len(finalists) + len(drawn)], learnt=learnt)
    return MEMBERS.index(arch), why, heard.messages


def test_a_right_judge_keeps_its_say_and_a_wrong_one_has_none() -> None:
    chosen, why, said = choose((0.50, 0.52, 0.51, 0.49), (0.2, 0.3, 0.6))
    assert chosen == 1  # places by the judge and by training: 0+2, 1+0, 2+1, 3+3; the sixth, better by chance, is not
    assert why["trust"]["trusted"]
    assert len(why["finalists"]) == 4
    chosen, why, said = choose((0.30, 0.32, 0.31, 0.29), (0.2, 0.4, 0.6))
    assert chosen == 6  # by training alone, among all seven
    assert why["decided_by"] == "accuracy on the validation split after short training"
    assert [row["named_by"] for row in why["finalists"][4:]] == ["chance"] * 3
    assert said == [why["trust"]["text"]]


def test_what_learns_nothing_is_never_delivered() -> None:
    chosen, _, _ = choose((0.10, 0.50, 0.40), (0.2, 0.3, 0.1), lambda found: found["validation_accuracy"] > 0.1)
    assert chosen == 1
    with pytest.raises(UserError, match=r"None of the 6 networks learnt anything .*at most 10\.0 % .*none is deliv"):
        choose((0.10, 0.09, 0.08), (0.1, 0.1, 0.1), lambda found: found["validation_accuracy"] > 0.1)


def test_what_is_learnt_by_heart_is_delivered_and_told_if_nothing_is_learnt_better() -> None:
    def learnt(found):
        return {0.1: NOTHING, 0.2: BY_HEART, 0.3: BY_HEART}.get(found["validation_accuracy"], LEARNT)

    chosen, _, said = choose((0.1, 0.2, 0.3), (0.1, 0.1, 0.1), learnt)
    assert chosen == 1  # by both ranks: 0 and 1, 1 and 0; the judge's first
    assert said[-1].startswith("None of the 3 networks is clearly better than guessing on the validation images, ")
    chosen, _, said = choose((0.1, 0.2, 0.25), (0.1, 0.1, 0.1), learnt)
    assert chosen == 2
    assert len(said) == 1


def test_a_rung_is_ordered_by_judge_and_losses_together() -> None:
    """Both losses rank a to d 1+2, 3+1, 2+3, 4+4: places 1, 2, 3, 4; with the judge's d, c, b, a all have 5."""
    a, b, c, d = MEMBERS[:4]
    found = {arch: {"validation_loss": validation, "training_loss": training} for arch, validation, training in (
        (a, 1.0, 6.0), (b, 3.0, 5.0), (c, 2.0, 7.0), (d, 4.0, 8.0))}
    by = partial(order, found, learnt=lambda row: True)
    assert by(judged=()) == [a, b, c, d]
    assert by(judged=[d, c, b, a]) == [a, b, c, d]  # equal sums: training
    assert by(judged=[c, b, d, a]) == [b, c, a, d]  # a 1+4, b 2+2, c 3+1, d 4+3: b before c by training
    assert order(found, [a, b, c, d], lambda row: row["validation_loss"] > 1) == [b, c, d, a]


def test_a_random_member_that_wins_has_no_scores() -> None:
    scored = [(arch, {"scores": {"zen": float(i)}}) for i, arch in enumerate(MEMBERS[:3])]
    assert scores_of(MEMBERS[1], scored) == {"scores": {"zen": 1.0}}
    assert scores_of(MEMBERS[5], scored) == {}
