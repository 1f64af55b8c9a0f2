"""What `dcanas.run` returns and leaves, and what it leaves alone."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from shortcuts import quick
from tiny_run import DEVICE, TINY

import dcanas
from dcanas.cli.compose import configure
from dcanas.pipeline.opened import opened
from dcanas.spaces import load_space


def test_it_is_quiet_and_torch_is_as_before(made):
    before, after = made.state
    assert after == before
    assert made.printed == ""


def test_the_certificate_is_that_of_the_delivered_file(made):
    run, certificate = made.run, made.run.certificate
    assert certificate.met is True
    assert certificate.budget["params"] == 8000
    assert certificate["params"].met is True
    assert certificate["params"].limit == 8000
    space = load_space("nasbench201")
    network = space.build(space.parse(certificate.architecture), 7, 1, **certificate.skeleton)
    assert certificate["params"].measured == sum(p.numel() for p in network.parameters()) <= 8000
    assert certificate.sha256 == hashlib.sha256(run.onnx.read_bytes()).hexdigest()
    assert certificate.content == json.loads((run.directory / "derived/raspi4/certificate.json").read_text())
    assert (certificate.device, run.devices) == (DEVICE, (DEVICE,))


def test_predictions_are_those_the_certificate_counts(made):
    run = made.run
    with np.load(run.bundle / "test.npz") as test:
        images, labels = test["images"], test["labels"]
    answers = run.predict(images.transpose(0, 2, 3, 1))
    assert answers.dtype == np.int64  # integers were given
    assert run.classes.tolist() == [3, 4, 5, 6, 7, 8, 9]
    accuracy = run.certificate.accuracy
    assert (answers == run.classes[labels]).sum() == accuracy.correct
    assert accuracy.value == accuracy.correct / accuracy.n
    assert accuracy.low < accuracy.value < accuracy.high
    probability = run.predict_proba(images[:, 0] / 255)  # (N, H, W), floats
    assert np.allclose(probability.sum(axis=1), 1, atol=1e-5)
    assert (run.classes[probability.argmax(axis=1)] == answers).all()


def test_the_model_takes_pixels_as_they_are(made, digits):
    model, images = made.run.model, digits[0][:50]
    assert not model.training
    state = torch.get_rng_state()
    with torch.no_grad():
        logits = model(torch.from_numpy(images[:, None]).float() / 255)
    assert torch.equal(torch.softmax(logits, 1).argmax(1), torch.from_numpy(made.run.predict_proba(images).argmax(1)))
    assert torch.equal(torch.get_rng_state(), state)


def test_candidates_are_rows_of_a_table(made):
    rows = made.run.candidates
    assert len(rows) >= 2
    assert {tuple(row) for row in rows} == {("architecture", "score", "origin", "params", "macs", "peak_bytes",
                                             "weight_bytes", "validation_accuracy", "chosen")}
    assert all(isinstance(value, (str, float, int, type(None))) for row in rows for value in row.values())
    assert all(row["params"] <= 8000 for row in rows)
    (chosen,) = (row for row in rows if row["chosen"])
    assert chosen["architecture"] == made.run.certificate.architecture
    tried = [row["validation_accuracy"] for row in rows if row["validation_accuracy"] is not None]
    assert len(tried) == 2
    assert chosen["validation_accuracy"] == max(tried)


def test_the_same_call_is_done_and_other_data_or_settings_are_refused(made, digits):
    images, labels = digits
    folder = made.run.directory
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.pt")}
    again = dcanas.run(digits, DEVICE, {"params": "8k"}, seed=3, directory=folder, settings=TINY)
    assert again == made.run
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.pt")} == times
    for data, seed, named in (((images, labels[::-1]), 3, "data.fingerprint"), ((images[1:], labels[1:]), 3, "data"),
                              (digits, 4, "seed: 3 there, 4 asked")):
        with pytest.raises(dcanas.UserError, match=f"belongs to a run with other settings .*{named}"):
            dcanas.run(data, DEVICE, {"params": "8k"}, seed=seed, directory=folder, settings=TINY)


def test_load_finds_what_run_returned(made, tmp_path):
    found = dcanas.load(str(made.run.directory))
    assert found == made.run
    assert found[DEVICE].certificate == made.run.certificate
    with pytest.raises(dcanas.UserError, match="Unknown device of this run 'raspi'; did you mean 'raspi4'"):
        found["raspi"]
    with pytest.raises(dcanas.UserError, match=r"is not a run directory: it has no settings\.yaml"):
        dcanas.load(tmp_path)


class Stopping(dcanas.Hooks):
    """Hooks of a user's own that stop after the first epoch of the search."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.stop = False

    def stage(self, title, stoppable=False):
        self.titles.append(title)
        return super().stage(title, stoppable)

    def epoch(self, step, row):
        self.stop = True

    def should_stop(self):
        return self.stop


def test_hooks_of_ones_own_may_stop_a_run_which_is_not_finished_then(digits, tmp_path):
    hooks = Stopping()
    with pytest.raises(dcanas.Stopped):
        dcanas.run(digits, DEVICE, {"params": "8k"}, directory=tmp_path / "run", progress=hooks, settings=TINY)
    assert hooks.titles[0] == "Search"
    with pytest.raises(dcanas.UserError, match=r"not finished: search has not run; `dcanas run source=.*` goes on"):
        dcanas.load(tmp_path / "run")
    settings, options = configure([f"source={tmp_path / 'run'}"])  # the command line needs no arrays to go on
    with opened(settings, options, "", dcanas.Hooks()) as run:
        assert run.location == tmp_path / "run"
        assert run.dataset.classes == tuple("3456789")


@pytest.mark.slow
def test_derive_keeps_the_search_and_the_images(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with quick():
        derived = dcanas.derive(made.run, budget={"params": 6000}, progress=True)
    assert derived.directory.parent.name == "runs"
    assert derived.certificate.budget["params"] == 6000
    assert derived.certificate.met
    assert derived.classes.tolist() == made.run.classes.tolist()
    search = {path.name: path.read_bytes() for path in (made.run.directory / "search").glob("scores.json")}
    assert search
    assert {path.name: path.read_bytes() for path in (derived.directory / "search").glob("scores.json")} == search
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Derive for raspi4 ..." in printed.err
    assert "Search ..." not in printed.err
    assert dcanas.derive(derived.directory) == derived  # nothing is asked otherwise


def test_several_processes_are_sent_to_the_command(digits, monkeypatch):
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", "1")):
        monkeypatch.setenv(name, value)
    with pytest.raises(dcanas.UserError, match="unset RANK and WORLD_SIZE"):
        dcanas.run(digits, settings=TINY)


@pytest.mark.parametrize(("arguments", "words"), [
    ({"data": "digit"}, "'digit' is neither a folder nor the name of a data set; did you mean 'digits'?"),
    ({"data": "digits", "space": "nasbench"}, "Unknown space 'nasbench'; did you mean 'nasbench201'?"),
    ({"data": "digits", "settings": {"train": {"epoch": 3}}},
     "Unknown setting 'train.epoch'; did you mean 'train.epochs'?"),
    ({"data": "digits", "settings": {"seed": 3}}, "seed is an argument of its own; give it there, not in settings."),
    ({"data": "digits", "settings": {"train": "quick"}}, "train is an argument of its own"),
    ({"data": "digits", "settings": {"budget.params": 3}}, "budget.params is an argument of its own"),
    ({"data": "digits", "budget": {"latency": 3}}, "Unknown cost 'latency'"),
    ({"data": "digits", "budget": {"params": "3 kB"}}, "The limit on params must be a positive finite number"),
    ({"data": "digits", "device": ["local-cpu", "local-cpu"]}, "device must be NAME or"),
    ({"data": 3},
     "The data must be (images, labels), a dictionary of such pairs by split, or a torch Dataset, got int."),
    ({"data": "arrays"}, "data=arrays are images and labels given in Python"),
    ({"data": "digits", "seed": -1}, "seed must be a whole number from 0, got -1."),
])
def test_what_cannot_be_used_is_said_in_one_sentence(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(dcanas.UserError) as caught:
        dcanas.run(**arguments)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_importing_the_package_imports_nothing_heavy():
    code = ("import sys, dcanas; print(sorted({'numpy', 'torch'} & set(sys.modules)))\n"
            "print(dcanas.list_proxies(), dcanas.list_searches()); print('torch' in sys.modules)")
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert told[0] == "[]"
    assert told[2] == "False"


def test_every_exported_name_is_there():
    assert set(dcanas.__all__) <= set(dir(dcanas))
    for name in dcanas.__all__:
        assert getattr(dcanas, name) is not None
    with pytest.raises(AttributeError):
        _ = dcanas.no_such_name


@pytest.mark.parametrize(("kind", "known"), [
    ("spaces", "nasbench201"), ("data", "cifar10"), ("devices", "local-cpu"), ("searches", "zero_shot"),
    ("recipes", "quick"), ("experiments", "darts_cifar10"), ("proxies", "synflow"), ("costs", "latency_ms")])
def test_lists_name_what_there_is(kind, known):
    found = getattr(dcanas, f"list_{kind}")()
    assert known in found
    assert len(set(found)) == len(found)
