"""The whole way, in small: what a run leaves behind, and what starts from it."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import yaml

from dcanas.basics.hooks import QUIET
from dcanas.costs import Networks, count_architecture, linear_counts
from dcanas.hardware import load_device
from dcanas.pipeline.cost_book import CostBook
from dcanas.spaces import load_space

COUNTED = ("params", "macs", "peak_bytes", "weight_bytes")
LATENCIES = ("latency_ms", "latency_p95_ms")


def read(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def second_device(tmp_path, monkeypatch) -> str:
    """A profile of the user's own: a copy of local-cpu under another name."""
    shipped = Path(__file__).parents[2] / "hardware_profiles" / "local-cpu.yaml"
    folder = tmp_path / "devices"
    folder.mkdir()
    (folder / "mine.yaml").write_text(shipped.read_text(encoding="utf-8").replace("name: local-cpu", "name: mine"))
    monkeypatch.setenv("DCANAS_DEVICES", str(folder))
    return "mine"


def test_run_directory(finished):
    derived = finished / "derived" / "local-cpu"
    for name in ("settings.yaml", "feasibility.json", "metrics.jsonl", "certificate.json", "search/scores.json"):
        assert (finished / name).is_file(), name
    for name in ("architecture", "train", "export", "profile", "certificate"):
        assert (derived / f"{name}.json").is_file(), name
    for name in ("model.onnx", "labels.txt", "preprocessing.json", "test.npz", "infer.py", "network.py", "weights.pt"):
        assert (derived / "bundle" / name).is_file(), name
    assert list((finished / "tensorboard").glob("events.*"))
    top, inner = read(finished / "certificate.json"), read(derived / "certificate.json")
    assert {k: v for k, v in top.items() if k not in ("onnx", "bundle")} == \
        {k: v for k, v in inner.items() if k not in ("onnx", "bundle")}
    assert (top["bundle"], top["onnx"]) == ("bundle", "bundle/model.onnx")  # what is shipped stands at the top
    for name in ("model.onnx", "SHA256SUMS"):
        assert (finished / "bundle" / name).read_bytes() == (derived / inner["bundle"] / name).read_bytes()
    settings = yaml.safe_load((finished / "settings.yaml").read_text())
    assert settings["seed"] == 0
    assert settings["device"] == ["local-cpu"]
    assert settings["train"]["epochs"] == 2
    assert settings["run"] == {"threads": 1, "processes": 1, "task_threads": 1}  # display and paths are no settings


def test_metrics_tell_of_search_and_training(finished):
    rows = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    assert [row["stage"] for row in rows] == ["search", "search", "train/local-cpu", "train/local-cpu"]
    # 1,797 digits: 359 test, 288 validation, 1,150 train in halves of 575 (9 batches of 64);
    # 1,438 images to fit (23 batches)
    assert [row["step"] for row in rows] == [9, 18, 23, 46]


def test_certificate(finished):
    certificate = read(finished / "certificate.json")
    derived = read(finished / "derived/local-cpu/architecture.json")
    assert certificate["device"] == "local-cpu"
    assert certificate["architecture"] == derived["architecture"]
    assert certificate["seeds"] == {"seed": 0, "split_seed": 0}
    assert certificate["versions"]["torch"] == version("torch")
    assert certificate["command"].startswith("dcanas run space.final_skeleton.channels=4 ")
    accuracy = certificate["accuracy"]
    assert accuracy["n"] == 359
    assert accuracy["value"] == accuracy["correct"] / 359
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    bundled = finished / certificate["onnx"]
    assert certificate["sha256"] == hashlib.sha256(bundled.read_bytes()).hexdigest()


def test_rows_of_the_certificate(finished):
    rows = {row["name"]: row for row in read(finished / "certificate.json")["rows"]}
    assert set(rows) == {*COUNTED, *LATENCIES}
    assert [name for name, row in rows.items() if row["limit"] is not None] == ["params", "macs"]
    assert all(row["met"] is True for row in rows.values())
    for name in COUNTED:
        assert rows[name]["source"] == "counted"
        assert rows[name]["predicted"] == rows[name]["measured"], name
    for name in ("params", "macs"):
        assert 0 < rows[name]["measured"] <= rows[name]["limit"]
    for name in LATENCIES:
        assert rows[name]["source"] == "measured"
        assert rows[name]["measured"] > 0
    assert rows["latency_ms"]["unit"] == "ms"
    space = load_space("nasbench201")
    arch = space.parse(read(finished / "certificate.json")["architecture"])
    counts = count_architecture(space, arch, (1, 8, 8), 10, channels=4, cells=1)
    assert (rows["params"]["measured"], rows["macs"]["measured"]) == (counts.params, counts.macs)
    assert rows["weight_bytes"]["measured"] == counts.weight_bytes + 8  # and mean and deviation of one grey channel


def test_default_limits_exclude_the_larger_part(finished):
    feasibility = read(finished / "feasibility.json")["local-cpu"]
    assert feasibility["members"] == 9_444
    assert 0 < feasibility["share"] < 0.5
    medians = {cost["name"]: cost["median"] for cost in feasibility["ranges"]}
    assert all(limit < medians[name] for name, limit in feasibility["budget"].items())


def test_the_same_command_changes_nothing(dcanas, tiny, finished, hashes):
    before, start = hashes(finished), time.monotonic()
    answer = dcanas("run", *tiny, f"run.dir={finished}")
    assert answer.code == 0
    assert f"Ship the searched network: {finished / 'bundle'}" in answer.out
    assert "accuracy" in answer.out
    assert hashes(finished) == before
    assert time.monotonic() - start < 20


def test_report(dcanas, finished, hashes):
    before = hashes(finished)
    answer = dcanas("report", f"source={finished}")
    assert answer.code == 0
    assert "Test accuracy" in answer.out
    assert f"Ship the searched network: {finished / 'bundle'}" in answer.out
    assert hashes(finished) == before


@pytest.mark.slow
def test_several_devices_from_a_finished_search(dcanas, finished, tmp_path, second_device):
    words = ("run", f"source={finished}", "device=[local-cpu,mine]", f"run.dir={tmp_path / 'run'}", "run.threads=1",
             "search.finalist_epochs=0", "budget.params=p60", "budget.mine.params=p25")
    answer = dcanas(*words)
    assert answer.code == 0, answer.err
    assert read(tmp_path / "run/search/scores.json") == read(finished / "search/scores.json")
    limits = {}
    for device in ("local-cpu", "mine"):
        certificate = read(tmp_path / f"run/derived/{device}/certificate.json")
        assert certificate["device"] == device
        assert all(row["met"] is True for row in certificate["rows"])
        limits[device] = certificate["budget"]["params"]
    assert limits["mine"] < limits["local-cpu"]
    assert not (tmp_path / "run/certificate.json").exists()  # whose would it be?
    logged = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [sum(row["stage"] == f"train/{device}" for row in logged) for device in limits] == [2, 2]  # epochs

    folders = [tmp_path / f"run/derived/{device}" for device in limits]
    weights = [(folder / "weights.pt").read_bytes() for folder in folders]
    for folder in folders:  # the trainings again, on two processes
        shutil.rmtree(folder / "training")
        (folder / "weights.pt").unlink()
        (folder / "train.json").unlink()
    answer = dcanas(*words, "run.workers=2")
    assert answer.code == 0, answer.err
    assert [(folder / "weights.pt").read_bytes() for folder in folders] == weights


def test_percentiles_are_those_of_the_members(dcanas, tiny):
    answer = dcanas("feasibility", *tiny, "budget.params=p25")
    assert answer.code == 0
    space = load_space("nasbench201")
    values = np.array(sorted(count_architecture(space, arch, (1, 8, 8), 10, channels=4, cells=1).params
                             for arch in space.enumerate() if not space.is_dead(arch) and space.prune(arch) == arch))
    limit = values[int(0.25 * (len(values) - 1))]
    assert f"{limit:,}" in answer.out
    assert f"{100 * (values <= limit).mean():.1f} % of them are within the limit." in answer.out


def test_derive_from_a_finished_search(dcanas, finished, tmp_path, monkeypatch, hashes):
    monkeypatch.chdir(tmp_path)
    before = hashes(finished)
    answer = dcanas("derive", f"source={finished}", "budget.params=5500", "run.threads=1")
    assert answer.code == 0, answer.err
    (folder,) = (tmp_path / "runs").iterdir()
    assert "Search: done before" in answer.out
    found = read(folder / "derived/local-cpu/architecture.json")
    assert found["costs"]["params"]["value"] <= 5500
    assert not (folder / "derived/local-cpu/train.json").exists()
    assert hashes(finished) == before
    assert yaml.safe_load((folder / "settings.yaml").read_text())["budget"] == {"params": 5500.0}


def test_no_budget_stays_none_from_source(dcanas, finished, tmp_path, tiny):
    folder = tmp_path / "run"
    assert dcanas("derive", f"source={finished}", "budget=none", "search.finalist_epochs=0", "run.threads=1",
                  f"run.dir={folder}").code == 0
    assert yaml.safe_load((folder / "settings.yaml").read_text())["budget"] == {}
    answer = dcanas("feasibility", f"source={folder}", "seed=1", "run.threads=1")
    assert answer.code == 0
    assert "within" not in answer.out  # no limit, nothing to be within


def test_train_export_and_profile_from_source(dcanas, finished, tmp_path, hashes):
    before = hashes(finished)
    trained, exported = tmp_path / "trained", tmp_path / "exported"
    answer = dcanas("train", f"source={finished}", "train.epochs=1", f"run.dir={trained}", "run.threads=1")
    assert answer.code == 0, answer.err
    assert len(read(trained / "derived/local-cpu/train.json")["history"]) == 1
    answer = dcanas("export", f"source={trained}", f"run.dir={exported}", "run.threads=1")
    assert answer.code == 0, answer.err
    assert read(exported / "derived/local-cpu/export.json")["test_correct"] == \
        read(trained / "derived/local-cpu/train.json")["correct"]
    answer = dcanas("profile", f"source={finished}", f"run.dir={tmp_path / 'profiled'}", "run.threads=1")
    assert answer.code == 0, answer.err
    assert "95 % interval" in answer.out
    assert hashes(finished) == before


def test_a_new_search_from_the_settings_of_another_run(dcanas, finished, tmp_path):
    again, derived = tmp_path / "again", tmp_path / "derived"
    answer = dcanas("search", f"source={finished}", "search.epochs=1", f"run.dir={again}", "run.threads=1")
    assert answer.code == 0, answer.err
    assert len(read(again / "search/scores.json")["history"]) == 1
    answer = dcanas("derive", f"source={again}", f"run.dir={derived}", "run.threads=1", "search.finalist_epochs=0")
    assert answer.code == 0, answer.err
    assert read(derived / "search/scores.json") == read(again / "search/scores.json")


@pytest.mark.parametrize(("command", "change"), [
    ("run", "search.epochs=3"), ("derive", "space.search_skeleton.channels=8"), ("train", "budget.params=9000"),
    ("train", "search.finalists=3"), ("export", "train.epochs=3"), ("profile", "seed=1"),
])
def test_what_is_taken_over_cannot_be_asked_otherwise(dcanas, finished, tmp_path, command, change):
    answer = dcanas(command, f"source={finished}", change, f"run.dir={tmp_path / 'run'}", "run.threads=1")
    assert answer.code == 2
    assert change.split("=")[0] in answer.err
    assert answer.err.count("\n") == 1


def test_source_that_lost_its_weights(dcanas, tiny, finished, tmp_path):
    half = tmp_path / "half"
    shutil.copytree(finished, half)
    (half / "derived/local-cpu/weights.pt").unlink()
    answer = dcanas("export", f"source={half}", f"run.dir={tmp_path / 'run'}", "run.threads=1")
    assert answer.code == 2
    assert "weights.pt was" in answer.err
    assert "makes it again or says what that costs" in answer.err
    (half / "manifest.json").unlink()  # as if it had never been there
    answer = dcanas("export", f"source={half}", f"run.dir={tmp_path / 'run'}", "run.threads=1")
    assert answer.code == 2
    assert "weights.pt is missing: the source run has not reached that stage" in answer.err
    assert not list((tmp_path / "run").rglob("train.json"))  # nothing is taken in part


def test_multirun_gives_each_its_directory(dcanas, tiny, tmp_path):
    answer = dcanas("search", "-m", *tiny, "seed=0,1", "search.epochs=1", f"run.dir={tmp_path / 'all'}")
    assert answer.code == 0, answer.err
    folders = sorted((tmp_path / "all").iterdir())
    assert len(folders) == 2
    seeds = {yaml.safe_load((folder / "settings.yaml").read_text())["seed"] for folder in folders}
    assert seeds == {0, 1}
    first, second = (read(folder / "search/scores.json") for folder in folders)
    assert first["alphas"] != second["alphas"]


def test_one_bad_run_of_several_does_not_keep_the_others(dcanas, tiny, tmp_path):
    answer = dcanas("feasibility", "-m", *tiny, "budget.params=1,p50", f"run.root={tmp_path}")
    assert answer.code == 2
    assert "params <= 1 binds" in answer.err
    assert "% of them are within the limit" in answer.out


def test_any_onnx_file_can_be_measured(dcanas, finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = dcanas("profile", f"onnx={finished / 'derived/local-cpu/model.onnx'}", "device=local-cpu")
    assert answer.code == 0
    assert "Latency of model.onnx on local-cpu" in answer.out
    assert not list(tmp_path.iterdir())


def test_weight_bytes_of_the_delivered_file_have_the_normalisation():
    space = load_space("nasbench201")
    cost = linear_counts(space, (3, 32, 32), 10)["weight_bytes"]
    book = CostBook(load_device("local-cpu"), Networks(space, (3, 32, 32), 10), {}, Path, 0, QUIET)
    (delivered,) = (each for each in book.counted if each.name == "weight_bytes")
    arch = space.sample(np.random.default_rng(0))
    assert delivered.value(arch) == cost.value(arch) + 2 * 3 * 4  # mean and deviation of three channels


@pytest.mark.slow
def test_limits_on_latency(dcanas, finished, tmp_path):
    """One that is kept, then one nothing reaches, from the same measurements."""
    kept, refused = tmp_path / "kept", tmp_path / "refused"
    answer = dcanas("run", f"source={finished}", "budget.latency_ms=50", f"run.dir={kept}", "run.threads=1")
    assert answer.code == 0, answer.err
    row = next(row for row in read(kept / "certificate.json")["rows"] if row["name"] == "latency_ms")
    assert row["met"] is True
    assert row["source"] == "measured"
    assert row["limit"] == 50
    assert 0 < row["predicted"] < 50
    assert row["measured"] <= row["upper"] <= 50
    costs = {cost["name"]: cost["source"] for cost in read(kept / "feasibility.json")["local-cpu"]["ranges"]}
    assert costs["latency_ms"] == "predicted"

    start = time.monotonic()
    answer = dcanas("run", f"source={kept}", "budget.latency_ms=1e-6", f"run.dir={refused}", "run.threads=1")
    assert answer.code == 2
    assert "latency_ms <= 1e-06 ms binds, its smallest feasible value is" in answer.err
    assert answer.err.count("\n") == 1
    assert not list(refused.rglob("*.pt"))
    assert time.monotonic() - start < 20  # nothing is measured twice


@pytest.mark.slow
def test_a_first_run_fits_one_screen_and_quiet_says_what_to_ship(dcanas, tiny, tmp_path):
    """At 80 columns; a line per stage, and at the end what to ship."""
    folder = tmp_path / "run"
    answer = dcanas("run", *tiny, f"run.dir={folder}")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert sum(-(-max(len(line), 1) // 80) for line in lines) <= 40
    for stage in ("Search", "Derive for local-cpu", "Train for local-cpu", "Export for local-cpu",
                  "Measure on local-cpu", "Certificate for local-cpu", "Write the report"):
        assert sum(line.startswith(f"{stage}: ") for line in lines) == 1, stage
    last = [f"Ship the searched network: {folder / 'bundle'}", "limits", "rival", "accuracy", "latency", "size",
            f"Page: {folder / 'report.html'}"]
    assert all(line.strip().startswith(start) for line, start in zip(lines[-7:], last, strict=True))
    quiet = dcanas("run", "--quiet", *tiny, f"run.dir={folder}")
    assert quiet.out.splitlines() == lines[-7:]
    verbose = dcanas("run", "--verbose", *tiny, f"run.dir={folder}")
    assert "weight_bytes" in verbose.out  # the table of what the budget leaves
    assert dcanas("run", "--quiet", "--verbose", *tiny).code == 2
