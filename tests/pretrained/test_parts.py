"""The parts of a pretrained network as a space: what is drawn, its neighbours, its weights and its costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dcanas.basics.errors import UserError
from dcanas.costs import count_architecture, count_network
from dcanas.pretrained import PretrainedParts, PretrainedSettings, load_pretrained, slice_state
from dcanas.pretrained.parts import SIDES


@pytest.fixture(scope="module")
def parts() -> PretrainedParts:
    return PretrainedParts(load_pretrained(PretrainedSettings("efficientnet_lite0")))


def test_what_is_drawn_and_its_neighbours_are_parts_of_the_network(parts) -> None:
    rng, whole = np.random.default_rng(0), parts.whole
    stages, heads = set(), set()
    for _ in range(200):
        arch = parts.sample(rng)
        for part in (arch, parts.mutate(arch, rng)):
            chain = parts.chain(part)
            assert parts.is_member(part)
            assert chain.resolution in SIDES
            assert chain.stem == whole.stem
            for mine, its in zip(chain.stages, whole.stages, strict=False):
                assert (mine.width, mine.stride) == (its.width, its.stride)
                assert all(kind is None or (kind.kernel <= its.places[place].kernel
                                            and kind.expansion <= its.places[place].expansion)
                           for place, kind in enumerate(mine.places))
            assert chain.head in ((0, whole.head) if len(chain.stages) == len(whole.stages) else (0,))
            stages.add(len(chain.stages))
            heads.add(chain.head)
    assert stages == set(range(1, 8))
    assert heads == {0, 1280}
    assert parts.pretrained.architecture in {parts.prune(parts.encode(whole._replace(resolution=224)))}


def test_what_is_built_starts_from_the_weights_and_costs_what_is_counted(parts) -> None:
    rng = np.random.default_rng(1)
    for channels in (3, 1):
        arch = parts.sample(rng)
        skeleton = dict(parts.pretrained.skeleton)
        network = parts.build(arch, 7, channels, **skeleton)
        taken = slice_state(parts.pretrained, arch, channels)
        assert all(torch.equal(network.state_dict()[name], value) for name, value in taken.items())
        record = parts.taken_over(arch, channels)
        assert record.tensors == len(taken)
        assert record.parameters == sum(p.numel() for name, p in network.named_parameters() if name in taken)
        shape = parts.input_shape(arch, (channels, 32, 32), **skeleton)
        assert count_architecture(parts, arch, (channels, 32, 32), 7, **skeleton) == count_network(network, shape)


def test_the_largest_image_bounds_the_resolutions(parts) -> None:
    small = PretrainedParts(parts.pretrained, 50)
    drawn = {small.chain(small.sample(np.random.default_rng(seed))).resolution for seed in range(50)}
    assert drawn == {32, 40, 48}
    with pytest.raises(UserError, match=r"take images of at least 32 pixels, and data\.size=31; raise it, leave"):
        PretrainedParts(parts.pretrained, 31)
