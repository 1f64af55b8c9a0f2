"""Devices of which tables speak, from the command line: limits looked up, refused or unverified."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from dcanas.basics.resources import resource_folder
from dcanas.costs import Networks
from dcanas.hardware.latency.fbnet_table import block_latency, transferred_blocks
from dcanas.spaces import load_space


def test_a_table_is_not_asked_about_other_networks(dcanas, tiny, tables, tmp_path):
    found = dcanas("feasibility", "device=raspi4", "budget.latency_ms=10", f"run.dir={tmp_path / 'run'}", *tiny)
    assert found.code == 2
    assert found.err.count("\n") == 1
    assert "latency_ms of raspi4 (HW-NAS-Bench, hw_nas_bench_cifar10.csv.gz, column raspi4_latency) holds for" in \
        found.err
    assert "costs.latency_ms: predicted, which is then reported as unverified." in found.err


def test_what_has_to_be_measured_on_a_board_nobody_can_reach_is_refused(dcanas, tiny, tmp_path):
    found = dcanas("profile", "device=raspi5", f"run.dir={tmp_path / 'profile'}", *tiny)
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert "dcanas profile measures on the device, but raspi5 has no connection" in found.err
    found = dcanas("feasibility", "device=raspi5", "budget.latency_ms=10", f"run.dir={tmp_path / 'run'}", *tiny)
    assert found.code == 2
    assert "raspi5 has no latency_ms" in found.err
    assert "connection: {ssh: USER@HOST}" in found.err


def test_the_memory_of_a_microcontroller_is_a_limit(dcanas, tiny, tmp_path):
    found = dcanas("feasibility", "device=nano33ble", "budget.params=100000", f"run.dir={tmp_path / 'run'}", *tiny)
    assert found.code == 0
    limits = {line.split()[1]: line.split()[-4] for line in found.out.splitlines() if line.endswith("│ counted │")}
    assert {name: limits[name] for name in ("params", "ram_bytes", "flash_bytes")} == {
        "params": "100,000", "ram_bytes": "262,144", "flash_bytes": "983,040"}, found.out  # less the boot loader


@pytest.mark.slow
def test_a_predicted_limit_is_unverified_in_the_certificate(dcanas, tiny, tables, tmp_path, monkeypatch):
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path))
    profile = yaml.safe_load((resource_folder("hardware_profiles") / "raspi4.yaml").read_text(encoding="utf-8"))
    profile["costs"]["latency_ms"] = "predicted"
    (tmp_path / "raspi4.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    found = dcanas("run", "device=raspi4", "budget.latency_ms=p50", "baseline=true",
                   f"run.dir={tmp_path / 'run'}", *tiny)
    assert found.code == 0, found.err
    certificate = json.loads((tmp_path / "run/derived/raspi4/certificate.json").read_text())  # of the searched network
    row = next(row for row in certificate["rows"] if row["name"] == "latency_ms")
    assert (row["met"], row["source"], row["measured"]) == ("unverified", "predicted", None)
    assert row["predicted"] <= row["limit"]
    assert "latency" not in certificate  # nothing was measured
    comparison = certificate["comparison"]  # of a hand-made network nobody knows it: no larger than what was searched
    size, theirs = ({row["name"]: row for row in rows} for rows in (certificate["rows"], comparison["rows"]))
    assert theirs["latency_ms"]["met"] == "unverified"
    assert all(theirs[name]["measured"] <= size[name]["measured"] for name in ("params", "macs"))
    told = (tmp_path / "run/certificate.md").read_text(encoding="utf-8")
    assert "It was chosen within the size of the searched network, as latency_ms on raspi4 is not known" in told


def test_published_prices_of_fbnet_moved_to_other_images_are_a_limit_but_unverified(dcanas, tables, tmp_path,
                                                                                     monkeypatch):
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path))
    asked = ("space=fbnet", "device=raspi4", "budget.latency_ms=p25", "default_budget=null", "search.epochs=1",
             "search.finalist_epochs=0", "search.rerank=[]", "search.rerank_again=[]", "data.fraction=0.05",
             "run.threads=1")
    found = dcanas("derive", *asked, f"run.dir={tmp_path / 'refused'}")
    assert found.code == 2
    assert "array raspi4) holds for input_shape = (3, 32, 32), asked for (1, 8, 8)" in found.err
    profile = yaml.safe_load((resource_folder("hardware_profiles") / "raspi4.yaml").read_text(encoding="utf-8"))
    profile["costs"]["latency_ms"] = "predicted"
    (tmp_path / "raspi4.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    found = dcanas("derive", *asked, f"run.dir={tmp_path / 'run'}")
    assert found.code == 0, found.err
    derived = json.loads(next((tmp_path / "run").glob("derived/*/architecture.json")).read_text())
    space = load_space("fbnet")
    moved = transferred_blocks(block_latency("raspi4", tables), Networks(space, (1, 8, 8), 10, {"stem": "cifar"}))
    row = derived["costs"]["latency_ms"]
    assert row["value"] == pytest.approx(moved.value(space.parse(derived["architecture"])))
    assert row["source"] == "predicted"
    members = np.random.default_rng(0).integers(9, size=(10_000, 22))
    assert row["value"] <= np.quantile(moved.values(members), 0.27)  # p25, from another sample


def test_devices_are_listed(dcanas):
    found = dcanas("list", "devices")
    assert found.code == 0
    assert "jetson-tx2" in found.out
