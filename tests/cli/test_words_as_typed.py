"""Words in another order mean the same, paths belong to the folder they were typed in, passwords stand nowhere."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from dcanas.basics.errors import UserError
from dcanas.cli.compose import configure
from dcanas.cli.flags import as_overrides
from dcanas.cli.grammar import jobs, parse
from dcanas.pipeline.settings import differences


def settings(*words):
    return configure(words)[0]


@pytest.mark.parametrize("words", [
    ("budget.params=20000", "budget=none"), ("search.epochs=3", "search=differentiable"),
    ("train.schedule.kind=step", "train.schedule={factor: 0.5}"), ("budget.params=20000", "budget={macs: 1e6}")])
def test_the_order_of_words_means_nothing(words):
    assert asdict(settings(*words)) == asdict(settings(*reversed(words)))


@pytest.mark.parametrize(("words", "key", "last"), [
    (("seed=1", "seed=2"), "seed", "seed=2"), (("seed=2", "seed=1"), "seed", "seed=1"),
    (("search=random", "search=bo"), "search", "search=bo"),
    (("search.epochs=3", "search.epochs=4"), "search.epochs", "search.epochs=4")])
def test_of_a_word_given_twice_the_last_counts_as_in_hydra_and_this_is_said(words, key, last, tmp_path):
    from hydra import compose, initialize_config_dir

    (tmp_path / "search").mkdir()
    for name in ("random", "bo", "differentiable"):
        (tmp_path / f"search/{name}.yaml").write_text(f"name: {name}\nepochs: 1\n")
    (tmp_path / "c.yaml").write_text("defaults: [search: differentiable, _self_]\nseed: 0\n")
    stated, options = configure(words)
    assert asdict(stated) == asdict(settings(last))
    assert f"{key} is given twice; the last one counts: {last}" in options.notes
    with initialize_config_dir(str(tmp_path), version_base=None):
        assert compose("c", overrides=list(words)) == compose("c", overrides=[last])


def test_a_word_given_twice_with_several_values_is_refused():
    with pytest.raises(UserError, match="seed is given twice, once with several values"):
        jobs(["seed=0,1", "seed=2"])
    assert configure(["seed=1", "seed=1"])[1].notes == configure(["seed=1"])[1].notes


def test_a_stated_limit_counts_beside_none():
    assert settings("budget.params=20000", "budget=none").budget == {"params": 20_000}


def test_a_relative_path_belongs_to_the_folder_it_was_typed_in(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    stated = settings("train.init=../a (1) b=c.pt", "data=cifar10", "data.root=images")
    assert stated.train.init == f"{tmp_path}/here/../a (1) b=c.pt"
    assert stated.data.root == f"{tmp_path}/here/images"
    monkeypatch.chdir(tmp_path)
    again = settings(f"train.init={stated.train.init}", "data=cifar10", "data.root=here/images")
    assert asdict(again) == asdict(stated)


def test_a_run_that_recorded_a_relative_path_goes_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert differences({"data": {"root": f"{tmp_path}/images"}}, {"data": {"root": "images"}}) == {}
    assert differences({"data": {"root": f"{tmp_path}/images"}}, {"data": {"root": "others"}})


@pytest.mark.parametrize("key", ["pretrained.file", "data.labels", "search.score_table"])
def test_paths_are_read_as_typed(key):
    (found,) = parse([f"{key}=a (1) [x]=é'b.pt"])
    assert found.value() == "a (1) [x]=é'b.pt"


def test_a_warm_up_as_long_as_the_training_is_shortened():
    stated, options = configure(("train.epochs=2", "train.warmup_epochs=2"))
    assert stated.train.warming_up == 0.5
    assert "train.warmup_epochs=2 would be all of the training: the learning rate rises for 0.5 epochs instead." in \
        options.notes
    rates = [stated.train.rate(step, 40) for step in range(80)]
    assert rates.index(max(rates)) == 20  # half an epoch of 40 steps, then down
    whole = settings("train.epochs=25")
    assert whole.train.warming_up == whole.train.warmup_epochs == 2


@pytest.mark.parametrize("text", ["é ü 写真", "a=b", "a [1] (2)", "half, and half"])
def test_texts_and_paths_hold_any_character(text, tmp_path, monkeypatch):
    folder = tmp_path / text
    folder.mkdir()
    (folder / "weights.pt").touch()
    typed = f"'{text}'" if "," in text else text  # a comma separates the values of a sweep, in Hydra as well
    for place in (tmp_path, folder):
        monkeypatch.chdir(place)
        stated, options = configure((f"train.init={folder}/weights.pt", f"name={typed}"))
        assert (stated.train.init, options.name) == (f"{folder}/weights.pt", text)
    monkeypatch.chdir(tmp_path)
    assert as_overrides([text] if "=" not in text else [f"./{text}"])[0] == "data=folder"
    assert as_overrides([f"./{text}"]) == ["data=folder", f"data.root=./{text}"]


def test_a_word_that_names_several_data_says_how_a_sweep_is_typed(tmp_path, monkeypatch):
    for name in ("a", "b", "c,d"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    assert as_overrides(["c,d"]) == ["data=folder", "data.root=c,d"]
    with pytest.raises(UserError, match=r"'a,b' names several folders; type data=folder data\.root=a,b and -m "):
        as_overrides(["a,b"])
    with pytest.raises(UserError, match=r"'digits,cifar10' names several data sets; type data=digits,cifar10 and -m "):
        as_overrides(["digits,cifar10"])
    assert len(jobs(["data=digits,cifar10"])) == len(jobs(["data=folder", "data.root=a,b"])) == 2
