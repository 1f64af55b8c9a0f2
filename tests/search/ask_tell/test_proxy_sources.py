"""The training-free scores of a study: from networks that are built, and from columns of a table."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.costs.members import as_choices
from dcanas.proxies.table import Scoring, score_architecture
from dcanas.search.ask_tell.proxy_sources import computed_sources, select_sources, table_sources
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
DRAW = np.random.default_rng(0)
SCORING = Scoring("nasbench201", ("synflow", "plain"), DRAW.normal(size=(4, 3, 8, 8)).astype(np.float32), np.arange(4),
                  skeleton={"channels": 4, "cells": 1})
ARCH = SPACE.sample(DRAW)


def test_computed_scores_are_larger_where_better():
    sources = computed_sources(SCORING)
    row = score_architecture(SCORING, SPACE, ARCH)["scores"]
    assert list(sources) == ["synflow", "plain"]
    assert not any(source.instant for source in sources.values())
    assert sources["synflow"].values(as_choices([ARCH])) == [row["synflow"]]
    assert sources["plain"].values(as_choices([ARCH])) == [-row["plain"]]  # less of it is better
    with pytest.raises(UserError, match="Unknown proxy 'synflw'; did you mean 'synflow'"):
        select_sources(["synflw"], sources, 0)


def test_columns_of_a_table(tmp_path):
    path = tmp_path / "mine.csv.gz"
    other = next(a for a in SPACE.members() if a != ARCH)
    path.write_bytes(gzip.compress(f"index,architecture,plain,mine\n0,{SPACE.format(ARCH)},3.5,7\n"
                                   f"1,{SPACE.format(other)},-1e8,\n".encode()))
    sources = table_sources(path, SPACE)
    assert list(sources) == ["plain", "mine"]
    both = as_choices([ARCH, other])
    assert sources["mine"].values(both).tolist() == pytest.approx([7, np.nan], nan_ok=True)
    assert sources["plain"].values(both).tolist() == pytest.approx([-3.5, np.nan], nan_ok=True)  # the mark of a failure
    with pytest.raises(UserError, match=r"Unknown proxy 'mein'; did you mean 'mine'"):
        select_sources(["mein"], sources, 0)


@pytest.mark.parametrize(("content", "text"), [
    ("a,b\n1,2\n", "has no column architecture"),
    ("architecture,b\nnonsense,2\n", "line 2: "),
    ("", "is empty; give a CSV table"),
])
def test_files_that_are_no_tables(tmp_path, content, text):
    path = tmp_path / "x.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=text):
        table_sources(path, SPACE)
