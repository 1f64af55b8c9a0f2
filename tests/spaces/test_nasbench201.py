"""NAS-Bench-201 against the published table, brute force and arithmetic."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dcanas.basics.errors import UserError
from dcanas.spaces import Architecture, NotationError, load_space

SPACE = load_space("nasbench201")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
codes = st.tuples(*[st.integers(0, 4)] * 6).map(lambda c: Architecture("nasbench201", c))


def test_the_order_is_the_benchmarks(accuracy_rows: list[dict[str, str]]) -> None:
    mine = [SPACE.format(a) for a in SPACE.enumerate()]
    assert mine == [row["architecture"] for row in accuracy_rows]
    assert [int(row["index"]) for row in accuracy_rows] == list(range(15_625))
    assert len(SPACE) == 5**6


def test_codes_that_are_wired_alike_have_one_function() -> None:
    """x + conv1x1(conv3x3(x)) by the second and by the first node; and a third with two 3x3 where one serves both."""
    alike = [SPACE.parse(text) for text in (
        "|none~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|",
        "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|nor_conv_1x1~1|none~2|",
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_1x1~2|")]
    assert len({SPACE.function(arch) for arch in alike}) == 1
    assert len({SPACE.canonical(arch) for arch in alike[:2]}) == 2
    shared, twice = (SPACE.parse(text) for text in (
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|nor_conv_1x1~2|",
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|nor_conv_1x1~2|"))
    assert SPACE.function(shared) != SPACE.function(twice)


def test_published_counts_of_classes_and_dead_codes() -> None:
    every = list(SPACE.enumerate())
    assert len({SPACE.canonical(a) for a in every}) == 6_466
    assert sum(SPACE.is_dead(a) for a in every) == 341


def test_the_representative_is_the_class_member_of_lowest_index() -> None:
    every = list(SPACE.enumerate())
    index = {a: i for i, a in enumerate(every)}
    assert all(index[SPACE.canonical(a)] <= i for i, a in enumerate(every))
    assert all(SPACE.canonical(SPACE.canonical(a)) == SPACE.canonical(a) for a in every)


def _paths(choices: tuple[int, ...]) -> list[tuple[int, ...]]:
    """All paths from node 0 to node 3 as tuples of edge numbers, by listing every subset of edges."""
    used = [e for e in range(6) if choices[e]]
    found = []
    for length in (1, 2, 3):
        for edges in itertools.permutations(used, length):
            ends = [EDGES[e] for e in edges]
            if ends[0][0] == 0 and ends[-1][1] == 3 and all(a[1] == b[0] for a, b in itertools.pairwise(ends)):
                found.append(edges)
    return found


@given(codes)
@settings(max_examples=300, deadline=None)
def test_prune_keeps_exactly_the_edges_on_a_path(arch: Architecture) -> None:
    alive = {e for path in _paths(arch.choices) for e in path}
    assert SPACE.is_dead(arch) == (not alive)
    pruned = SPACE.prune(arch)
    assert pruned.choices == tuple(c if e in alive else 0 for e, c in enumerate(arch.choices))
    assert SPACE.prune(pruned) == pruned


@given(codes)
@settings(max_examples=200, deadline=None)
def test_notation_round_trip(arch: Architecture) -> None:
    assert SPACE.parse(SPACE.format(arch)) == arch
    assert hash(SPACE.parse(SPACE.format(arch))) == hash(arch)


def test_notation_spelled_out() -> None:
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|avg_pool_3x3~1|none~2|"
    assert SPACE.parse(text).choices == (3, 0, 1, 2, 4, 0)


@pytest.mark.parametrize(("text", "message"), [
    ("|none~0|", "3 nodes joined by '\\+', found 1"),
    ("|none~0|+|none~0|+|none~0|none~1|none~2|", "Node 2 must be 2 terms"),
    ("|conv~0|+|none~0|none~1|+|none~0|none~1|none~2|", "Node 1, term 1: expected one of none, skip_connect"),
    ("|none~0|+|none~0|none~0|+|none~0|none~1|none~2|", "Node 2, term 2: .* followed by ~1, found 'none~0'"),
    ("|none~0+|none~0|none~1|+|none~0|none~1|none~2|", "Node 1 must be 1 terms"),
])
def test_malformed_notation_says_where_and_what(text: str, message: str) -> None:
    with pytest.raises(NotationError, match=message):
        SPACE.parse(text)


def test_samples_mutations_and_neighbours_are_members() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        arch = SPACE.sample(rng)
        assert SPACE.is_member(arch)
        near = SPACE.neighbours(arch)
        assert arch not in near
        assert len(near) == len(set(near))
        assert all(SPACE.is_member(n) for n in near)
        assert SPACE.mutate(arch, rng) in near
    brute = set()
    for slot, option in itertools.product(range(6), range(5)):
        changed = list(arch.choices)
        changed[slot] = option
        code = Architecture("nasbench201", tuple(changed))
        if option != arch.choices[slot] and not SPACE.is_dead(code):
            brute.add(SPACE.prune(code))
    assert set(near) == brute - {arch}


def test_sampling_is_uniform_over_members_and_seeded() -> None:
    assert [SPACE.sample(np.random.default_rng(3)) for _ in range(2)] == [SPACE.sample(np.random.default_rng(3))] * 2
    members = list(SPACE.members())
    assert len(members) == 9_444
    share_all = np.mean([a.choices[0] == 0 for a in members])
    rng = np.random.default_rng(1)
    drawn = np.mean([SPACE.sample(rng).choices[0] == 0 for _ in range(2000)])
    assert abs(drawn - share_all) < 4 * np.sqrt(share_all * (1 - share_all) / 2000)


def _copy_weights(source: torch.nn.Module, target: torch.nn.Module) -> None:
    weights = source.state_dict()
    target.load_state_dict({k: weights[k] for k in target.state_dict()})


def _shake_batch_norm(network: torch.nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.bias)
            torch.nn.init.normal_(module.running_mean)


@pytest.mark.parametrize("training", [False, True])
def test_the_pruned_network_computes_the_same_function(training: bool) -> None:
    """Also with shifted batch norms, which in a dead branch would leave a constant behind."""
    rng = np.random.default_rng(5)
    torch.manual_seed(0)
    images = torch.randn(4, 3, 12, 12)
    every = list(SPACE.enumerate())
    codes = [every[int(i)] for i in rng.integers(len(every), size=60)]
    checked = 0
    for code in codes:
        pruned = SPACE.prune(code)
        if pruned == code or SPACE.is_dead(code):
            continue
        whole, small = SPACE.build(code, channels=4, cells=2), SPACE.build(pruned, channels=4, cells=2)
        _shake_batch_norm(whole)
        _copy_weights(whole, small)
        with torch.no_grad():
            assert torch.allclose(whole.train(training)(images), small.train(training)(images), atol=1e-5)
        checked += 1
    assert checked >= 10


def test_blocks_and_shapes_of_the_skeleton() -> None:
    arch = SPACE.sample(np.random.default_rng(0))
    net = SPACE.build(arch, num_classes=7, in_channels=1, channels=8, cells=3)
    assert len(net.blocks) == 1 + 3 * 3 + 2 + 1
    x, shapes = torch.zeros(2, 1, 16, 16), []
    for block in net.eval().blocks:
        x = block(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(8, 16, 16)] * 4 + [(16, 8, 8)] * 4 + [(32, 4, 4)] * 4 + [(7,)]


@pytest.mark.parametrize("side", [8, 13, 30])
def test_odd_sizes_build_and_run(side: int) -> None:
    arch = SPACE.parse("|nor_conv_3x3~0|+|avg_pool_3x3~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|none~2|")
    assert SPACE.build(arch, channels=4, cells=1).eval()(torch.zeros(1, 3, side, side)).shape == (1, 10)


def test_unknown_space_and_skeleton_options_are_named() -> None:
    with pytest.raises(UserError, match="Unknown space 'nasbench20'; did you mean 'nasbench201'\\?"):
        load_space("nasbench20")
    with pytest.raises(UserError, match="Unknown skeleton option of nasbench201 'chanels'; did you mean 'channels'"):
        SPACE.build(next(SPACE.enumerate()), chanels=16)
    with pytest.raises(UserError, match="Slot 0->1 of nasbench201 has options 0 to 4, got 5"):
        SPACE.architecture((5, 0, 0, 0, 0, 0))


def test_source_is_python_that_needs_torch_only() -> None:
    arch = SPACE.sample(np.random.default_rng(2))
    text = SPACE.source(arch, 10, 3, channels=4, cells=1)
    assert "dcanas" not in text
    scope: dict = {}
    exec(compile(text, "network.py", "exec"), scope)
    mine, theirs = SPACE.build(arch, channels=4, cells=1).eval(), scope["build"]().eval()
    theirs.load_state_dict(mine.state_dict())
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(mine(x), theirs(x))
