"""The short form of the fuzzer, with a seed that nobody has looked at before; the long one is run by hand."""

from __future__ import annotations

import json
import os

import pytest

from dcanas.basics.errors import UserError
from tools import fuzz
from tools.fuzz_cases import Case, Outcome


@pytest.mark.parametrize(("kind", "count"), [
    ("tables", 60), ("commands", 40), pytest.param("boards", 12, marks=pytest.mark.slow)])
def test_nothing_ends_badly(kind, count, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", os.environ["PATH"])  # what the boards add is gone afterwards
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path / "none"))
    fuzz.main(kind=kind, count=count, seed=11, out=tmp_path)
    rows = [json.loads(line) for line in (tmp_path / f"{kind}-11.jsonl").read_text().splitlines()]
    assert {row["outcome"] for row in rows} <= {"found", "harmless"}
    assert [row["number"] for row in rows] == list(range(count))
    assert f"{count} {kind}, seed 11" in capsys.readouterr().out


def test_it_goes_on_where_it_stopped_and_names_what_ended_badly(tmp_path, monkeypatch, capsys):
    """Five cases: the fourth raises, the fifth is executed."""
    made = []

    def case(rng, work, number):
        made.append(number)

        def run():
            if number == 3:
                raise ValueError("bug")
            if number == 4:
                (work / "executed").touch()
            return Outcome("found", "one sentence")

        return Case("family", f"case {number}", run)

    monkeypatch.setitem(fuzz.KINDS, "boards", case)
    fuzz.main(kind="boards", count=2, out=tmp_path)
    with pytest.raises(UserError, match=r"2 of 5 ended badly, the first: .*ValueError: bug"):
        fuzz.main(kind="boards", count=5, out=tmp_path)
    assert made == [0, 1, 2, 3, 4]
    assert "{'found': 3, 'traceback': 1, 'executed': 1}" in capsys.readouterr().out
