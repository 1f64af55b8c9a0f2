"""The supernet against discrete networks, finite differences, counted calls and counted MACs."""

from __future__ import annotations

import copy
from collections import Counter

import numpy as np
import pytest
import torch
from one_member import run_member
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from dcanas.basics.errors import UserError
from dcanas.spaces import Architecture, CellSpec, load_space
from dcanas.spaces.nasbench201_network import Cell
from dcanas.supernet import Supernet
from dcanas.supernet.cell import SuperCell

SPACE = load_space("nasbench201")
EDGES = 6
OPTIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
SETTINGS = [(1, False), (1, True), (2, False), (4, True)]


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def supernet(bottleneck: int = 1, share: bool = False, channels: int = 8, cells: int = 1,
             seed: int = 0) -> Supernet:
    torch.manual_seed(seed)
    return Supernet(SPACE, bottleneck=bottleneck, share=share, channels=channels, cells=cells)


def images(count: int = 4, size: int = 8) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def softmax_mixing(seed: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.softmax(torch.randn(EDGES, len(OPTIONS), generator=generator), dim=1)


def one_hot(arch: Architecture) -> Tensor:
    return F.one_hot(torch.tensor(arch.choices), len(OPTIONS)).float()


def some_members(count: int) -> list[Architecture]:
    rng = np.random.default_rng(0)
    return [SPACE.sample(rng) for _ in range(count)]


def counted_calls(net: Supernet) -> Counter[str]:
    """Count the forward calls of the first cell's candidates by option, from now on."""
    calls: Counter[str] = Counter()
    for key, candidate in net.cells[0].operations.items():
        candidate.register_forward_hook(lambda *_, key=key: calls.update([key.partition(":")[2]]))
    return calls


def copy_member(net: Supernet, arch: Architecture) -> nn.Module:
    """Return the discrete network of `arch` with a plain supernet's weights; its own batch norm is fresh."""
    discrete = SPACE.build(arch, **net.skeleton).train()
    for block, source in zip(discrete.blocks, net.network.blocks, strict=True):
        if isinstance(block, Cell):
            for edge, operation in block.edges.items():
                candidate = source.candidates.get((int(edge), OPTIONS[arch.choices[int(edge)]]))
                operation.load_state_dict(candidate.state_dict(), strict=False)
        else:
            block.load_state_dict(source.state_dict(), strict=False)
    return discrete


def untied(shared: Supernet) -> Supernet:
    """Return a supernet without sharing in which every edge holds a copy of its source's candidates."""
    net = Supernet(SPACE, bottleneck=shared.bottleneck, share=False, **shared.skeleton)
    own = {k: v for k, v in shared.state_dict().items() if ".operations." not in k}
    missing = net.load_state_dict(own, strict=False)
    assert not missing.unexpected_keys
    for cell, source in zip(net.cells, shared.cells, strict=True):
        for edge in range(EDGES):
            for option in OPTIONS[1:]:
                cell.candidates[edge, option].load_state_dict(source.candidates[edge, option].state_dict())
    return net


@pytest.mark.parametrize(("share", "per_option"), [(False, 6), (True, 3)])
@pytest.mark.parametrize("bottleneck", [1, 4])
def test_operation_calls_are_edges_or_source_nodes_times_built_options(share, per_option, bottleneck):
    net = supernet(bottleneck, share)
    calls = counted_calls(net)
    net(images(), softmax_mixing())
    assert calls == dict.fromkeys(OPTIONS[1:], per_option)  # source nodes 0, 1, 2; `none` is never built


def test_member_runs_nothing_but_its_live_operations():
    arch = SPACE.parse("|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|avg_pool_3x3~2|")
    net, shared = supernet(), supernet(share=True)
    calls, shared_calls = counted_calls(net), counted_calls(shared)
    run_member(net, images(), arch)
    run_member(shared, images(), arch)
    assert calls == {"nor_conv_3x3": 2, "skip_connect": 1, "avg_pool_3x3": 1}
    assert shared_calls == {"nor_conv_3x3": 1, "skip_connect": 1, "avg_pool_3x3": 1}
    dangling = SPACE.parse("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|")
    calls.clear()
    run_member(net, images(), dangling)
    assert calls == {"skip_connect": 1}


@pytest.mark.parametrize("training", [True, False])
def test_one_hot_mixing_is_the_discrete_network(training):
    net = supernet(channels=4, cells=2).train(training)
    for arch in some_members(8):
        with torch.no_grad():
            torch.testing.assert_close(net(images(), one_hot(arch)), copy_member(net, arch)(images()),
                                       atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("bottleneck", "share"), SETTINGS)
def test_member_equals_one_hot_mixing(bottleneck, share):
    net = supernet(bottleneck, share)
    dead = SPACE.architecture([3, 3, 3, 0, 0, 0])
    with torch.no_grad():
        for arch in [*some_members(6), dead]:
            torch.testing.assert_close(run_member(net, images(), arch), net(images(), one_hot(arch)),
                                       atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("bottleneck", [1, 4])
def test_sharing_equals_tied_weights(bottleneck):
    shared = supernet(bottleneck, share=True)
    results = []
    for net in (shared, untied(shared)):
        mixing = softmax_mixing().requires_grad_()
        logits = net(images(), mixing)
        F.cross_entropy(logits, torch.arange(4)).backward()
        results.append((logits.detach(), mixing.grad))
    torch.testing.assert_close(results[0], results[1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("bottleneck", "share"), SETTINGS)
def test_gradient_of_the_mixing_is_that_of_finite_differences(bottleneck, share):
    net = supernet(bottleneck, share, channels=4).double()
    x, labels = images(3, 6).double(), torch.arange(3)
    mixing = softmax_mixing().double().requires_grad_()

    def loss(weights: Tensor) -> Tensor:
        return F.cross_entropy(net(x, weights), labels)

    loss(mixing).backward()
    step = 1e-6
    with torch.no_grad():
        numeric = torch.zeros_like(mixing)
        for i in np.ndindex(*mixing.shape):
            shift = torch.zeros_like(mixing)
            shift[i] = step
            numeric[i] = (loss(mixing + shift) - loss(mixing - shift)) / (2 * step)
    assert numeric[:, 1:].abs().min() > 0
    assert torch.linalg.vector_norm(mixing.grad - numeric) <= 1e-4 * torch.linalg.vector_norm(numeric)
    assert not mixing.grad[:, 0].any()  # `none` adds zero whatever its weight


def test_second_order_steps_see_the_mixing():
    """d/d mixing of |d loss / d weights|^2 against finite differences, as unrolled search steps need it."""
    net = supernet(2, True, channels=4).double()
    x, labels = images(3, 6).double(), torch.arange(3)
    weight = net.cells[0].candidates[0, "nor_conv_3x3"][1].weight

    def squared(mixing: Tensor) -> Tensor:
        loss = F.cross_entropy(net(x, mixing), labels)
        return torch.autograd.grad(loss, weight, create_graph=True)[0].square().sum()

    mixing = softmax_mixing().double().requires_grad_()
    analytic, = torch.autograd.grad(squared(mixing), mixing)
    direction = torch.randn(mixing.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    step = 1e-7  # small: between two points on different sides of a ReLU's kink the gradient jumps
    numeric = (squared(mixing + step * direction) - squared(mixing - step * direction)) / (2 * step)
    torch.testing.assert_close((analytic * direction).sum(), numeric, rtol=1e-4, atol=0)


def test_mixing_may_be_a_list_of_rows():
    net, mixing = supernet(), softmax_mixing()
    with torch.no_grad():
        assert torch.equal(net(images(), mixing), net(images(), list(mixing)))


@pytest.mark.parametrize("bottleneck", [2, 4])
def test_skips_are_the_identity_between_the_narrow_nodes(bottleneck):
    """All edges skip: four paths lead from input to output (0-3, 0-1-3, 0-2-3, 0-1-2-3)."""
    net = supernet(bottleneck, True)
    found = []
    for cell in net.cells:
        cell.register_forward_hook(lambda cell, given, made: found.append((cell, given[0], made)))
    with torch.no_grad():
        run_member(net, images(), SPACE.architecture([1] * EDGES))
    assert len(found) == 3
    for cell, given, made in found:
        both = (cell.widen.weight @ cell.narrow[0].weight)[:, :, None, None]
        torch.testing.assert_close(made, 4 * F.conv2d(given, both), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("bottleneck", "share"), SETTINGS)
def test_cells_keep_their_width(bottleneck, share):
    net = supernet(bottleneck, share, channels=8, cells=2)
    shapes = []
    for cell in net.cells:
        cell.register_forward_hook(lambda _cell, given, made: shapes.append((given[0].shape, made.shape)))
    assert net(images(2, 8), softmax_mixing()).shape == (2, 10)
    wanted = [(2, 8, 8, 8)] * 2 + [(2, 16, 4, 4)] * 2 + [(2, 32, 2, 2)] * 2
    assert shapes == [(shape, shape) for shape in wanted]


def test_macs_of_candidate_convolutions_fall_with_the_square_of_the_bottleneck():
    macs = {}
    for bottleneck in (1, 2, 4):
        net = supernet(bottleneck, channels=16)
        candidate = net.cells[0].candidates[0, "nor_conv_3x3"]
        with FlopCounterMode(display=False) as counter:
            candidate(torch.randn(1, 16 // bottleneck, 8, 8))
        macs[bottleneck] = counter.get_total_flops() // 2
    assert macs == {1: 9 * 16 * 16 * 64, 2: 9 * 8 * 8 * 64, 4: 9 * 4 * 4 * 64}


def test_macs_of_a_plain_step_are_those_of_all_candidates():
    """Stem, reductions and head (the published counts at n3 = n1 = 0), plus 6 times 3x3 and 1x1 per cell."""
    net = supernet(channels=16, cells=5)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(images(1, 32), softmax_mixing())
    cells = sum(5 * 6 * (9 + 1) * c * c * s * s for c, s in ((16, 32), (32, 16), (64, 8)))
    assert counter.get_total_flops() // 2 == 7_783_040 + cells


def test_batch_norm_keeps_no_running_statistics_and_is_plain_in_candidates():
    net = supernet(4, True)
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    assert all(m.running_mean is None and not m.track_running_stats for m in norms)
    inside = [m for cell in net.cells for m in cell.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(inside) == 3 * 3 * 2  # cells x source nodes x (1x1, 3x3)
    assert all(m.weight is None and m.bias is None for m in inside)
    with torch.no_grad():
        trained, evaluated = (net.train(mode)(images(), softmax_mixing()) for mode in (True, False))
    assert torch.equal(trained, evaluated)


def test_same_seed_same_weights_and_bit_equal_steps():
    ends = []
    for seed in (0, 0, 1):
        net = supernet(4, True, seed=seed)
        begin = copy.deepcopy(net.state_dict())
        mixing = softmax_mixing().requires_grad_()
        optimizer = torch.optim.SGD([*net.parameters(), mixing], lr=0.1, momentum=0.9)
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(net(images(), mixing), torch.arange(4)).backward()
            optimizer.step()
        ends.append((begin, net.state_dict(), mixing.detach()))
    first, second, other = ends
    for key in first[0]:
        assert torch.equal(first[0][key], second[0][key]), key
        assert torch.equal(first[1][key], second[1][key]), key
    assert torch.equal(first[2], second[2])
    assert not torch.equal(first[2], other[2])


def test_channels_last_gives_the_same_gradients():
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        net = supernet(2, True).double().to(memory_format=layout)
        mixing = softmax_mixing().double().requires_grad_()
        x = images().double().contiguous(memory_format=layout)
        F.cross_entropy(net(x, mixing), torch.arange(4)).backward()
        results.append(mixing.grad)
    torch.testing.assert_close(*results)


def test_gradients_reach_every_weight():
    net = supernet(4, True)
    F.cross_entropy(net(images(), softmax_mixing()), torch.arange(4)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@pytest.mark.parametrize("bottleneck", [3, 0, -1, 1.5, 32])
def test_bottleneck_must_divide_the_channels(bottleneck):
    with pytest.raises(UserError, match=r"bottleneck must.*channels"):
        supernet(bottleneck)


def test_unknown_skeleton_option_names_the_nearest():
    with pytest.raises(UserError, match="did you mean 'channels'"):
        Supernet(SPACE, chanels=8)


def test_wrong_mixing_is_refused_and_leaves_no_trace():
    net = supernet()
    with pytest.raises(ValueError, match="one per slot"):
        net(images(), torch.ones(EDGES, 4))
    with pytest.raises(RuntimeError):
        net(images()[:, :2], softmax_mixing())
    assert all(cell.active is None for cell in net.cells)


def test_cell_alone_says_where_it_runs():
    with pytest.raises(RuntimeError, match="inside Supernet"):
        SuperCell(SPACE, CellSpec((0,), ((0, 1),), (1,), 4, 4, (1,)))(torch.zeros(1, 4, 2, 2))
