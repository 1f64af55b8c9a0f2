"""What a search by gradient depends on."""

from __future__ import annotations

from dataclasses import replace

from dcanas.basics.keys import key_of
from dcanas.search import SearchSettings
from dcanas.search.gradient.gradient_search import GradientSearch
from dcanas.search.task import SearchTask
from dcanas.spaces import load_space
from dcanas.training import DataSpec, Recipe, load_data


def test_the_key_of_a_search_that_continues_includes_the_run_it_continues_from(tmp_path) -> None:
    new = SearchTask(load_space("nasbench201"), load_data(DataSpec()), (), SearchSettings(), Recipe(), 0, 0, {}, {},
                     tmp_path)
    tasks = [new, *(replace(new, start=tmp_path / name) for name in ("one", "other"))]
    assert len({key_of(*GradientSearch().key(task)) for task in tasks}) == 3
    assert GradientSearch().key(replace(new, folder=tmp_path / "elsewhere")) == GradientSearch().key(new)
