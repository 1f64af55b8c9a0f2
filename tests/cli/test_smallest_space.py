"""A space of one option per slot, so of one network: every kind of search ends with it, its certificate, a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SIZE = ("space.final_skeleton.channels=4", "train.epochs=2", "train.batch_size=64", "run.threads=1",
        "run.progress=plain")


@pytest.mark.slow
@pytest.mark.parametrize(("search", "more", "told"), [
    ("differentiable", ("search.share=false", "search.epochs=1"), ""),
    ("random", ("search.evaluations=4", "search.epochs=1"), "only 1 of the 4 evaluations asked for were made"),
    ("zero_shot", ("search.names=[synflow]", "search.batch_size=8", "search.evaluations=8", "search.population=4",
                   "search.tournament=2"), ""),
])
def test_a_whole_run(dcanas, tmp_path, search, more, told):
    own = Path(__file__).parents[1].joinpath("spaces/ladder_space.py").read_text(encoding="utf-8")
    (tmp_path / "ladder_space.py").write_text(own.replace(
        'OPTIONS = ("conv3", "conv5", "depthwise3", "depthwise5")', 'OPTIONS = ("conv3",)'))
    answer = dcanas("run", "space=file", f"space.file={tmp_path / 'ladder_space.py'}", f"search={search}", *more, *SIZE,
                    "budget.params=20000", f"run.dir={tmp_path / 'run'}")
    assert answer.code == 0, answer.err
    assert told in answer.out
    certificate = json.loads((tmp_path / "run/certificate.json").read_text())
    assert certificate["architecture"].count("conv3") == 4
    assert "local-cpu: 1 network of ladder, " in answer.out
    assert (tmp_path / "run/report.html").stat().st_size > 10_000
