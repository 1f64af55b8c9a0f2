"""A run made before a setting existed serves as source: it did what defaults say."""

from __future__ import annotations

import yaml

from dcanas.basics.keys import plain
from dcanas.cli.compose import configure
from dcanas.pipeline.settings import differences, store_settings, stored_settings


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


def test_a_run_that_recorded_no_threads_goes_on_with_any_and_then_keeps_them(tmp_path):
    older = plain(configure(["seed=3"])[0])
    del older["run"]
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(older), encoding="utf-8")
    asked = [configure(["seed=3", f"run.dir={tmp_path}", f"run.threads={threads}"])[0] for threads in (1, 2)]
    assert [differences(plain(settings), stored_settings(tmp_path)) for settings in asked] == [{}, {}]
    store_settings(tmp_path, asked[0])
    assert list(differences(plain(asked[1]), stored_settings(tmp_path))) == ["run.threads"]
    assert configure(["seed=3", f"run.dir={tmp_path}"])[0] == asked[0]
