"""The first stages of a pretrained network keep weights and statistics; what lies behind a missing block trains."""

from __future__ import annotations

import pytest
import torch

from dcanas.pretrained import PretrainedParts, PretrainedSettings, load_pretrained
from dcanas.supernet import ElasticSupernet
from dcanas.training import DataSpec, Recipe, load_data, train


@pytest.fixture(scope="module")
def parts() -> PretrainedParts:
    return PretrainedParts(load_pretrained(PretrainedSettings("efficientnet_lite0", frozen_stages=2)))


def built(parts: PretrainedParts, stages: int, missing: tuple[int, int] | None = None) -> torch.nn.Module:
    chosen = [stage._replace(places=tuple(None if (number, place) == missing else kind
                                          for place, kind in enumerate(stage.places)))
              for number, stage in enumerate(parts.whole.stages[:stages])]
    arch = parts.encode(parts.whole._replace(resolution=32, stages=tuple(chosen), head=0))
    return parts.build(arch, 10, 1, **parts.pretrained.skeleton)


@pytest.mark.parametrize(("stages", "missing", "kept"), [
    (7, None, {"stem", "stages.0", "stages.1"}),
    (4, None, {"stem", "stages.0", "stages.1"}),
    (3, None, {"stem", "stages.0"}),  # two stages train at least
    (2, None, {"stem"}),
    (1, None, set()),
    (4, (1, 1), {"stem", "stages.0"}),  # a block of the second stage is absent
    (4, (2, 1), {"stem", "stages.0", "stages.1"}),
])
def test_what_stays_as_it_is(parts, stages, missing, kept) -> None:
    parameters = built(parts, stages, missing).named_parameters()
    frozen = {".".join(name.split(".")[:1 if name.startswith("stem") else 2])
              for name, value in parameters if not value.requires_grad}
    assert frozen == kept


def test_training_changes_neither_weights_nor_statistics_of_the_first_stages(parts) -> None:
    data = load_data(DataSpec("digits"))
    network = built(parts, 4)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    train(network, data, data.train[:64], Recipe(epochs=2, batch_size=32), 0)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    trained = {name for name in before if name.startswith(("stages.2.", "stages.3.", "head."))}
    assert changed <= trained
    assert {name for name in trained if name.endswith((".weight", "running_mean"))} <= changed


def test_without_frozen_stages_everything_trains() -> None:
    free = PretrainedParts(load_pretrained(PretrainedSettings("efficientnet_lite0", frozen_stages=0)))
    assert all(value.requires_grad for value in built(free, 4).parameters())


def test_a_supernet_of_slices_trains_everything(parts) -> None:
    supernet = ElasticSupernet(parts, 10, 1, **parts.pretrained.skeleton)
    assert all(value.requires_grad for value in supernet.parameters())
