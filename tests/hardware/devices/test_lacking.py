"""A device that has no source for a cost answers with what would give one."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from dcanas.basics.errors import UserError
from dcanas.hardware import load_device
from dcanas.hardware.devices.lacking import require_source
from dcanas.hardware.latency.device_table import device_table


@pytest.mark.parametrize("name", ["raspi5", "raspi4"])
def test_what_is_said_can_be_typed_and_then_holds(name, tmp_path, monkeypatch):
    """The command of the sentence is run, and what it says of the copy is changed there."""
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path))
    cost = "latency_ms" if name == "raspi5" else "latency_p95_ms"
    with pytest.raises(UserError, match=f"{name} has no {cost}") as refused:
        require_source(load_device(name), cost)
    command = re.search(r"`(mkdir .*?)`", str(refused.value))[1]
    subprocess.run(command, shell=True, check=True)
    copy = tmp_path / f"{name}.yaml"
    profile = yaml.safe_load(copy.read_text())
    changes = str(refused.value).partition("then set ")[2].partition(" in /")[0]
    profile["connection"] = {"ssh": "USER@HOST"}
    for key, value in re.findall(r'(runtime\.\w+|costs\.\w+): "?([^",]+)"?', changes):
        profile[key.partition(".")[0]][key.partition(".")[2]] = value
    copy.write_text(yaml.safe_dump(profile))
    require_source(load_device(name), cost)
    assert load_device(name).costs[cost] == "measured"


@pytest.mark.parametrize(("name", "cost", "said"), [
    ("nano33ble", "latency_ms", "limit macs"), ("raspi4", "energy_mj", "eyeriss, fpga-zc706, jetson-tx2"),
    ("eyeriss", "latency_p95_ms", "limit latency_ms"), ("local-cpu", "energy_mj", "docs/add-a-latency-source.md")])
def test_no_other_unit_is_suggested(name, cost, said):
    with pytest.raises(UserError, match=rf"^{name} has no {cost}: .*{said}") as refused:
        require_source(load_device(name), cost)
    assert "did you mean" not in str(refused.value)


def test_a_bare_clone_says_which_importer_makes_the_table_from_what(tmp_path, monkeypatch):
    monkeypatch.setenv("DCANAS_TABLES", str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"set DCANAS_TABLES.*python -m tools import_hw_nas_bench HW-NAS-Bench-v1_0"
                                        r"\.pickle FOLDER.*github\.com/GATECH-EIC/HW-NAS-Bench"):
        device_table(load_device("raspi4"), "latency_ms")
