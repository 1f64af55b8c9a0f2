"""Command lines that a user of Hydra types, beside a bare `@hydra.main` application over the same tree of presets.

The application is made here and run by the installed Hydra; its settings are the presets over all fields' defaults.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dcanas.basics.fields import described
from dcanas.basics.keys import plain
from dcanas.basics.resources import resource_folder
from dcanas.cli.flags import read_flags
from dcanas.cli.hydra_help import DIFFERENCES
from dcanas.pipeline.preset_files import merged
from dcanas.pipeline.settings import Options, Settings
from dcanas.search.searches import settings_class

APPLICATION = """
import contextlib, io, json, os, sys
import hydra
from omegaconf import OmegaConf

@hydra.main(version_base=None, config_path="conf", config_name="config")
def application(settings):
    print("---")
    print(OmegaConf.to_yaml(settings, resolve=True))

for line in sys.stdin:
    read, write = os.pipe()
    if not os.fork():
        os.dup2(write, 1), os.dup2(write, 2)
        sys.argv = ["application.py", *json.loads(line)]
        try:
            application()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        except BaseException as error:
            print(error)
            code = 1
        sys.stdout.flush()
        os._exit(code)
    os.close(write)
    with os.fdopen(read) as output:
        text = output.read()
    print(json.dumps([os.waitstatus_to_exitcode(os.wait()[1]), text]), flush=True)
"""
pytestmark = pytest.mark.slow
LOOKED_AT = ("seed", "name", "train.epochs", "train.batch_size", "search.name", "search.epochs", "data.name",
             "train.init", "search.rerank")
UNREAD = ("search.epochs", "search.rerank")  # by search=zero_shot: Hydra keeps what suits another search, we do not


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    """A folder of presets of one's own."""
    folder = tmp_path_factory.mktemp("own, presets [é] = 1")
    (folder / "experiment").mkdir()
    (folder / "train").mkdir()
    (folder / "experiment" / "my.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /train: mytrain\n  - override /search: random\nseed: 7\n")
    (folder / "train" / "mytrain.yaml").write_text("defaults:\n  - quick\nepochs: 9\n")
    return folder


@pytest.fixture(scope="module")
def hydra(tmp_path_factory) -> Iterator[Callable[..., tuple[int, str]]]:
    """Return a function that gives exit code and output of the bare application; each call has its own process."""
    folder = tmp_path_factory.mktemp("application")
    shutil.copytree(resource_folder("conf"), folder / "conf")
    values: dict[str, Any] = {}
    for key, default, _ in (*described(Settings), *described(settings_class("differentiable"), "search"),
                            *described(Options)):
        values = values if key == "search" else merged(values, {key: plain(default)})
    text = (folder / "conf" / "config.yaml").read_text().replace("experiment@_global_: null", "experiment: null")
    quiet = {"hydra": {"output_subdir": None, "run": {"dir": "."}, "sweep": {"dir": ".", "subdir": "."},
                       "job_logging": {"root": {"handlers": []}}, "hydra_logging": {"root": {"handlers": []}}}}
    (folder / "conf" / "config.yaml").write_text(text + yaml.safe_dump({**values, **quiet}, sort_keys=False))
    (folder / "application.py").write_text(APPLICATION)
    with subprocess.Popen([sys.executable, str(folder / "application.py")], cwd=folder, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin
        assert server.stdout

        def ask(*arguments: str) -> tuple[int, str]:
            print(json.dumps(arguments), file=server.stdin, flush=True)
            code, text = json.loads(server.stdout.readline())
            return code, text

        yield ask
        server.stdin.close()


def looked_at(text: str) -> list[dict[str, Any]]:
    """Return what documents of settings say of the keys that are compared."""
    def value(page: Any, key: str) -> Any:
        for name in key.split("."):
            page = page.get(name) if isinstance(page, dict) else None
        return page

    pages = [page for page in yaml.safe_load_all(text) if page is not None]
    return [{key: value(page, key) or None for key in LOOKED_AT
             if not (key in UNREAD and value(page, "search.name") == "zero_shot")} for page in pages]


def both(dcanas, hydra, own: Path, arguments: list[str]) -> tuple[Any, Any]:
    """Return what Hydra and we make of a line: the settings of each run, or that it is refused."""
    typed = [text.replace("DIR", str(own)) for text in arguments]
    code, text = hydra(*typed)
    theirs = looked_at(text) if code == 0 else "refused"
    shows = any(text in ("--cfg", "-c", "--resolve", "--info") or text.startswith("--cfg=") for text in typed)
    answer = dcanas("run", *typed, *([] if shows else ["--cfg"]))
    return theirs, looked_at(answer.out) if answer.code == 0 else "refused"


@pytest.mark.parametrize("arguments", [
    ["seed=3"], ["train=debug"], ["train.epochs=4", "train.epochs=5"], ["train.epochs=int(3)"], ["name=x", "seed=1"],
    ["train.epochs=${seed}", "seed=4"], ["name=${oc.env:LANG_,none}"], ["train=nosuch"], ["train.foo=1"],
    ["--config-dir", "DIR", "experiment=my"], ["--config-dir=DIR", "experiment=my"], ["-cd", "DIR", "train=mytrain"],
    ["experiment=my"], ["train=mytrain"], ["train=DIR/train/mytrain.yaml"], ["experiment=DIR/experiment/my.yaml"],
    ["hydra.searchpath=['file://DIR']", "experiment=my"], ["hydra/launcher=joblib"], ["--config-name=other"],
    ["--config-dir", "DIR/nothing", "seed=1"],
    ["++train.epochs=3"], ["+train.init=x.pt", "train.init=null"], ["++train=quick"], ["~experiment"],
    ["~train.epochs=3"],
    ["--cfg", "job", "seed=3"], ["-c", "job", "name=${data.name}-x"],
    ["--cfg", "job", "--resolve", "name=${data.name}-x"],
    ["--cfg=job", "train=debug"], ["--resolve"], ["--cfg", "all", "seed=2"], ["--cfg", "nothing"],
    ["--multirun", "seed=1,2"], ["-m", "seed=range(3)"], ["-m", "train=glob(q*)"],
    ["-m", "train=glob(darts*)", "seed=1,2"],
    ["-m", "train=choice(quick,debug)"], ["-m", "seed=shuffle(5,5)"], ["-m", "train=quick,nosuch"],
    ["-m", "seed=interval(0,1)"], ["seed=1,2"], ["train=glob(q*)"], ["seed=range(3)"], ["-m", "seed=1"],
    ["-m", "--info"], ["--nosuch"], ["nosuch=1"], ["name='a,b'"], ["name=\"a b=c\""],
    ["search=differentiable", "search.rerank=[zen,meco]"],
], ids=" ".join)
def test_the_same_as_hydra(dcanas, hydra, own, arguments):
    theirs, ours = both(dcanas, hydra, own, arguments)
    if "all" in arguments:  # Hydra's own node is compared below
        assert isinstance(theirs, list)
    assert ours == theirs


@pytest.mark.parametrize(("arguments", "what_hydra_does", "said"), [
    (["hydra.run.dir=X"], "runs", "run.dir=DIR"), (["hydra.sweep.dir=X"], "runs", "run.root=DIR"),
    (["hydra.verbose=true"], "runs", "run.progress"), (["hydra/launcher=basic"], "runs", "run.engine=dask:ADDRESS"),
    (["--config-name=config"], "runs", "experiment=NAME"), (["--config-path=conf"], "runs", "--config-dir"),
    (["+train.foo=1"], "runs", "Unknown setting 'train.foo'"),
    (["--package", "search"], "runs", "add --cfg job"),
    (["--config-dir", "TWICE", "train=quick"], "runs", "give yours another name"),
])
def test_what_is_refused_here_names_what_does_it(dcanas, hydra, tmp_path, arguments, what_hydra_does, said):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "quick.yaml").write_text("epochs: 1\n")
    typed = [text.replace("TWICE", str(tmp_path)) for text in arguments]
    assert (hydra(*typed)[0] == 0) == (what_hydra_does == "runs")
    answer = dcanas("run", *typed)
    assert answer.code == 2
    assert said in answer.err


@pytest.mark.parametrize(("arguments", "hydras", "here"), [
    (["+train.epochs=3"], "refused", 3), (["~train.epochs"], None, 25), (["~train", "train=debug"], None, 1),
    (["train=debug", "~train.epochs"], None, 25), (["train=debug", "~train.epochs=1"], None, 25),
])
def test_what_is_read_another_way(dcanas, hydra, own, arguments, hydras, here):
    theirs, ours = both(dcanas, hydra, own, arguments)
    assert ours[0]["train.epochs"] == here
    if hydras == "refused":
        assert theirs == "refused"


def test_a_preset_is_chosen_with_a_plus_as_well(dcanas, hydra, own):
    arguments = ["--config-dir", "DIR", "+experiment=my"]
    theirs, ours = both(dcanas, hydra, own, arguments)
    assert theirs == "refused"  # it is in the list of defaults already
    assert ours[0]["train.epochs"] == 9


def test_settings_of_all_runs_are_shown(dcanas, hydra):
    assert hydra("-m", "seed=1,2", "--cfg", "job")[0] != 0
    answer = dcanas("run", "seed=1,2", "-m", "--cfg", "job")
    assert [each["seed"] for each in looked_at(answer.out)] == [1, 2]
    assert dcanas("run", "train=quick,nosuch", "-m", "--cfg").code == 2


def test_a_part_of_the_settings(dcanas, hydra):
    for key in ("train", "space.final_skeleton", "data.name"):
        theirs = hydra("--cfg", "job", "--package", key)[1]
        ours = dcanas("run", "--cfg", "job", "-p", key).out
        assert ours.partition("\n")[0] == theirs.partition("\n")[0]  # "# @package train"
        if key != "train":  # in which only settings that are read are shown here
            assert yaml.safe_load(ours) == yaml.safe_load(theirs)


def test_the_node_of_hydra(dcanas, hydra, own):
    arguments = ["--config-dir", str(own), "experiment=my", "seed=3", "--cfg", "hydra"]
    theirs = yaml.safe_load(hydra(*arguments)[1])["hydra"]
    ours = yaml.safe_load(dcanas("run", *arguments).out)["hydra"]
    assert ours["overrides"]["task"] == theirs["overrides"]["task"]
    assert ours["job"]["config_name"] == theirs["job"]["config_name"]
    groups = ("data", "search", "train", "space", "experiment")
    assert [ours["runtime"]["choices"][group] for group in groups] == [theirs["runtime"]["choices"][group]
                                                                         for group in groups]
    assert ours["run"]["dir"].startswith("runs/digits-nasbench201-")
    assert {each["provider"] for each in ours["runtime"]["config_sources"]} == {"command-line", "main"}


def test_where_settings_come_from(dcanas, hydra, own):
    arguments = ["--config-dir", str(own), "experiment=my", "--info"]
    for what in ("searchpath", "defaults", "defaults-tree", "config", "plugins", "all"):
        assert hydra(*arguments, what)[0] == 0
    shown = dcanas("run", *arguments, "searchpath").out
    assert shown.splitlines()[2:] == [f"file://{own}", f"file://{resource_folder('conf')}"]
    lines = hydra(*arguments, "defaults")[1].splitlines()
    theirs = [line.split("|")[1].split()[0] for line in lines if "|" in line][1:]
    ours = [line.split()[0] for line in dcanas("run", *arguments, "defaults").out.splitlines()[3:]]
    assert sorted(ours) == sorted(each for each in theirs if not each.startswith("hydra/"))
    assert "  train: quick\ntrain: mytrain" in dcanas("run", *arguments, "defaults-tree").out
    assert yaml.safe_load(dcanas("run", *arguments, "config").out.split("******\n")[1])["seed"] == 7
    assert all(title in dcanas("run", *arguments).out for title in ("Plug-ins", "Defaults List", "Config"))


def test_pages_about_the_flags(dcanas, hydra):
    for flag in ("--version", "--hydra-help"):
        assert hydra(flag)[0] == 0
        assert dcanas("run", flag).code == 0
    assert hydra("--run", "seed=1")[0] == 0
    assert read_flags(["--run", "seed=1"]).run
    assert hydra("--shell-completion")[0] != 0
    assert dcanas("run", "--shell-completion").code == 2
    assert dcanas("run", "-sc", "install=bash").out.startswith("_dcanas()")
    assert dcanas("run", "-sc", "uninstall=fish").out == "complete -c dcanas -e\n"


def test_the_list_of_differences_is_short_and_in_the_docs(dcanas):
    page = (Path(__file__).parents[2] / "docs" / "hydra.md").read_text(encoding="utf-8")
    assert len(DIFFERENCES) <= 8
    flat = " ".join(page.replace("`", "").split())
    for typed, does in DIFFERENCES:
        assert " ".join(typed.split()) in flat
        assert does in flat
        assert does in dcanas("run", "--hydra-help").out
