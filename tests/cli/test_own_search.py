"""The search of docs/add-a-search.md, from its file through the commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from pages import code_of

from dcanas.basics.errors import UserError
from dcanas.basics.mapping import from_mapping
from dcanas.basics.plugins import forget_plugins
from dcanas.basics.user_files import forget_user_file, recorded_file
from dcanas.pipeline.configure import composed, configured
from dcanas.pipeline.settings import store_settings, stored_settings
from dcanas.report.record import read_run
from dcanas.spaces import load_space

SIZE = ("space.final_skeleton.channels=4", "space.final_skeleton.cells=1", "run.threads=1", "run.progress=none")


@pytest.fixture
def largest(tmp_path) -> Path:
    path = tmp_path / "largest.py"
    path.write_text(code_of("add-a-search"))
    return path


def test_the_commands_search_with_it(dcanas, largest, tmp_path):
    run = tmp_path / "run"
    asked = (f"search.file={largest}", "search.drawn=60", "budget.macs=p50", *SIZE, f"run.dir={run}")
    answer = dcanas("derive", *asked)
    assert answer.code == 0, answer.err
    derived = json.loads((run / "derived/local-cpu/architecture.json").read_text())
    space = load_space("nasbench201")
    drawn = [space.parse(text) for text in json.loads((run / "search/search.json").read_text())["networks"]]
    assert len(drawn) == 60
    assert space.parse(derived["architecture"]) in drawn
    assert derived["provenance"]["within"] > 0
    assert read_run(run).next_stage() == "train"  # its result counts as that of the search
    stored = stored_settings(run)
    assert stored["search"]["file_sha256"]
    assert (stored["search"]["name"], stored["search"]["drawn"]) == ("largest", 60)
    largest.write_text(largest.read_text() + "\n# changed\n")
    answer = dcanas("derive", *asked)
    assert answer.code == 2
    assert "has changed since the run was made" in answer.err


def test_its_settings_are_shown_and_checked(dcanas, largest, tmp_path):
    shown = yaml.safe_load(dcanas("run", "--cfg", "search=file", f"search.file={largest}").out)["search"]
    assert {name: shown[name] for name in ("name", "drawn", "file")} == {
        "name": "largest", "drawn": 200, "file": str(largest)}
    for asked, sentence in [
        (["search.drawn=0"], "search.drawn must be a whole number from 1 to 1000000, got 0."),
        (["search.dawn=3"], "Unknown setting 'search.dawn'; did you mean 'search.drawn'?"),
        (["search.epochs=3"], "search.epochs is a setting of search.name=differentiable or elastic or slices or study, "
                              "and this search is largest; leave it out or choose another search."),
    ]:
        assert sentence in dcanas("run", f"search.file={largest}", *asked).err
    assert "search=file needs search.file=FILE.py" in dcanas("run", "search=file").err
    largest.write_text("import math\n")
    assert "must define exactly one search" in dcanas("run", "search=file", f"search.file={largest}").err
    assert "There is no file" in dcanas("run", f"search.file={tmp_path / 'none.py'}").err


def test_another_process_finds_it_from_the_settings_alone(largest):
    made = configured(*composed({}, {"search.file": str(largest)}))[0]
    values = json.loads(json.dumps({"search": {"name": "largest", "drawn": 7, "file": str(largest),
                                               "file_sha256": made.search.file_sha256}}))
    assert from_mapping(type(made), values).search.drawn == 7
    assert made.key != configured(*composed({}, {}))[0].key


def test_proxies_of_ones_own_are_named_in_the_settings(tmp_path):
    path = tmp_path / "spread.py"
    path.write_text(code_of("add-a-proxy"))
    changes = {"search.names": ["spread", "synflow"], "proxies.file": str(path)}
    made = configured(*composed({"search": "zero_shot"}, changes))[0]
    assert made.search.names == ("spread", "synflow")
    assert len(made.proxies.file_sha256) == 64


def test_a_constraint_of_ones_own_reads_what_it_likes(tmp_path):
    path = tmp_path / "responsive.py"
    path.write_text(code_of("add-a-constraint"))
    changes = {"search.file": str(path), "search.constraint": "responsive", "search.multiplier_learning_rate": 0.3}
    made = configured(*composed({}, changes))[0].search
    assert (made.name, made.constraint, made.multiplier_learning_rate) == ("differentiable", "responsive", 0.3)
    assert len(made.file_sha256) == 64


@pytest.mark.parametrize("method", ["run", "derive"])
def test_a_class_without_a_method_is_refused_before_anything_is_searched(dcanas, largest, tmp_path, method):
    largest.write_text(largest.read_text().replace(f"def {method}(self", "def other(self"))
    answer = dcanas("run", f"search.file={largest}", *SIZE, f"run.dir={tmp_path / 'run'}")
    assert answer.code == 2
    assert f"The search largest in {largest} has no method {method}; define it in the class Largest" in answer.err
    assert not (tmp_path / "run").exists()


def test_a_file_that_a_run_recorded_counts_once_the_user_has_named_it(largest, tmp_path, monkeypatch):
    made = configured(*composed({}, {"search.file": str(largest)}))[0]
    store_settings(tmp_path / "run", made)
    forget_user_file(recorded_file(largest, "search.file", made.search.file_sha256))  # as in another process
    with pytest.raises(UserError, match=rf"type search\.file={largest}, or set DCANAS_PLUGINS to its path"):
        stored_settings(tmp_path / "run")
    monkeypatch.setenv("DCANAS_PLUGINS", str(largest))
    try:
        assert stored_settings(tmp_path / "run")["search"]["name"] == "largest"
    finally:
        forget_plugins()


@pytest.mark.slow
def test_what_only_a_run_directory_names_is_told_and_not_run(largest, start, tmp_path):
    mark, run = tmp_path / "executed", tmp_path / "run"
    largest.write_text(f"{largest.read_text()}\nopen({str(mark)!r}, 'a').write('x')\n")

    def do(*words: object) -> tuple[int, str]:
        process = start(*words)
        _, told = process.communicate(timeout=300)
        return process.returncode, told

    asked = (f"search.file={largest}", "search.drawn=20", "budget.macs=p50", *SIZE)
    assert do("derive", *asked, f"run.dir={run}") == (0, "")
    assert mark.is_file()
    mark.unlink()
    for words in (("derive", f"source={run}", f"run.dir={tmp_path / 'other'}"), ("reproduce", f"source={run}"),
                  ("train", f"source={run}")):
        code, told = do(*words)
        assert code == 2
        assert told.endswith(f"{largest}, Python code that is run only if you name it: read it, then type "
                             f"search.file={largest}, or set DCANAS_PLUGINS to its path.\n"), told
    do("report", f"source={run}")
    do("verify", run)
    assert not mark.exists()
    assert do("derive", f"source={run}", f"search.file={largest}", f"run.dir={tmp_path / 'other'}") == (0, "")
    assert mark.is_file()
