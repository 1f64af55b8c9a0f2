"""A run made before a setting existed, or with one that has left since, serves as source: it did what defaults say."""

from __future__ import annotations

import pytest
import yaml

from dcanas.basics.errors import UserError
from dcanas.basics.keys import plain
from dcanas.cli.compose import configure
from dcanas.pipeline.settings import differences, store_settings, stored_settings

FORMER = {"warm_up": 0, "dynamics": "measured", "weights": {}, "moves": 1, "learning_rate": 0.05,
          "baseline_momentum": 0.9, "batch": 10}  # what every study stored


def test_settings_that_did_not_exist_yet_have_their_defaults(tmp_path):
    settings, _ = configure(["seed=3", "search.epochs=7"])
    older = plain(settings)
    assert older.pop("baseline") is False
    assert older["search"].pop("rerank") == []
    del older["proxies"], older["search"]["file"], older["search"]["file_sha256"]
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(older), encoding="utf-8")
    taken, _ = configure([f"source={tmp_path}"])
    assert plain(taken) == plain(settings)
    assert (taken.seed, taken.search.epochs) == (3, 7)


def test_settings_that_left_are_dropped_if_they_did_nothing(tmp_path):
    settings, _ = configure(["search=evolution", "run.threads=2"])
    older = plain(settings)
    older["search"] |= FORMER
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(older), encoding="utf-8")
    assert configure([f"source={tmp_path}"])[0] == settings
    older["search"]["moves"] = 3
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(older), encoding="utf-8")
    with pytest.raises(UserError, match=r"Unknown setting 'search\.moves'"):
        configure([f"source={tmp_path}"])


def test_a_run_that_recorded_no_threads_goes_on_with_any_and_then_keeps_them(tmp_path):
    older = plain(configure(["seed=3"])[0])
    del older["run"]
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(older), encoding="utf-8")
    asked = [configure(["seed=3", f"run.dir={tmp_path}", f"run.threads={threads}"])[0] for threads in (1, 2)]
    assert [differences(plain(settings), stored_settings(tmp_path)) for settings in asked] == [{}, {}]
    store_settings(tmp_path, asked[0])
    assert list(differences(plain(asked[1]), stored_settings(tmp_path))) == ["run.threads"]
    assert configure(["seed=3", f"run.dir={tmp_path}"])[0] == asked[0]
