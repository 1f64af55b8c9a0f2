"""A run made before a setting existed serves as source: it did what the setting's default says."""

from __future__ import annotations

import yaml

from dcanas.basics.keys import plain
from dcanas.cli.compose import configure


def test_settings_that_did_not_exist_yet_have_their_defaults(tmp_path):
    settings, _ = configure(["seed=3", "search.epochs=7"])
    older = plain(settings)
    assert older.pop("baseline") is False
    assert older["search"].pop("rerank") == []
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(older), encoding="utf-8")
    taken, _ = configure([f"source={tmp_path}"])
    assert plain(taken) == plain(settings)
    assert (taken.seed, taken.search.epochs) == (3, 7)
