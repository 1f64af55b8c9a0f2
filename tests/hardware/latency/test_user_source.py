"""A latency source from one file outside the package: the file of docs/add-a-latency-source.md."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from dcanas.basics.errors import UserError
from dcanas.basics.keys import key_of
from dcanas.basics.resources import resource_folder
from dcanas.costs import Budget, Networks, count_architecture
from dcanas.hardware import choose_source, load_device
from dcanas.search import derive
from dcanas.spaces import load_space

FILE = Path(__file__).with_name("data_sheet.py")
PAGE = Path(__file__).parents[3] / "docs" / "add-a-latency-source.md"
SPACE = load_space("darts")
NETWORKS = Networks(SPACE, (3, 16, 16), 7, {"channels": 4, "cells": 3})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The user's own device folder: a profile that names the file beside it."""
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path))
    profile = yaml.safe_load((resource_folder("hardware_profiles") / "raspi4.yaml").read_text(encoding="utf-8"))
    profile |= {"name": "mine", "table": None, "costs": {**profile["costs"], "latency_ms": "data_sheet.py"}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    shutil.copy(FILE, tmp_path)
    return tmp_path


def sources():
    return choose_source(load_device("mine"), ["latency_ms"], NETWORKS, lambda: pytest.fail("measured"))


def test_the_page_shows_the_file_that_is_tested():
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert code == FILE.read_text(encoding="utf-8")


def test_it_answers_like_any_other_source():
    found = sources()
    (cost,) = found.costs()
    assert (found.kinds, found.decided_by) == ({"latency_ms": "data sheet"}, {"latency_ms": "predicted"})
    rng = np.random.default_rng(0)
    for arch in [SPACE.sample(rng) for _ in range(5)]:
        macs = count_architecture(SPACE, arch, (3, 16, 16), 7, channels=4, cells=3).macs
        assert cost.value(arch) == pytest.approx(0.3 + 0.5 * macs / 1e6)
        assert found.bounds(arch) == {"latency_ms": pytest.approx(1.1 * cost.value(arch))}
    scores = [np.arange(len(slot.options), dtype=float) for slot in SPACE.slots]
    limit = float(np.median([cost.upper(SPACE.sample(rng)) for _ in range(20)]))
    derived = derive(SPACE, scores, Budget(latency_ms=limit), (3, 16, 16), 7, [cost], channels=4, cells=3)
    assert cost.upper(derived.architecture) <= limit


def test_another_file_makes_another_device(folder):
    before = key_of(load_device("mine"))
    text = FILE.read_text(encoding="utf-8").replace("0.3 +", "0.4 +")
    (folder / "data_sheet.py").write_text(text, encoding="utf-8")
    assert key_of(load_device("mine")) != before
    (cost,) = sources().costs()
    arch = SPACE.sample(np.random.default_rng(0))
    assert cost.value(arch) > 0.4


IMPORTS = "from dcanas.hardware import LatencySource, latency_sources\n\n@latency_sources.add\n"


@pytest.mark.parametrize(("text", "words"), [
    ("x = 1\n", "must define exactly one latency source, a class with the decorator @latency_sources.add, and defines "
                "none"),
    ("import nothing_of_that_name\n", "cannot be run as Python: ModuleNotFoundError"),
    (IMPORTS + "class Half(LatencySource): ...\n", "The latency source Half of .* lacks make_model, name, decided_by; "
                                                   "docs/add-a-latency-source.md shows a whole one"),
    (IMPORTS + "class Odd:\n    name, decided_by = 'odd', 'predicted'\n",
     "The latency source Odd of .* is not a subclass of LatencySource"),
])
def test_a_file_that_is_no_source_is_refused(folder, text, words):
    (folder / "data_sheet.py").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=words):
        sources()


def test_a_file_that_is_not_beside_the_profile_is_refused(folder):
    (folder / "data_sheet.py").unlink()
    with pytest.raises(UserError, match=r"costs\.latency_ms must be measured or looked up or predicted or a Python "
                                        r"file beside this profile, got 'data_sheet\.py'"):
        load_device("mine")
