"""Presets in folders of the user's own: joined with ours, layered as Hydra does, no way to run others' code."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import dcanas
from dcanas.basics.errors import UserError
from dcanas.basics.resources import resource_folder
from dcanas.cli.completion import words
from dcanas.cli.compose import configure
from dcanas.pipeline.conf_folders import with_folders
from dcanas.pipeline.preset_files import presets

FILES = {
    "experiment/my.yaml": "# @package _global_\ndefaults:\n  - override /train: gentle\n  - override /search: random\n"
                          "seed: 7\nname: mine\nrun:\n  root: elsewhere\nbudget:\n  params: 20000\n",
    "train/gentle.yaml": "defaults:\n  - debug\n  - _self_\nepochs: 9\n",
    "search/wide.yaml": "defaults:\n  - bo\nepochs: 6\n",
    "experiment/of_train.yaml": "defaults:\n  - my\n  - override /data: svhn\n",
}


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("choices", [{"experiment": "my"}, {"train": "gentle"}, {"experiment": "my", "train": "quick"},
                                     {"search": "wide", "data": "cifar10"}, {"experiment": "of_train"}])
def test_hydra_composes_the_same(folder, choices):
    typed = [f"{group}{'@_global_' * (group == 'experiment')}={name}" for group, name in choices.items()]
    with initialize_config_dir(str(resource_folder("conf")), version_base="1.3"):
        theirs = OmegaConf.to_container(compose("config", [*typed, f"hydra.searchpath=['file://{folder}']"]))
    with with_folders([str(folder)]):
        assert presets(choices) == theirs


def test_options_and_limits_of_a_preset_and_what_is_typed_over_them(folder):
    with with_folders([str(folder)]):
        settings, options = configure(["experiment=my", "name=typed"])
    assert (settings.seed, settings.train.epochs, settings.budget) == (7, 9, {"params": 20_000})
    assert (options.name, options.run.root) == ("typed", "elsewhere")


@pytest.mark.parametrize("where", ["variable", "home"])
def test_folders_that_every_command_finds(folder, where, tmp_path_factory, monkeypatch):
    if where == "variable":
        monkeypatch.setenv("DCANAS_CONF", str(folder))
    else:
        home = tmp_path_factory.mktemp("home")
        (home / ".config" / "dcanas").mkdir(parents=True)
        (home / ".config" / "dcanas" / "conf").symlink_to(folder)
        monkeypatch.setenv("HOME", str(home))
    assert "my" in dcanas.list_experiments()
    assert "gentle" in dcanas.list_recipes()
    assert words("run", "train=gen") == ["train=gentle"]
    assert configure(["experiment=my"])[0].seed == 7


@pytest.mark.parametrize(("text", "said"), [
    ("defaults:\n  - /train/gentle\n", "the entry '/train/gentle' of `defaults` is not understood"),
    ("defaults:\n  - override /train: nothing\n", "Unknown train 'nothing'"),
    ("- 1\n", "must hold keys and values"), ("a: [\n", "is not YAML"),
    ("source: runs/x\n", "A preset cannot state source"),
    ("colour: red\n", "Unknown setting 'colour'"), ("train:\n  epochs: many\n", "train.epochs must be a whole number"),
])
def test_a_preset_that_cannot_be_used(folder, text, said):
    (folder / "experiment" / "wrong.yaml").write_text(text)
    with with_folders([str(folder)]), pytest.raises(UserError) as caught:
        configure(["experiment=wrong"])
    assert said in str(caught.value)


def test_a_name_in_two_folders(folder):
    (folder / "train" / "quick.yaml").write_text("epochs: 1\n")
    with with_folders([str(folder)]), pytest.raises(UserError, match=r"quick stands in .* give yours another name"):
        configure(["train=quick"])


def test_folders_that_are_not_there(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"There is no folder .* \(--config"), with_folders([str(tmp_path / "no")]):
        pass
    monkeypatch.setenv("DCANAS_CONF", str(tmp_path / "no"))
    with pytest.raises(UserError, match=r"There is no folder .* \(DCANAS_CONF\)"):
        configure([])


def test_code_that_a_preset_names(folder, tmp_path_factory, monkeypatch):
    ran = folder / "ran"
    (folder / "proxy.py").write_text(f"open({str(ran)!r}, 'w')\n")
    stated = f"proxies:\n  file: {folder}/proxy.py\n"
    (folder / "experiment" / "code.yaml").write_text(stated)
    with with_folders([str(folder)]), pytest.raises(UserError) as caught:
        configure(["experiment=code"])
    assert str(caught.value).endswith(f"then type proxies.file={folder}/proxy.py.")
    assert not ran.exists()
    with with_folders([str(folder)]):
        configure(["experiment=code", f"proxies.file={folder}/proxy.py"])
    assert ran.exists()
    monkeypatch.setenv("DCANAS_CONF", str(folder))  # hers
    recorded = configure(["experiment=code"])[0].proxies
    assert (recorded.file, len(recorded.file_sha256 or "")) == (f"{folder}/proxy.py", 64)


def test_paths_in_presets_are_read_where_the_command_is_typed(folder, monkeypatch):
    (folder / "experiment" / "paths.yaml").write_text("train:\n  init: ${oc.env:WEIGHTS}/a.pt\n")
    monkeypatch.setenv("WEIGHTS", "given")
    monkeypatch.chdir(folder)
    with with_folders([str(folder)]):
        assert configure(["experiment=paths"])[0].train.init == f"{folder}/given/a.pt"


def test_python_has_no_interpolation(folder, monkeypatch):
    monkeypatch.setenv("DCANAS_CONF", str(folder))
    (folder / "experiment" / "same.yaml").write_text("name: ${data.name}\n")
    with pytest.raises(UserError, match="which only the command line resolves"):
        dcanas.feasibility("digits", experiment="same")
