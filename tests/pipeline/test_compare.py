"""Hand-made networks to compare with: the size of their images, and that weights given for another are not theirs."""

from __future__ import annotations

import numpy as np
import torch

from dcanas.basics.checkpoints import save_weights
from dcanas.basics.files import write_json
from dcanas.costs import Budget, count_macs
from dcanas.pipeline.compare import _candidates, _choose
from dcanas.pipeline.configure import composed, configured
from dcanas.pipeline.context import Context
from dcanas.pipeline.delivered import images_for
from dcanas.pipeline.rival import described
from dcanas.pretrained import PretrainedParts
from dcanas.search.handmade import families
from dcanas.spaces import load_space


def made(folder, choices, **changes) -> Context:
    stated = {key.replace("__", "."): value for key, value in changes.items()}
    return Context(*configured(*composed(choices, {"run.dir": str(folder), "run.threads": 1, **stated})), "dcanas run")


def test_from_pretrained_weights_families_take_images_of_the_searched_size(tmp_path) -> None:
    """Counted in torch at that size they keep the limit; chosen for half of it, they would break it."""
    run = made(tmp_path / "run", {"space": "mbconv", "search": "random"}, pretrained__name="efficientnet_lite0",
               device=["raspi4"], data__fraction=0.1, data__size=64, budget__macs=3e7)
    (device,), space = run.devices, run.space
    assert isinstance(space, PretrainedParts)
    part = space.encode(space.whole._replace(resolution=64, stages=space.whole.stages[:3], head=0))
    write_json(run.search_folder / "key.json", {"key": "a search"})
    write_json(run.device_folder(device) / "architecture.json", {
        "space": "mbconv", "architecture": space.format(part), "skeleton": run.skeleton})
    assert run.dataset.shape == (1, 32, 32)
    candidates = _candidates(run, device, Budget(macs=3e7))
    assert {network.family for network in candidates} == set(families)
    for network in candidates:
        derived = described(network)
        own = load_space(derived["space"])
        built = own.build(own.parse(derived["architecture"]), 10, 1, **derived["skeleton"])
        assert derived["size"] == [64, 64]
        assert images_for(run, derived).shape == (1, 64, 64)
        assert 1e7 < count_macs(built, (1, 64, 64)) <= 3e7, network.name


def test_families_are_trained_briefly_without_the_weights_that_training_starts_from(tmp_path) -> None:
    """A file with nothing that fits any of them is refused by a training that starts from it."""
    save_weights(tmp_path / "other.pt", {"unknown.weight": torch.zeros(3)})
    stated = {"data__fraction": 0.1, "train__epochs": 1}
    found = []
    for name, more in (("plain", {}), ("given", {"train__init": str(tmp_path / "other.pt")})):
        run = made(tmp_path / name, {}, **stated, **more)
        candidates = _candidates(run, run.devices[0], Budget(params=5000))
        assert all("size" not in described(network) for network in candidates)
        _, tried = _choose(run, run.devices[0], tmp_path / f"{name}-baseline", candidates)
        found.append([row["validation_loss"] for row in tried])
    assert found[0] == found[1]
    assert np.isfinite(found).all()
