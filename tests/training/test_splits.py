"""Stratified splits by image and by group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcanas.basics.errors import UserError
from dcanas.training import DataSpec, load_data
from dcanas.training.splits import halves, split

SHARES = {"train": 0.64, "validation": 0.16, "test": 0.2}
LEAST = {"train": 2, "validation": 1, "test": 1}


@settings(max_examples=50, deadline=None)
@given(counts=st.lists(st.integers(4, 60), min_size=2, max_size=6), seed=st.integers(0, 1000))
def test_every_class_is_divided_in_proportion(counts, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    parts = split(labels, SHARES, LEAST, tuple("abcdef"[:len(counts)]), seed)
    assert np.array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(len(labels)))
    for name, positions in parts.items():
        found = np.bincount(labels[positions], minlength=len(counts))
        assert (found >= LEAST[name]).all()
        assert (np.abs(found - SHARES[name] * np.array(counts)) <= 1.5).all()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), classes=st.integers(2, 4), groups=st.integers(5, 12))
def test_groups_that_belong_to_one_class_can_always_be_dealt_out(seed, classes, groups):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 8, classes * groups)
    group = np.repeat(np.arange(classes * groups), sizes)
    labels = group // groups
    parts = split(labels, SHARES, LEAST, tuple("abcd"[:classes]), seed, group)
    assert sum(len(p) for p in parts.values()) == len(labels)
    for name, positions in parts.items():
        assert (np.bincount(labels[positions], minlength=classes) >= LEAST[name]).all()
        others = np.setdiff1d(np.arange(len(labels)), positions)
        assert not np.intersect1d(group[positions], group[others]).size


def test_patients_with_images_of_every_class():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 30, 600)
    labels = rng.integers(0, 3, 600)
    parts = split(labels, SHARES, LEAST, ("a", "b", "c"), 0, group)
    for name, positions in parts.items():
        assert len(positions) / 600 == pytest.approx(SHARES[name], abs=0.04)
        shares = np.bincount(labels[positions]) / np.bincount(labels)
        assert shares == pytest.approx([SHARES[name]] * 3, abs=0.08)


def test_other_seeds_give_other_splits():
    labels = np.repeat([0, 1], 50)
    group = np.arange(100) // 5
    for kept in (None, group):
        one, same, other = (split(labels, SHARES, LEAST, ("a", "b"), s, kept)["test"] for s in (1, 1, 2))
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)


def test_too_few_images_name_the_class():
    with pytest.raises(UserError, match=r"Class 'b' has 1 image, but the splits need at least 4"):
        split(np.array([0, 0, 0, 0, 1]), SHARES, LEAST, ("a", "b"), 0)


def test_halves_divide_the_training_split():
    data = load_data(DataSpec())
    weights, alphas = halves(data, 0)
    assert np.array_equal(np.sort(np.concatenate([weights, alphas])), np.sort(data.train))
    difference = np.bincount(data.labels[weights]) - np.bincount(data.labels[alphas])
    assert np.abs(difference).max() <= 1
    assert not np.array_equal(weights, halves(data, 1)[0])
