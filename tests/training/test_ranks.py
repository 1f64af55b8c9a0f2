"""Several processes that train one network: equal to one that normalises over the same parts of each batch."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from recording import Recording
from torch import Tensor, nn
from two_ranks import run_two

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.keys import derive_seed
from dcanas.training import DataSpec, Recipe, batch_bounds, load_data, make_augment, train
from dcanas.training.ranks import Ranks

RECIPE = Recipe(epochs=3, batch_size=45, learning_rate=0.05, warmup_epochs=1, rotation=5.0, cutout=0.25)
IMAGES, SEED = 401, 7  # nine batches, the last of 41: two parts of unequal size


class Network(nn.Module):
    """Batch norm, whose statistics are each process's own, and a layer that no output needs (a dead operation)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
                                  nn.AvgPool2d(2), nn.Flatten(), nn.Linear(128, 10))
        self.dead = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


def work(ranks: Ranks, folder: Path) -> None:
    """Train in one go, then stopped and resumed."""
    data, rank = load_data(DataSpec()), ranks.rank
    assert ranks.any(rank == 1)
    assert not ranks.any(False)
    network = Network()
    if rank:
        nn.init.zeros_(network.body[0].weight)  # rank 0's weights are everyone's
    history = train(network, data, data.train[:IMAGES], RECIPE, SEED, ranks=ranks)
    torch.save([history, network.state_dict()], folder / f"straight-{rank}.pt")
    heard = Recording(12 if rank == 1 else None)
    with suppress(Stopped):  # only the second process asks to stop, and both do; both go on from what the first wrote
        train(Network(), data, data.train[:IMAGES], RECIPE, SEED, folder=folder / "checkpoints", hooks=heard,
              ranks=ranks)
    assert heard.steps[-1] == 12
    resumed = Network()
    dist.barrier()
    history = train(resumed, data, data.train[:IMAGES], RECIPE, SEED, folder=folder / "checkpoints", ranks=ranks)
    torch.save([history, resumed.state_dict()], folder / f"resumed-{rank}.pt")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Folder with what two processes left: history and weights, in one go and resumed."""
    folder = tmp_path_factory.mktemp("ranks")
    run_two(__file__, folder, 120)
    return folder


def load(path: Path) -> tuple[list[dict], dict[str, Tensor]]:
    history, state = torch.load(path, weights_only=True)
    return history, state


def one_process() -> tuple[list[float], Network]:
    """The same in one process: both halves of a batch normalised by themselves, their losses averaged by size."""
    data, network = load_data(DataSpec()), Network()
    augment, indices = make_augment(data, RECIPE), data.train[:IMAGES]
    optimiser = torch.optim.SGD([
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": RECIPE.weight_decay},
        {"params": [p for p in network.parameters() if p.ndim == 1], "weight_decay": 0.0}],
        lr=1.0, momentum=0.9, nesterov=True)
    curve, step, bounds = [], 0, batch_bounds(IMAGES, 45)
    for epoch in range(3):
        order = np.random.default_rng(derive_seed(SEED, "order", epoch)).permutation(indices)
        total = 0.0
        for start, stop in bounds:
            batch = order[start:stop]
            images = augment(torch.from_numpy(data.images[batch]), derive_seed(SEED, "augment", step))
            labels = torch.from_numpy(data.labels[batch])
            middle, loss = len(batch) // 2, 0.0
            optimiser.zero_grad()
            for part in (slice(0, middle), slice(middle, None)):
                kept = [buffer.clone() for buffer in network.buffers()]
                losses = nn.functional.cross_entropy(network(images[part]), labels[part], reduction="none",
                                                     label_smoothing=0.1)
                (losses.sum() / len(batch)).backward()
                loss += float(losses.detach().sum()) / len(batch)
                if part.start:  # statistics for later are those of the first process
                    for buffer, value in zip(network.buffers(), kept, strict=True):
                        buffer.copy_(value)
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            for group in optimiser.param_groups:
                group["lr"] = RECIPE.rate(step, len(bounds))
            optimiser.step()
            total, step = total + loss * len(batch), step + 1
        curve.append(total / IMAGES)
    return curve, network


@pytest.mark.slow
def test_two_processes_equal_one_that_normalises_over_the_same_halves(two):
    (history, first), (_, second) = load(two / "straight-0.pt"), load(two / "straight-1.pt")
    curve, network = one_process()
    assert [row["loss"] for row in history] == pytest.approx(curve, abs=1e-4)
    assert curve[2] < curve[0] - 0.3  # it has learnt
    for name, value in network.state_dict().items():
        torch.testing.assert_close(first[name], value, rtol=0, atol=1e-4)
        if "running" not in name:
            assert torch.equal(first[name], second[name]), name
    assert torch.equal(first["dead.weight"], Network().dead.weight)  # no gradient, so no decay either


@pytest.mark.slow
def test_halves_are_not_the_whole(two):
    """The equality above says something: normalised over whole batches the curve is another."""
    data, network = load_data(DataSpec()), Network()
    whole = train(network, data, data.train[:IMAGES], RECIPE, SEED)
    history, _ = load(two / "straight-0.pt")
    difference = max(abs(a["loss"] - b["loss"]) for a, b in zip(whole, history, strict=True))
    assert 1e-4 < difference < 0.2


@pytest.mark.slow
def test_stopped_and_resumed_they_end_in_the_same_bits(two):
    for rank in range(2):
        (history, straight), (again, resumed) = load(two / f"straight-{rank}.pt"), load(two / f"resumed-{rank}.pt")
        assert again == history
        for name, value in straight.items():
            if rank == 0 or "running" not in name:
                assert torch.equal(value, resumed[name]), name


def test_parts_cover_a_batch_and_differ_by_at_most_one():
    for images in range(6, 50):
        parts = [Ranks(rank, 3).part(images) for rank in range(3)]
        assert [i for start, stop in parts for i in range(start, stop)] == list(range(images))
        sizes = [stop - start for start, stop in parts]
        assert max(sizes) - min(sizes) <= 1


def test_a_batch_too_small_for_the_processes_is_refused():
    with pytest.raises(UserError, match=r"batch_size=6 is too small for 4 processes: .* set it to 8 or more"):
        Ranks(0, 4).check(6)
