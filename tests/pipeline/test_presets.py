"""Presets and what the user states, layered: Hydra composes the same tree, and what is typed has the last word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from itertools import product
from typing import Any

import pytest
import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from omegaconf import OmegaConf

from dcanas.basics.errors import UserError
from dcanas.basics.fields import declared, described
from dcanas.basics.keys import plain
from dcanas.basics.resources import resource_folder
from dcanas.pipeline.configure import composed, configured
from dcanas.pipeline.preset_files import preset_names, presets
from dcanas.pipeline.setting_keys import check_keys
from dcanas.pipeline.settings import Settings, differences, store_settings
from dcanas.search.searches import SETTINGS, settings_class

SEARCH, SPACE, DATA, TRAIN = ([name for name in preset_names(group) if name != "file"]
                              for group in ("search", "space", "data", "train"))


def by_hydra(choices: Mapping[str, str]) -> Any:
    """Return what Hydra makes of the tree, the oracle of all that presets state."""
    typed = [f"{group}{'@_global_' * (group == 'experiment')}={name}" for group, name in choices.items()]
    with initialize_config_dir(str(resource_folder("conf")), version_base="1.3"):
        return OmegaConf.to_container(hydra_compose("config", typed))


def stated(group: str, name: str) -> dict[str, Any]:
    """Return what the file of a preset says itself, without those it builds on."""
    values = yaml.safe_load((resource_folder("conf") / group / f"{name}.yaml").read_text()) or {}
    values.pop("defaults", None)
    return values.get(group, values)


def leaves(values: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{where}{name}.")
        else:
            yield f"{where}{name}", value


def spread() -> list[dict[str, str]]:
    """Return combinations in which every search meets every space, and every preset every data set."""
    made = [dict(zip(("search", "space", "data", "train"), (s, x, DATA[(i + 2 * j) % len(DATA)],
                                                            TRAIN[(i + j) % len(TRAIN)]), strict=True))
            for (i, s), (j, x) in product(enumerate(SEARCH), enumerate(SPACE))]
    return made[::5] + [{"space": space, "data": data} for space, data in product(SPACE, ("digits", "folder"))]


@pytest.mark.slow
def test_hydra_composes_the_same_values():
    for choices in spread():
        assert presets(choices) == by_hydra(choices), choices


@pytest.mark.parametrize("experiment", preset_names("experiment"))
def test_hydra_composes_the_same_experiments(experiment):
    for more in ({}, {"data": "digits"}, {"search": "random", "train": "fast_at"}):
        assert presets({"experiment": experiment, **more}) == by_hydra({"experiment": experiment, **more}), more


def compose(choices: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, Any]:
    return composed(choices, changes)[0]


def make_settings(values: Mapping[str, Any]) -> Settings:
    return configured(values)[0]


@cache
def whole(**choices: str) -> dict[str, Any]:
    return compose(choices, {})


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("search", SEARCH)
def test_what_is_typed_wins_over_the_experiment_that_over_the_search_and_that_over_the_data(search, data):
    values = compose({"search": search, "data": data}, {})
    own = {**stated("search", search), "epochs": values["search"].get("epochs")}
    assert {key: values["search"].get(key) for key in own} == own  # whatever suits the data set
    suits = resource_folder("conf") / "suits" / "data" / f"{data}.yaml"
    suited = yaml.safe_load(suits.read_text()) if suits.is_file() else {}
    for key, value in suited.get("search", {}).items():
        inherited = stated("search", "_study") if values["search"]["name"] == "study" else {}
        if key in values["search"] and key not in {**inherited, **stated("search", search)}:
            assert values["search"][key] == value
    pinned = compose({"search": search, "data": data, "experiment": "small_folder"}, {})
    expected = stated("experiment", "small_folder")["search"]
    assert all(pinned["search"][key] == value for key, value in expected.items() if key in pinned["search"])
    number = {"halving": "candidates", "slices": "candidates", "zero_shot": "tried"}.get(search, "finalists")
    typed = compose({"search": search, "data": data, "experiment": "small_folder"},
                    {"train.epochs": 7, f"search.{number}": 2, "data.split_seed": 5})
    assert (typed["train"]["epochs"], typed["search"][number], typed["data"]["split_seed"]) == (7, 2, 5)
    assert make_settings(values).search.name == values["search"]["name"]  # nothing is refused that nobody typed


def test_numbers_that_a_user_would_expect():
    assert whole(search="differentiable")["search"]["epochs"] == 15  # suits the digits
    assert whole(search="differentiable", data="cifar10")["search"]["epochs"] == 30  # the field's default
    assert whole(search="pcdarts")["search"]["epochs"] == 50  # the paper's
    assert whole(search="random")["search"]["epochs"] == 4  # of a trial
    assert whole(space="mobilenetv2")["search"]["name"] == "elastic"  # the space chooses its search
    assert compose({"space": "mobilenetv2", "search": "zero_shot"}, {})["search"]["name"] == "zero_shot"
    assert whole()["budget"] == {"params": "p40", "macs": "p40"}
    assert compose({}, {"budget": "none"})["budget"] == {}
    assert compose({}, {"budget.macs": 3e6, "budget": {"mine": {"latency_ms": 2}}})["budget"] == {
        "macs": 3e6, "mine.latency_ms": 2}


@pytest.mark.parametrize(("choices", "changes", "sentence"), [
    ({"search": "dart"}, {}, "Unknown search 'dart'; did you mean 'darts'?"),
    ({}, {"train.epoch": 3}, "Unknown setting 'train.epoch'; did you mean 'train.epochs'?"),
    ({}, {"train.schedule": {"kin": "step"}},
     "Unknown setting 'train.schedule.kin'; did you mean 'train.schedule.kind'?"),
    ({}, {"search.temperature": 3.0},
     "search.temperature applies to search.strategy=gumbel or gdas only, not to softmax; leave it out."),
    ({"search": "random"}, {"search.trees": 9},
     "search.trees applies to search.sampler=bo or proxybo only, not to random; leave it out."),
    ({}, {"train.adversarial.noise": 1.0},
     "train.adversarial.noise applies to train.adversarial.attack=fast_at only, not to none; leave it out."),
    ({"search": "random"}, {"search.rerank": ["nwot"]},
     "search.rerank is a setting of search.name=differentiable or elastic, and this search is study; leave it out or "
     "choose another search."),
    ({}, {"budget": 7}, "The budget must name costs (budget.params=100000) or be none, got 7."),
])
def test_what_does_not_exist_or_is_not_read_is_refused(choices, changes, sentence):
    with pytest.raises(UserError) as caught:
        compose(choices, changes)
    assert str(caught.value) == sentence


def test_a_preset_may_state_what_another_strategy_reads():
    values = compose({"search": "drnas"}, {"search.strategy": "gdas", "search.temperature": 5.0})
    assert "dirichlet_kl" not in values["search"]  # drnas.yaml states it, and the user's strategy does not read it
    assert values["search"]["temperature"] == 5.0
    assert make_settings(values).search.strategy == "gdas"


@pytest.mark.parametrize("search", SEARCH)
def test_only_what_the_search_reads_is_there(search):
    values = whole(search=search)["search"]
    settings = make_settings(whole(search=search)).search
    reads = {name for name, (_, about) in declared(type(settings)).items()
             if all(getattr(settings, other) in allowed for other, allowed in about.applies.items())}
    assert set(values) == reads


def test_every_setting_has_a_help_and_presets_state_settings():
    for search in SETTINGS:
        assert all(about.help for *_, about in described(settings_class(search), "search"))
    assert all(about.help for *_, about in described(Settings))
    for search in SEARCH:
        kind = settings_class(whole(search=search)["search"]["name"])
        assert set(stated("search", search)) <= {f.name for f in fields(kind)}
    for train in TRAIN:
        check_keys([f"train.{key}" for key, _ in leaves(stated("train", train))], "study", ())


def test_threads_and_processes_are_recorded_and_part_of_the_key(tmp_path, monkeypatch):
    monkeypatch.setattr("dcanas.pipeline.configure.usable_cores", lambda: 6)
    one, two = (make_settings(compose({}, {"run.threads": threads})) for threads in (1, 2))
    assert (one.run.threads, one.run.processes) == (1, 1)
    assert one.key != two.key
    first = make_settings(whole())
    assert first.run.threads == 6
    store_settings(tmp_path, one)
    assert make_settings(compose({}, {"run.dir": str(tmp_path)})) == one  # as it began, on six cores
    again = make_settings(compose({}, {"run.threads": 3, "run.dir": str(tmp_path)}))
    assert differences(plain(again), plain(one)) == {"run.threads": "run.threads: 1 there, 3 asked"}
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "x",
                        "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    shared = make_settings(whole())
    assert (shared.run.threads, shared.run.processes) == (3, 2)
    assert shared.key not in (one.key, first.key)
