"""Published latencies of FBNet: prices per block against the listed networks, and what they are moved to."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.costs import Networks, count_architecture
from dcanas.hardware import choose_source, load_device
from dcanas.hardware.latency.fbnet_table import FILE, block_latency, transferred_blocks
from dcanas.spaces import load_space

SPACE = load_space("fbnet")


@pytest.mark.parametrize("device", ["raspi4", "pixel3", "eyeriss", "fpga"])
def test_prices_give_back_every_listed_network(tables, device):
    cost = block_latency(device, tables)
    with np.load(tables / FILE) as file:
        np.testing.assert_allclose(cost.values(file["choices"]), file[device], rtol=1e-6)
    for alike in ((2, 3, 4), (6, 7, 8), (10, 11, 12), (14, 15, 16), (18, 19, 20)):  # layers of one shape, fitted apart
        np.testing.assert_allclose([cost.table[layer] for layer in alike[1:]], [cost.table[alike[0]]] * 2, atol=1e-5)
    assert all(price > 0 for row in cost.table for price in row[:-1])
    assert all(row[-1] == 0 for row in cost.table)


def test_latencies_measured_as_a_whole_have_no_prices(tables):
    with pytest.raises(UserError, match=r"of gold_6226 in .* are not a sum over blocks \(up to \d+ % off\)"):
        block_latency("gold_6226", tables)
    with pytest.raises(UserError, match="raspi4"):
        block_latency("raspi9", tables)


def test_a_list_of_other_blocks_is_refused(tables, tmp_path):
    with np.load(tables / FILE) as file:
        arrays = dict(file)
    np.savez(tmp_path / FILE, **{**arrays, "blocks": arrays["blocks"][::-1]})
    with pytest.raises(UserError, match="other blocks or layers than FBNet here"):
        block_latency("raspi4", tmp_path)
    (tmp_path / "less").mkdir()
    np.savez(tmp_path / "less" / FILE, **{name: array for name, array in arrays.items() if name != "choices"})
    with pytest.raises(UserError, match="lacks the array choices; import the table again"):
        block_latency("raspi4", tmp_path / "less")


def test_other_classes_and_images_move_prices_by_their_macs(tables):
    cost = block_latency("raspi4", tables)
    skips = SPACE.parse(",".join(["skip"] * 22))
    there, fewer, half = (count_architecture(SPACE, skips, shape, classes, stem="cifar").macs
                          for shape, classes in (((3, 32, 32), 100), ((3, 32, 32), 10), ((3, 16, 16), 10)))
    assert there - fewer == 90 * 1504  # what is left of the head
    moved = transferred_blocks(cost, Networks(SPACE, (3, 32, 32), 10, {"stem": "cifar"}))
    np.testing.assert_allclose(moved.table, cost.table)
    assert moved.value(skips) == pytest.approx(cost.value(skips) * fewer / there)
    quarter = transferred_blocks(cost, Networks(SPACE, (3, 16, 16), 10, {"stem": "cifar"}))
    np.testing.assert_allclose(np.array(quarter.table), np.array(cost.table) / 4)
    assert quarter.value(skips) == pytest.approx(cost.value(skips) * half / there)


def test_a_device_tells_them_of_the_published_networks_only(tables, monkeypatch):
    monkeypatch.setenv("DCANAS_TABLES", str(tables))

    def sources(classes, **costs):
        device = dataclasses.replace(load_device("raspi4"), costs={**load_device("raspi4").costs, **costs})
        return choose_source(device, ["latency_ms"], Networks(SPACE, (3, 32, 32), classes, {"stem": "cifar"}),
                             folder=lambda: pytest.fail("measured"))

    (cost,) = sources(100).costs()
    assert (cost.source, cost.domain.runtime) == ("looked up", "tflite")
    assert sources(100).kinds == {"latency_ms": "FBNet's published blocks"}
    with pytest.raises(UserError, match=rf"{FILE}, array raspi4\) holds for num_classes = 100, asked for 10"):
        sources(10).costs()
    predicted = sources(10, latency_ms="predicted")
    (cost,) = predicted.costs()
    assert (cost.source, cost.domain.runtime, cost.domain.num_classes) == ("predicted", "tflite", 10)
    assert predicted.kinds == {"latency_ms": "transferred blocks"}
    assert predicted.bounds(SPACE.sample(np.random.default_rng(0))) == {}  # how far off it is has not been measured
