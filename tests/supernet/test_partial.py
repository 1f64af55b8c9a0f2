"""Partial channels, edge normalisation and one-hot passes of the supernet."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from dcanas.basics.errors import UserError
from dcanas.search.gradient.edges import EdgeWeights
from dcanas.spaces import load_space
from dcanas.supernet import Supernet
from dcanas.supernet.partial import shuffle

SPACE, DARTS = load_space("nasbench201"), load_space("darts")
CPU = torch.device("cpu")


def images(count: int = 4) -> Tensor:
    return torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def mixing(space, seed: int = 2) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.softmax(torch.randn(len(s.options), generator=generator), 0) for s in space.slots]


def make(space, **options) -> Supernet:
    torch.manual_seed(0)
    return Supernet(space, channels=8, cells=3 if space is DARTS else 1, **options)


def test_shuffle_deals_the_groups_out() -> None:
    """Channels 0..5 in two groups (0 1 2)(3 4 5) are dealt in turn: 0 3 1 4 2 5."""
    assert shuffle(torch.arange(6.0).view(1, 6, 1, 1), 2).flatten().tolist() == [0, 3, 1, 4, 2, 5]


@pytest.mark.parametrize("space", [SPACE, DARTS], ids=lambda s: s.name)
def test_a_node_is_the_shuffled_join_of_candidates_and_what_passes_by(space) -> None:
    """Written out for one cell edge by edge as PC-DARTS has it: every edge joins and shuffles, the node sums."""
    net, weights = make(space, partial_channels=4), mixing(space)
    cell = net.cells[-1]
    passes: list[tuple[tuple[Tensor, ...], Tensor]] = []
    cell.register_forward_hook(lambda module, inputs, output: passes.append((inputs, output)))
    net(torch.randn(2, 3, 32, 32), weights)
    ((inputs, output),) = passes
    nodes = dict(enumerate(inputs))
    for slot, (source, target), stride in zip(cell.spec.slots, cell.spec.edges, cell.spec.strides, strict=True):
        x = nodes[source]
        through = x[:, :x.shape[1] // 4]
        candidates = [(w, cell.candidates.get((slot, o))) for o, w in zip(space.slots[slot].options, weights[slot],
                                                                    strict=True)]
        mixed = sum(w * op(through) for w, op in candidates if op is not None)
        rest = x[:, x.shape[1] // 4:]
        rest = F.max_pool2d(rest, 2) if stride == 2 else rest
        value = shuffle(torch.cat([mixed, rest], 1), 4)
        nodes[target] = nodes[target] + value if target in nodes else value
    assert torch.allclose(output, torch.cat([nodes[n] for n in cell.spec.outputs], 1), atol=1e-5)


def test_candidates_see_a_quarter_of_the_channels() -> None:
    """A 3x3 convolution has in x out x 9 weights: a quarter of both is a sixteenth."""
    full, part = make(SPACE), make(SPACE, partial_channels=4)

    def weights(net: Supernet) -> int:
        return sum(p.numel() for p in net.cells[0].candidates[0, "nor_conv_3x3"].parameters())

    assert weights(full) == 16 * weights(part)


def test_equal_edges_scale_every_node_by_the_number_of_its_edges() -> None:
    net, weights = make(SPACE), mixing(SPACE)
    edges = EdgeWeights(net, CPU)
    scaled = edges(weights)
    incoming = [1, 2, 2, 3, 3, 3]  # edges into nodes 1, 2 and 3 in the order of the slots
    for row, scaled_row, count in zip(weights, scaled, incoming, strict=True):
        assert torch.allclose(scaled_row, row / count)
    with torch.no_grad():
        edges.betas += torch.randn(6, generator=torch.Generator().manual_seed(0))
    shares = edges.logarithms().exp()
    assert [float(shares[slots].sum()) for slots in edges.meeting] == pytest.approx([1, 1, 1])
    assert sorted(map(len, edges.meeting)) == [1, 2, 3]


@pytest.mark.parametrize("partial", [1, 2])
def test_only_what_is_chosen_runs_and_the_logits_are_those_of_one_hot_mixing(partial: int) -> None:
    """The chosen code leaves nodes that nothing reaches, and operations behind them."""
    net = make(SPACE, partial_channels=partial)
    calls = []
    for name, op in net.cells[0].operations.items():
        op.register_forward_hook(lambda *_, name=name: calls.append(name))
    for choices in ((3, 0, 2, 1, 0, 4), (0, 0, 3, 2, 3, 0), (0, 0, 0, 0, 0, 0)):
        rows = [F.one_hot(torch.tensor(c), 5).float() for c in choices]
        whole = net(images(), rows)
        calls.clear()
        chosen = net(images(), rows, choices)
        assert torch.allclose(chosen, whole, atol=1e-5)
        assert len(calls) <= sum(c != 0 for c in choices)


def test_darts_cells_that_nothing_reaches_give_zeros_of_the_right_shape() -> None:
    net = make(DARTS)
    rows = [F.one_hot(torch.tensor(0), len(s.options)).float() for s in DARTS.slots]
    assert torch.allclose(net(images(), rows, (0,) * 28), net(images(), rows), atol=1e-5)


@pytest.mark.parametrize(("space", "options", "message"), [
    ("fbnet", {"partial_channels": 4}, r"partial_channels=4 needs cells that keep .* one of fbnet turns 16 into 24"),
    ("nasbench201", {"partial_channels": 3, "channels": 8}, r"must divide the supernet's channels, 8 here; choose"),
    ("nasbench201", {"partial_channels": 4, "channels": 8, "bottleneck": 4}, r"2 here \(behind search\.bottleneck=4\)"),
])
def test_what_partial_channels_cannot_do_is_refused(space: str, options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Supernet(load_space(space), **options)


def test_edge_normalisation_means_nothing_where_no_edges_meet() -> None:
    with pytest.raises(UserError, match=r"edge_normalisation=true has no effect in fbnet"):
        EdgeWeights(Supernet(load_space("fbnet")), CPU)
