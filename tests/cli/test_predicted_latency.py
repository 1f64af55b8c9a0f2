"""Latency that a profile says is predicted, from the command line: learnt, picked, verified, certified."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import yaml
from PIL import Image

from dcanas.basics.resources import resource_folder
from dcanas.hardware import load_tables
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")


@pytest.fixture
def predicted(tmp_path, monkeypatch):
    """Return a function that writes a profile of one's own which predicts the latency of a shipped device."""
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path))

    def write(device: str) -> str:
        profile = yaml.safe_load((resource_folder("hardware_profiles") / f"{device}.yaml").read_text(encoding="utf-8"))
        profile["costs"]["latency_ms"] = "predicted"
        profile["name"] = f"my-{device}"
        (tmp_path / f"my-{device}.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
        return profile["name"]

    return write


@pytest.mark.slow
@pytest.mark.thorough
def test_on_this_computer_it_is_measured_after_all(dcanas, tiny, tmp_path, predicted):
    device = predicted("local-cpu")
    found = dcanas("run", f"device={device}", "budget.latency_ms=p70", f"run.dir={tmp_path / 'run'}", *tiny)
    assert found.code == 0, found.err
    assert "latency is predicted from 10 networks measured, starting from operation counts and MACs alone" in found.out
    row = next(row for row in json.loads((tmp_path / "run/certificate.json").read_text())["rows"]
               if row["name"] == "latency_ms")
    assert row["source"] == "measured"
    assert row["met"] is (row["upper"] <= row["limit"])
    assert row["predicted"] <= row["predicted_upper"]
    derived = json.loads((tmp_path / f"run/derived/{device}/architecture.json").read_text())
    assert derived["costs"]["latency_ms"]["source"] == "measured"
    assert derived["costs"]["latency_ms"]["value"] <= row["limit"]
    assert derived["provenance"]["measured"] == 10 + derived["provenance"]["asked"] <= 13
    measured = len(list((tmp_path / f"run/latency/{device}").glob("*.json")))
    assert measured == derived["provenance"]["measured"]


@pytest.mark.slow
@pytest.mark.thorough
def test_one_search_many_devices(dcanas, tiny, tables, tmp_path, predicted):
    """Devices of which tables speak get their own architectures within their own limits, in seconds each."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 6), ("val", 3), ("test", 3)):
        for label in range(10):
            folder = tmp_path / "photos" / part / str(label)
            folder.mkdir(parents=True)
            for i in range(count):
                Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / f"{i}.png")
    small = [text for text in tiny if "final_skeleton" not in text and "finalist" not in text]
    data = ("data=folder", f"data.root={tmp_path / 'photos'}", "data.size=32", "search.finalist_epochs=0",
            "search.rerank=[]", "search.rerank_again=[]", "space.final_skeleton.cells=5")  # cells: as in the tables
    found = dcanas("search", *data, "budget=none", f"run.dir={tmp_path / 'search'}", *small)
    assert found.code == 0, found.err
    learnt = predicted("raspi4")
    names = ("raspi4", "pixel3", "eyeriss", learnt)
    found = dcanas("derive", f"source={tmp_path / 'search'}", f"device=[{','.join(names)}]", "budget.latency_ms=p25",
                   f"run.dir={tmp_path / 'derived'}", "run.progress=plain")
    assert found.code == 0, found.err
    for name in names:
        derived = json.loads((tmp_path / f"derived/derived/{name}/architecture.json").read_text())
        table = load_tables()[f"{name.removeprefix('my-')}.latency_ms"]
        limit = json.loads((tmp_path / "derived/feasibility.json").read_text())[name]["budget"]["latency_ms"]
        told = derived["costs"]["latency_ms"]
        assert told["source"] == "looked up"  # where learnt: looked up after it was picked
        assert told["value"] == table.value(SPACE.parse(derived["architecture"])) <= limit
        (line,) = [line for line in found.out.splitlines() if line.split()[1:2] == [name] and "|" in line]
        assert derived["architecture"] in line
        assert float(re.search(rf"^Derive for {name}: ([\d.]+) s$", found.out, re.MULTILINE)[1]) < 60
