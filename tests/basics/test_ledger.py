"""Stored results: nothing that was entered is lost, and nothing is computed twice."""

import json

import pytest

from dcanas.basics.errors import UserError
from dcanas.basics.ledger import Ledger


def test_every_entry_is_on_disk_before_it_is_used(tmp_path):
    path = tmp_path / "new" / "results.json"
    ledger = Ledger(path)
    assert not path.exists()
    for name in ("a", "b"):
        ledger[name] = {"accuracy": 0.5}
        assert list(json.loads(path.read_text())) == list(ledger)
    again = Ledger(path)
    assert dict(again) == dict(ledger) == {"a": {"accuracy": 0.5}, "b": {"accuracy": 0.5}}
    again["c"] = 1
    assert list(json.loads(path.read_text())) == ["a", "b", "c"]


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("{")
    with pytest.raises(UserError, match=r"results\.json is damaged"):
        Ledger(path)
