"""Operation tables: which rows there are, what their files hold, what follows from them, and what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import onnx
import pytest
import yaml

from dcanas.basics.errors import UserError
from dcanas.costs import Domain, LinearCost
from dcanas.export import open_session
from dcanas.hardware import load_device
from dcanas.hardware.latency.block_operations import block_operations
from dcanas.hardware.latency.operation_files import FEW, MANY, write_operations
from dcanas.hardware.latency.operation_table import Measured, OperationTable, quality, table_costs
from dcanas.hardware.latency.operations import distinct, operations_of
from dcanas.hardware.latency.plan_latency import plan_features
from dcanas.hardware.latency.table_measuring import marginal_ms, measure_operations
from dcanas.hardware.latency.table_store import find_table, load_table, save_table, table_conditions, table_path
from dcanas.spaces import load_space

SMALL = {"channels": 4, "cells": 1}


@pytest.fixture(scope="module")
def device():
    return load_device("local-cpu")


def made_table(space, rows, truth, fitted=12, left_out=10, **changes):
    """A table whose networks take what `truth(architecture)` says."""
    domain = Domain.of(space, (3, 32, 32), 10, "local-cpu", **SMALL)
    rng = np.random.default_rng(0)
    archs = list(dict.fromkeys(space.sample(rng) for _ in range(80)))[:fitted + left_out]
    measured = [Measured(space.format(a), truth(a), 1.2 * truth(a)) for a in archs]
    table = OperationTable("local-cpu", domain, table_conditions(load_device("local-cpu")), rows, (),
                           tuple(measured[:fitted]), tuple(measured[fitted:]))
    return dataclasses.replace(table, **changes)


@pytest.fixture(scope="module")
def known():
    """NAS-Bench-201 with rows that differ per option and shape; latencies are 0.5 ms + 2 x rows + 0.01 ms per step."""
    space = load_space("nasbench201")
    places = operations_of(space, (3, 32, 32), 10, **SMALL)
    price = {"skip_connect": 0.001, "nor_conv_1x1": 0.02, "nor_conv_3x3": 0.05, "avg_pool_3x3": 0.04}
    rows = {op.text: price[op.name] * 1000 / op.output[1]**2 for op in distinct(places)}
    domain = Domain.of(space, (3, 32, 32), 10, **SMALL)

    def truth(arch):
        total = sum(rows[op.text] for slot, choice in zip(places, arch.choices, strict=True) for op in slot[choice])
        return 0.5 + 2 * total + 0.01 * plan_features(space, arch, domain)[1]

    return space, rows, truth


@pytest.mark.parametrize(("name", "skeleton", "rows", "cells"), [
    # three stages x (skip, 1x1, 3x3, pool); every slot is decided in all 5 + 5 + 5 cells
    ("nasbench201", {"channels": 4, "cells": 5}, 3 * 4, 15),
    # two reductions, so 3 shapes of stride 1 and 2 of stride 2, seven operations each; slot 0 is in the 4 normal cells
    ("darts", {"channels": 4, "cells": 6}, 5 * 7, 4),
    # first and other layers of five stages, one layer of the first and of the last: 12 places of nine blocks, less the
    # skips of the 6 places that keep their shape
    ("fbnet", {}, 12 * 9 - 6, 1)])
def test_every_operation_and_shape_has_one_row(name, skeleton, rows, cells):
    space = load_space(name)
    places = operations_of(space, (3, 32, 32), 10, **skeleton)
    found = distinct(places)
    assert len(found) == rows == len({op.text for op in found})
    assert len(places[0][1]) == cells
    for slot, row in zip(space.slots, places, strict=True):
        for option, operations in zip(slot.options, row, strict=True):
            assert {op.name for op in operations} <= {option}
            assert option != "none" or not operations


def test_files_hold_that_many_copies_that_the_runtime_cannot_merge(device, tmp_path):
    """Also of a pooling of stride 2, whose copies stand side by side and would be one without tensors of their own."""
    ops = [op for op in distinct(operations_of(load_space("darts"), (3, 16, 16), 10, channels=4, cells=3))
           if op.name in ("avg_pool_3x3", "sep_conv_3x3")]
    names = [f"op{i}" for i in range(len(ops))]
    write_operations(ops, tmp_path, names, device)
    kinds = {"avg_pool_3x3": ("AveragePool", 1), "sep_conv_3x3": ("Conv", 4)}
    assert any(not op.keeps_shape for op in ops)
    for op, name in zip(ops, names, strict=True):
        for copies in (FEW, MANY):
            path = tmp_path / f"{name}-{copies}.onnx"
            nodes = [node.op_type for node in onnx.load(path).graph.node]
            kind, each = kinds[op.name]
            assert nodes.count(kind) == copies * each + (kind == "Conv")  # the convolution at the entry
            image = np.random.default_rng(0).random((1, *op.input), dtype=np.float32)
            assert np.isfinite(open_session(path).run(None, {"image": image})[0]).all()
    files = {tensor.name: onnx.numpy_helper.to_array(tensor)
             for tensor in onnx.load(tmp_path / f"{names[-1]}-{MANY}.onnx").graph.initializer}
    kernels = [v.tobytes() for v in files.values() if v.ndim == 4]
    assert len(set(kernels)) == len(kernels)


def test_measurements_are_stored_and_never_repeated(device, tmp_path):
    ops = distinct(operations_of(load_space("nasbench201"), (1, 8, 8), 10, **SMALL))
    some = [op for op in ops if op.name == "nor_conv_3x3"][:1]
    first = measure_operations(some, device, tmp_path)
    assert measure_operations(some, device, tmp_path) == first  # equal to the last nanosecond
    few, many = first[some[0].text]
    assert marginal_ms(few, many) == pytest.approx(max(0, (many.median_ms - few.median_ms) / 4))
    assert len(list(tmp_path.glob("*.json"))) == 2


def test_costs_follow_from_rows_and_networks(known):
    space, rows, truth = known
    table = made_table(space, rows, truth)
    costs, fits = table_costs(space, table)
    cost = costs["latency_ms"]
    assert isinstance(cost, LinearCost)
    assert fits["latency_ms"].per_option[0] == pytest.approx(2, rel=0.05)
    rng = np.random.default_rng(1)
    archs = [space.sample(rng) for _ in range(50)]
    choices = np.array([a.choices for a in archs])
    truths = np.array([truth(a) for a in archs])
    np.testing.assert_allclose(cost.values(choices), truths, rtol=0.02)  # additions in a cell are no sum over slots
    assert np.mean(truths <= cost.uppers(choices)) > 0.9
    np.testing.assert_allclose(costs["latency_p95_ms"].values(choices), 1.2 * truths, rtol=0.03)
    one_hot = [np.eye(5)[c] for c in archs[0].choices]
    assert cost.expected(one_hot) == pytest.approx(cost.value(archs[0]))
    found = quality(space, table)
    assert found.n == 10
    assert found.spearman > 0.99
    assert found.mape < 0.02 < found.macs_mape


def test_tables_are_files_a_person_can_read(known, device, tmp_path):
    space, rows, truth = known
    table = made_table(space, rows, truth, noisy=(next(iter(rows)),))
    save_table(tmp_path / "t.yaml", table)
    assert load_table(tmp_path / "t.yaml") == table
    content = yaml.safe_load((tmp_path / "t.yaml").read_text())
    assert content["operations"][0] == {"operation": next(iter(rows)), "latency_ms": next(iter(rows.values())),
                                        "noisy": True}


def test_a_table_answers_for_its_own_networks_and_conditions(known, device, tmp_path, monkeypatch):
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path))
    space, rows, truth = known
    stated = table_conditions(device)
    older = {**stated, "onnxruntime": "1.20.0", "threads": 2}
    table = made_table(space, rows, truth, conditions=older)
    save_table(table_path(device, table.domain, older), table)
    found, why = find_table(device, table.domain, stated)
    assert found is None
    assert f"onnxruntime 1.20.0 instead of {stated['onnxruntime']}, threads 2 instead of 1 and is not used" in why
    found, why = find_table(device, dataclasses.replace(table.domain, num_classes=7), stated)
    assert (found, why) == (None, "no operation table of local-cpu speaks of these networks")
    save_table(table_path(device, table.domain, stated), made_table(space, rows, truth))
    assert find_table(device, table.domain, stated) == (table_path(device, table.domain, stated), "")


def test_what_is_wrong_with_a_table_is_said_in_a_sentence(known, tmp_path):
    space, rows, truth = known
    first = next(iter(rows))
    lacking = {text: ms for text, ms in rows.items() if text != first}
    with pytest.raises(UserError, match=f"^The table has no row for '{first}'; run `dcanas profile` for"):
        table_costs(space, made_table(space, lacking, truth))
    with pytest.raises(UserError, match=r"count \S+ times to explain its networks: their latency_ms look like seconds"):
        table_costs(space, made_table(space, {text: ms / 1000 for text, ms in rows.items()}, truth))
    with pytest.raises(UserError, match=r"in a millisecond: their latency_ms look like seconds; convert them"):
        table_costs(space, made_table(space, rows, lambda arch: truth(arch) / 1e6))
    save_table(tmp_path / "t.yaml", made_table(space, rows, truth))
    content = yaml.safe_load((tmp_path / "t.yaml").read_text())
    for change, words in (({"operations": None}, "is no operation table"), ({"fitted": [{}]}, "KeyError"),
                          ({"operations": [{"operation": first, "latency_ms": "fast"}]},
                           f"the latency of {first} must be a number of milliseconds, got 'fast'"),
                          ({"extra": 1}, "expected the keys device, space")):
        (tmp_path / "u.yaml").write_text(yaml.safe_dump({**content, **change}))
        with pytest.raises(UserError, match=r"u\.yaml") as refused:
            load_table(tmp_path / "u.yaml")
        assert words in str(refused.value)


def test_where_costs_do_not_add_up_rows_are_blocks():
    """ResNet of width w: stem, block of stage 1, first and other blocks of stages 2 and 3 = 6 rows per width."""
    space = load_space("resnet")
    domain = Domain.of(space, (3, 8, 8), 10)
    found = block_operations(space, domain)
    assert len(found) == 6 * 16
    block = next(op for op in found if op.name == "block" and not op.keeps_shape)
    import torch

    assert block.make().eval()(torch.zeros(1, *block.input)).shape[1:] == block.output
    wide = load_space("mobilenetv2")
    with pytest.raises(UserError, match=r"mobilenetv2 has more than 300 different blocks .* leave the table out"):
        block_operations(wide, Domain.of(wide, (3, 224, 224), 10))
