"""Bad input: one clear sentence on standard error, exit code 2, nothing made and nothing lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def refused(dcanas, tmp_path, monkeypatch):
    """Return a function that runs a command in an empty folder and returns the one sentence it is refused with."""
    place = tmp_path / "empty"
    place.mkdir()
    monkeypatch.chdir(place)

    def call(*arguments: object) -> str:
        answer = dcanas(*arguments)
        assert answer.code == 2, answer.out
        assert answer.err.startswith("dcanas: ")
        assert answer.err.endswith((".\n", "?\n"))
        assert answer.err.count("\n") == 1
        assert not list(place.iterdir())
        return answer.err

    return call


@pytest.mark.parametrize(("arguments", "meant"), [
    (["runn"], "command 'runn'; did you mean 'run'?"),
    (["run", "space=nasbench"], "space 'nasbench'; did you mean 'nasbench201'?"),
    (["run", "data=digit"], "data 'digit'; did you mean 'digits'?"),
    (["run", "device=localcpu"], "device 'localcpu'; did you mean 'local-cpu'?"),
    (["run", "device=[local-cpu,cpu-local]"], "device 'cpu-local'; did you mean 'local-cpu'?"),
    (["run", "budget.parms=1e5"], "cost 'parms'; did you mean 'params'?"),
    (["run", "budget.latency=1"], "cost 'latency'; did you mean 'latency_ms'?"),
    (["run", "budget.fps=30"], "cost 'fps'; did you mean 'latency_ms', as in budget.latency_ms='30 fps'?"),
    (["run", "budget.flops=1e6"], "cost 'flops'; did you mean 'macs'"),
    (["run", "budget.size=100"], "cost 'size'; did you mean 'weight_bytes'"),
    (["run", "budget.parms=p20"], "cost 'parms'; did you mean 'params'?"),
    (["run", "train=quik"], "train 'quik'; did you mean 'quick'?"),
    (["run", "search=diferentiable"], "search 'diferentiable'; did you mean 'differentiable'?"),
    (["run", "train.epoch=3"], "setting 'train.epoch'; did you mean 'train.epochs'?"),
    (["run", "spaec=nasbench201"], "setting 'spaec'; did you mean 'space'?"),
    (["run", "run.thread=1"], "setting 'run.thread'; did you mean 'run.threads'?"),
    (["run", "search=differentiable", "search.strategy=sofmax"], "'sofmax'; did you mean 'softmax'?"),
    (["run", "space.final_skeleton.chanels=4"], "'chanels'; did you mean 'channels'?"),
    (["run", "--multrun", "seed=0"], "option '--multrun'; did you mean '--multirun'?"),
    (["list", "space"], "list 'space'; did you mean 'spaces'?"),
    (["profile", "onnx=x.onnx", "devise=a"], "'devise'; did you mean 'device'?"),
])
def test_nearest_name(refused, arguments, meant):
    assert meant in refused(*arguments)


@pytest.mark.parametrize("limit", ["0", "-5", "nan", "inf", "many", "p0", "p100", "", "[1,2]", "true", "null"])
def test_limits_that_are_none(refused, limit):
    sentence = refused("run", f"budget.params={limit}")
    assert "params" in sentence
    assert "must be a" in sentence


@pytest.mark.parametrize(("setting", "expected"), [
    ("seed=x", "seed must be a whole number, got 'x'"),
    ("seed=1.5", "seed must be a whole number, got 1.5"),
    ("seed=-1", "seed must be a whole number from 0, got -1"),
    ("device=[]", "device must be NAME or [A,B]"),
    ("device=[local-cpu,local-cpu]", "device must be NAME or [A,B] with different names"),
    ("budget=7", "budget must name costs"),
    ("budget.mine.latency_ms=7", "device 'mine', but the run is for local-cpu"),
    ("budget.energy_mj=7", "local-cpu has no energy_mj: energies are looked up in published tables"),
    ("train.epochs=0", "train.epochs must be a whole number from 1 to"),
    ("train.epochs=two", "train.epochs must be a whole number, got 'two'"),
    ("train.learning_rate=-1", "train.learning_rate must be"),
    ("search.epochs=0", "search.epochs must be a whole number from 1"),
    ("search.share=7", "search.share must be true or false"),
    ("space.final_skeleton.channels=0", "channels of nasbench201 must be a whole number from 1, got 0"),
    ("space.final_skeleton.cells=x", "cells of nasbench201 must be a whole number from 1, got 'x'"),
    ("space.search_skeleton.channels=-2", "channels of nasbench201 must be a whole number from 1, got -2"),
    ("space.final_skeleton=4", "space.final_skeleton must hold keys and values"),
    ("data.size=2", "data.size must be a whole number from 8 to 1024"),
    ("data.test_fraction=1", "data.test_fraction must be a number from 1e-06 to 0.999999"),
    ("data.root=photos", "data.root means nothing for data=digits"),
    ("name=", "name must not be empty"),
    ("run.threads=0", "run.threads must be a whole number from 1"),
    ("run.compute=gpu", "run.compute must be one of auto, cpu, cuda"),
    ("run.progress=loud", "run.progress must be one of auto, bars, plain, none"),
    ("seed=0,1", "several values of a sweep; add -m"),
    ("seed=interval(0,1)", "several values of a sweep; add -m"),
    ("budget.params=(", "'budget.params=(' cannot be read"),
    ("nonsense", "'nonsense' is neither a folder nor the name of a data set"),
    ("~dat", "setting 'dat'; did you mean 'data"),
    ("+more=1", "setting 'more'"),
    ("++train=quick", "A preset is chosen, not added: write train=quick."),
    ("~train.epochs=3", "takes back that value only, and train.epochs is"),
    ("hydra.run.dir=x", "hydra.run.dir is not used here: run.dir=DIR"),
    ("run.dir=[1,2]", "run.dir must be a path, got [1, 2]"),
    ("source=elsewhere", "elsewhere is not a run directory"),
])
def test_values(refused, setting, expected):
    assert expected in refused("run", setting)


@pytest.mark.parametrize(("command", "expected"), [
    (["list"], "takes one of spaces, data, devices"),
    (["run", "--cfg", "train.cutout=a,b"], "several values of a sweep; add -m"),
    (["run", "search.constraint=[1,2]"], "search.constraint must be"),
    (["run", f"space.file={'x' * 5000}"], "File name too long: "),
    (["doctor", "all"], "takes nothing, --report, or device=NAME and --clean, got all"),
    (["report"], "holds no certificate; finish the run"),
    (["report", "source=elsewhere"], "elsewhere is not a run directory"),
    (["profile", "onnx=missing.onnx"], "There is no ONNX file at missing.onnx"),
    (["profile", f"onnx={__file__}"], "cannot load"),
])
def test_other_commands(refused, command, expected):
    assert expected in refused(*command)


def test_a_budget_nothing_meets(dcanas, tiny, tmp_path):
    answer = dcanas("run", *tiny, "budget.params=1000", "budget.macs=1e9", f"run.dir={tmp_path}")
    assert answer.code == 2
    # convolutions and batch norms of stem, reductions 4 -> 8 -> 16 with their 1x1 shortcuts, last norm, head
    stem, last, head = 9 * 4 + 8, 32, 160 + 10
    reductions = 9 * 4 * 8 + 16 + 9 * 8 * 8 + 16 + 4 * 8, 9 * 8 * 16 + 32 + 9 * 16 * 16 + 32 + 8 * 16
    assert stem + sum(reductions) + last + head == 4_822
    assert answer.err == ("dcanas: Nothing in nasbench201 is within the budget: params <= 1,000 binds, its smallest "
                          "feasible value is 4,822 within the other limits.\n")
    assert not (tmp_path / "search").exists()


def _folder(root: Path, counts: dict[str, int]) -> Path:
    from PIL import Image

    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for i in range(count):
            Image.new("L", (8, 8), 20 * i).save(root / name / f"{i}.png")
    return root


@pytest.mark.parametrize(("counts", "expected"), [
    ({}, "holds no images"),
    ({"cat": 9}, "holds only the class cat"),
    ({"cat": 9, "dog": 0}, "Class 'dog' has no images"),
    ({"cat": 9, "dog": 2}, "Class 'dog' has 2 images, but the splits need at least 4"),
])
def test_folders_of_images(refused, tmp_path, counts, expected):
    root = tmp_path / "photos (new), a=b"
    root.mkdir()
    assert expected in refused("run", "data=folder", f"data.root={_folder(root, counts)}")


def test_folder_that_is_missing(refused, tmp_path):
    assert "needs data.root=" in refused("run", "data=folder")
    missing = tmp_path / "nowhere"
    assert f"There is no folder {missing}" in refused("run", "data=folder", f"data.root={missing}")


def test_unreadable_image(refused, tmp_path):
    root = _folder(tmp_path / "photos", {"cat": 9, "dog": 9})
    (root / "dog/5.png").write_bytes((root / "dog/5.png").read_bytes()[:40])
    assert str(root / "dog/5.png") in refused("run", "data=folder", f"data.root={root}")


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    return folder


def test_directory_of_other_settings(refused, tiny, copy, hashes):
    before = hashes(copy)
    sentence = refused("run", *tiny, "train.epochs=3", "seed=5", f"run.dir={copy}")
    assert "(seed: 0 there, 5 asked; train.epochs: 2 there, 3 asked)" in sentence
    assert hashes(copy) == before


def test_a_run_goes_on_with_the_threads_it_began_with(refused, dcanas, tiny, copy):
    asked = [text for text in tiny if not text.startswith("run.threads=")]  # began with 1, whatever this machine has
    assert "(run.threads: 1 there, 3 asked)" in refused("derive", *asked, "run.threads=3", f"run.dir={copy}")
    before = (copy / "settings.yaml").read_bytes()
    answer = dcanas("derive", *asked, f"run.dir={copy}")
    assert answer.code == 0, answer.err
    assert (copy / "settings.yaml").read_bytes() == before


def test_directory_that_is_none(refused, tiny, tmp_path, hashes):
    file = tmp_path / "file"
    file.write_text("mine")
    assert "is a file; run.dir must be a directory" in refused("run", *tiny, f"run.dir={file}")
    assert file.read_text() == "mine"
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    assert "holds other files and is not a run directory" in refused("run", *tiny, f"run.dir={foreign}")
    assert hashes(foreign).keys() == {"thesis.txt"}


def test_damaged_settings(refused, tiny, copy):
    (copy / "settings.yaml").write_text("[")
    assert "settings.yaml is damaged" in refused("run", *tiny, f"run.dir={copy}")


def test_damaged_result(refused, tiny, copy):
    (copy / "search/scores.json").write_text('{"alphas": [')
    sentence = refused("run", *tiny, f"run.dir={copy}")
    assert "scores.json was changed (its SHA-256 is another) since search wrote it" in sentence
    assert "Making it again takes the whole search: add run.remake=search" in sentence


def test_damaged_result_of_an_older_version(refused, tiny, copy):
    (copy / "manifest.json").unlink()
    (copy / "search/scores.json").write_text('{"alphas": [')
    sentence = refused("run", *tiny, f"run.dir={copy}")
    assert "scores.json is damaged" in sentence
    assert "delete it and run the command again" in sentence


@pytest.mark.parametrize("command", ["run", "report"])
def test_broken_profile_of_a_device(refused, command, tmp_path, monkeypatch):
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices/mine.yaml").write_text("name: mine\nthreads: many\n")
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path / "devices"))
    assert str(tmp_path / "devices/mine.yaml") in refused(command, "device=mine")
