"""The prior of published accuracies, against arithmetic, scikit-learn's ridge and the tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from dcanas.basics.errors import UserError
from dcanas.benchmarks.judged_data import judged_data
from dcanas.benchmarks.prior_folds import all_features, crossfitted, equal_members
from dcanas.costs.members import member_choices
from dcanas.proxies.prior import feature_parts, features, fit, load_prior, log_odds, prior_for
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def test_features_of_a_cell_by_hand() -> None:
    """Two paths are live: 0->3 by a 1x1 convolution, and 0->1->2->3 by a 3x3 convolution, a skip and a pooling. So: one
    skip, 1x1, 3x3 and pooling; two paths, none of skips alone; convolutions along them 1 and 1, 3x3 ones 0 and 1,
    poolings 0 and 1 (each largest, smallest, sum)."""
    arch = SPACE.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|")
    parts = feature_parts(np.array([arch.choices]))
    assert {name: part.sum() for name, part in parts.items()} == {"edges": 6, "pairs": 15, "paths": 2, "numbers": 15}
    assert parts["numbers"].reshape(15, 10).argmax(1).tolist() == [1, 1, 1, 1, 2, 0, 1, 1, 2, 1, 0, 1, 1, 0, 1]
    assert parts["edges"].reshape(6, 5).argmax(1).tolist() == list(arch.choices)
    assert np.flatnonzero(parts["paths"][0]).tolist() == [2, 5 + 25 + 25 + 25 * 3 + 5 * 1 + 4]


def test_log_odds_by_hand() -> None:
    """Ranks 1, 2.5, 2.5, 4 of 4 are the odds 1 to 7, 1 to 1, 1 to 1, 7 to 1; their deviation is log 7 / sqrt 2."""
    assert log_odds(np.array([10.0, 90.0, 90.0, 93.0])) == pytest.approx([-math.sqrt(2), 0, 0, math.sqrt(2)])


def test_the_fit_is_scikit_learns_ridge() -> None:
    choices = member_choices(SPACE)[::30]
    targets = np.random.default_rng(0).normal(size=len(choices))
    peer = Ridge(alpha=30.0, fit_intercept=False, solver="cholesky").fit(features(choices).astype(float), targets)
    assert features(choices) @ fit(features(choices), targets) == pytest.approx(
        peer.predict(features(choices).astype(float)), abs=1e-3)


def test_a_member_is_never_judged_by_its_own_accuracy_or_its_equals() -> None:
    """Other accuracies of one class change nothing that is said of its members, and something elsewhere."""
    rng = np.random.default_rng(0)
    accuracies = rng.uniform(50, 95, len(member_choices(SPACE)))
    known = all_features()[:, :30]
    first = crossfitted({"cifar10": accuracies}, 0, known=known)
    sizes = np.bincount(equal_members())
    mine = equal_members() == sizes.argmax()
    assert mine.sum() > 1
    other = crossfitted({"cifar10": np.where(mine, 99.0, accuracies)}, 0, known=known)
    assert (other[mine] == first[mine]).all()
    assert (other != first).mean() > 0.5
    assert crossfitted({"cifar10": accuracies, "cifar100": np.where(mine, 99.0, accuracies)}, 0, known=known) == \
        pytest.approx((first + other) / 2)
    with pytest.raises(UserError, match="no published table of another data set"):
        crossfitted({}, 0)
    with pytest.raises(UserError, match="cifar10 has accuracies of 49 members; a prior needs at least 50"):
        crossfitted({"cifar10": np.where(np.arange(len(accuracies)) < 49, accuracies, np.nan)}, 0)


@pytest.mark.parametrize(("name", "classes", "fitted_to"), [
    ("cifar10", CIFAR10, ("cifar100",)), ("cifar100", ("apple", "bear"), ("cifar10",)),
    ("folder", CIFAR10, ("cifar100",)), ("folder", ("Dog", "cat"), ("cifar100",)),
    ("folder", ("maple tree", "worm"), ("cifar10",)), ("folder", ("dog", "sofa"), ("cifar10", "cifar100")),
    ("digits", tuple("0123456789"), ("cifar10", "cifar100"))])
def test_images_are_never_judged_by_what_they_taught(name, classes, fitted_to) -> None:
    prior = prior_for(name, classes)
    assert prior.data == fitted_to
    parts = [load_prior({"cifar10", "cifar100"} - {data}).weights for data in fitted_to]
    assert prior.weights == pytest.approx(np.mean(parts, axis=0))


def test_a_prior_that_would_look_up_the_answer_is_refused() -> None:
    with pytest.raises(UserError, match="cifar10 and cifar100 only, the data to be judged"):
        load_prior(("cifar10", "cifar100"))


def test_what_is_shipped_is_what_the_table_says(tables) -> None:
    for data in ("cifar10", "cifar100"):
        weights = fit(all_features(), log_odds(judged_data(data).test))
        (other,) = {"cifar10", "cifar100"} - {data}
        assert load_prior((other,)).weights == pytest.approx(weights, abs=2e-3)
