"""Checkpoints: the newest whole one, and nothing in them is executed."""

from __future__ import annotations

import hashlib
import io
import pickle
import warnings
from pathlib import Path

import pytest
import torch

from dcanas.basics.checkpoints import load_checkpoint, load_weights, save_checkpoint
from dcanas.basics.errors import UserError


class Trap:
    """Creates a file where it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_nothing_there(tmp_path):
    assert load_checkpoint(tmp_path) is None
    assert load_checkpoint(tmp_path / "missing") is None


def test_newest_is_loaded_and_old_ones_go(tmp_path):
    for step in (5, 90, 100):  # by number, not by name
        save_checkpoint(tmp_path, step, {"weights": torch.full((2,), float(step)), "history": [{"loss": 0.5}]})
    step, state = load_checkpoint(tmp_path)
    assert step == 100
    assert state["weights"].tolist() == [100.0, 100.0]
    assert state["history"] == [{"loss": 0.5}]
    assert sorted(int(p.name.split("-")[1]) for p in tmp_path.iterdir()) == [90, 100]


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"", lambda b: b[:50] + b"x" + b[51:]])
def test_damaged_newest_falls_back_and_says_so(tmp_path, damage):
    save_checkpoint(tmp_path, 1, {"x": 1})
    newest = save_checkpoint(tmp_path, 2, {"x": 2})
    newest.write_bytes(damage(newest.read_bytes()))
    with pytest.warns(UserWarning, match=f"{newest.name} is damaged"):
        assert load_checkpoint(tmp_path) == (1, {"x": 1})


def test_all_damaged(tmp_path):
    save_checkpoint(tmp_path, 1, {"x": 1}).write_bytes(b"")
    with pytest.warns(UserWarning, match="is damaged"):
        assert load_checkpoint(tmp_path) is None


def test_files_that_are_no_checkpoints_are_left_alone(tmp_path):
    (tmp_path / "step-notes.pt").write_text("mine")
    for step in range(4):
        save_checkpoint(tmp_path, step, {"x": step})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_checkpoint(tmp_path) == (3, {"x": 3})
    assert (tmp_path / "step-notes.pt").read_text() == "mine"


def test_a_malicious_checkpoint_is_not_executed(tmp_path):
    """Its hash is right, so only the way of loading protects."""
    proof = tmp_path / "executed"
    content = io.BytesIO()
    torch.save({"x": Trap(proof)}, content)
    digest = hashlib.sha256(content.getvalue()).hexdigest()[:16]
    (tmp_path / f"step-00000001-{digest}.pt").write_bytes(content.getvalue())
    with pytest.raises(UserError, match=r"step-00000001-.*\.pt is no checkpoint of dcanas"):
        load_checkpoint(tmp_path)
    assert not proof.exists()
    torch.load(io.BytesIO(content.getvalue()), weights_only=False)
    assert proof.exists()  # the trap works


def test_weights(tmp_path):
    torch.save({"layer": torch.ones(2)}, tmp_path / "weights.pt")
    assert load_weights(tmp_path / "weights.pt")["layer"].tolist() == [1.0, 1.0]
    with pytest.raises(UserError, match=r"There are no weights at .*missing\.pt"):
        load_weights(tmp_path / "missing.pt")
    (tmp_path / "weights.pt").write_bytes((tmp_path / "weights.pt").read_bytes()[:-200])
    with pytest.raises(UserError, match=r"weights\.pt is not a whole file of weights"):
        load_weights(tmp_path / "weights.pt")
    proof = tmp_path / "executed"
    (tmp_path / "weights.pt").write_bytes(pickle.dumps(Trap(proof), protocol=2))
    with pytest.raises(UserError, match=r"weights\.pt is not a whole file of weights"):
        load_weights(tmp_path / "weights.pt")
    assert not proof.exists()
