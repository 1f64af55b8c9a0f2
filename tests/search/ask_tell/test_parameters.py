"""Independent parameters: any values are a code, and every member comes back from its own."""

from __future__ import annotations

import numpy as np
import optuna
import pytest

from dcanas.search.ask_tell.parameters import Parameters
from dcanas.spaces import load_space

BOUNDS = {"resolution": 224, "stem": [16, 24], "expansion": [2, 4], "width": [[16], [24], [24], [40], [48], [80], [96]],
          "depth": [1, 2], "stride": [2, 1, 2, 1, 2, 1, 2], "kernel": [3, 5], "head": [128, 256]}


def spaces():
    yield "nasbench201", load_space("nasbench201")
    yield "darts", load_space("darts")
    yield "fbnet", load_space("fbnet")
    yield "mobilenetv2", load_space("mobilenetv2")
    yield "mobilenetv2 within bounds", load_space("mobilenetv2").within(BOUNDS)
    yield "mbconv within bounds", load_space("mbconv").within({**BOUNDS, "stages": [3, 7], "depth": [1, 2, 3]})


@pytest.mark.parametrize(("name", "space"), list(spaces()), ids=lambda v: v if isinstance(v, str) else "")
def test_members_come_back(name, space):
    parameters, rng = Parameters(space), np.random.default_rng(0)
    for _ in range(20):
        arch = space.sample(rng)
        assert parameters.decode(parameters.encode(arch)) == arch
        assert parameters.from_params(parameters.params(arch)) == arch


@pytest.mark.parametrize(("name", "space"), list(spaces()), ids=lambda v: v if isinstance(v, str) else "")
def test_any_values_are_a_code(name, space):
    parameters, rng = Parameters(space), np.random.default_rng(1)
    for _ in range(20):
        arch = parameters.decode([int(rng.integers(len(p.labels))) for p in parameters.parameters])
        assert all(c in space.reachable()[i] for i, c in enumerate(arch.choices))
        assert space.is_dead(arch) or space.is_member(space.prune(arch))


def test_a_node_of_darts_is_a_pair_and_two_operations():
    """Node k has k inputs: 1, 3, 6 and 10 pairs; 7 operations; 8 nodes: the product is the number of codes."""
    space = load_space("darts")
    counts = [len(p.labels) for p in Parameters(space).parameters]
    assert counts == [1, 7, 7, 3, 7, 7, 6, 7, 7, 10, 7, 7] * 2
    assert np.prod([float(c) for c in counts]) == pytest.approx(space.size)


def test_optuna_draws_valid_genotypes():
    space = load_space("darts")
    parameters = Parameters(space)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(5):
        trial = study.ask(parameters.distributions())
        arch = parameters.from_params(trial.params)
        assert space.parse(space.format(arch)) == arch
