"""The collapse detector on states whose answer is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dcanas.basics.files import read_json
from dcanas.search.gradient.collapse import dominant_eigenvalue, parameter_free_share, warning
from dcanas.spaces import load_space
from dcanas.supernet import Supernet

SPACE = load_space("nasbench201")


FREE = [[True, True, False, False, True]] * 6  # of none, skip, 1x1, 3x3 and average pooling
HISTORIES = read_json(Path(__file__).with_name("histories.json"))


def test_none_skip_and_pooling_have_no_parameters() -> None:
    counts = Supernet(SPACE, channels=4, cells=1, share=True).parameter_counts()
    assert [[not count for count in row] for row in counts] == FREE


def test_a_preference_counts_if_it_is_clear() -> None:
    """Twice as likely as the better convolution: 0.4 against 0.2 is, 0.39 is not, and neither is a convolution."""
    clear, leading, convolution = [0.4, 0.1, 0.2, 0.2, 0.1], [0.39, 0.1, 0.2, 0.21, 0.1], [0.1, 0.1, 0.1, 0.6, 0.1]
    assert parameter_free_share([clear, leading, convolution], FREE[:3]) == pytest.approx(1 / 3)
    assert parameter_free_share([[0.9, 0.1]], [[True, True]]) == 0  # there is nothing to prefer it to


def first_warning(history, finalists=0) -> tuple[int, str] | None:
    """Return the first epoch that is warned of, and the text."""
    rows = [{**row, "parameter_free_share": parameter_free_share(row["mixing"], FREE)} for row in history]
    texts = [warning(rows[:i + 1], finalists) for i in range(len(rows))]
    return next(((i + 1, text) for i, text in enumerate(texts) if text), None)


def test_the_default_run_on_the_digits_is_not_warned_of() -> None:
    """It delivers a network of 98.6 % though in every slot an option without parameters leads, by a little."""
    history = HISTORIES["default run on the digits"]
    assert all(max(row[2:4]) < max(row) for row in history[-1]["mixing"])
    assert first_warning(history) is None


def test_a_search_that_ends_without_a_convolution_is_warned_of() -> None:
    history = HISTORIES["alpha_learning_rate=0.1, no limit"]
    assert [row.index(max(row)) for row in history[-1]["mixing"]] == [0, 4, 0, 4, 0, 0]
    epoch, text = first_warning(history)
    assert epoch == 28
    assert "after epoch 28, 83 % of the slots clearly prefer an option without parameters although no limit " in text
    assert text.endswith("; set search.beta_decay=50, search.strategy=gdas or search.strategy=dirichlet, more "
                         "search.warmup_epochs, or fewer search.epochs.")
    assert "6 candidates are still compared by training" in first_warning(history, 6)[1]


def test_power_iteration_finds_the_eigenvalue_of_a_quadratic_form() -> None:
    """x' A x / 2 over two alphas of two numbers; A = diag(1, -5, 2, 0) turned in the plane of the outer two."""
    turn = torch.eye(4, dtype=torch.float64)
    turn[[0, 0, 3, 3], [0, 3, 0, 3]] = torch.tensor([0.6, -0.8, 0.8, 0.6], dtype=torch.float64)
    matrix = turn @ torch.diag(torch.tensor([1.0, -5.0, 2.0, 0.0], dtype=torch.float64)) @ turn.T

    def loss(alphas):
        x = torch.cat(list(alphas))
        return x @ matrix @ x / 2

    alphas = [torch.ones(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)]
    assert dominant_eigenvalue(loss, alphas) == pytest.approx(-5.0, rel=1e-3)


def test_what_is_warned_of() -> None:
    calm = [{"epoch": e, "parameter_free_share": 0.5, "alpha_eigenvalue": 1.0} for e in range(1, 8)]
    assert warning(calm) is None
    assert "83 % of the slots clearly prefer an option without parameters" in warning(
        [*calm, {"epoch": 8, "parameter_free_share": 5 / 6}])
    pushed = {"epoch": 8, "parameter_free_share": 1.0, "multiplier/params": 0.2}
    assert warning([*calm, pushed]) is None  # the limit asks for it
    assert warning([*calm, pushed | {"multiplier/params": 0.0, "expected_over_limit/params": 0.95}]) is None
    assert warning([*calm, pushed | {"multiplier/params": 0.0, "expected_over_limit/params": 0.5}])  # not by far
    sharper = {"epoch": 8, "parameter_free_share": 0.5, "alpha_eigenvalue": 1.4}
    assert "grew from 1 to 1.4 between epochs 3 and 8" in warning([*calm, sharper])
    assert warning([*calm, sharper | {"alpha_eigenvalue": 1.3}]) is None
