"""Plug-ins: run only when the user of this process names them, and part of every key that their names stand in."""

from __future__ import annotations

import hashlib
import json
import sys

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.basics.keys import key_of, plain
from dcanas.basics.plugins import forget_plugins, load_plugins, loaded_plugins, used_plugins
from dcanas.cli.compose import configure
from dcanas.cli.main import main
from dcanas.pipeline.conf_folders import with_folders
from dcanas.pipeline.context import Context
from dcanas.pipeline.opened import remote_context
from dcanas.pipeline.settings import Settings, store_settings, stored_settings
from dcanas.training import load_data

FILE = '''
"""Squares and stripes, a recipe, a runtime and a score."""
import numpy as np
import torch
from dcanas.hardware import runtimes
from dcanas.proxies import proxies
from dcanas.training import datasets, from_torch, recipes


class Drawn(torch.utils.data.Dataset):
    def __len__(self):
        return 60

    def __getitem__(self, i):
        image = torch.zeros(1, 8, 8)
        image[0, :, i % 8] = 1.0
        if i % 2:
            image[0, i % 8 // 2 + 2] = 0.5
        image[0, 0, 0] = i / 60
        return image, i % 2


@datasets.add
def drawn(spec, cache=None):
    """Lines and crosses."""
    return from_torch(spec, Drawn())


@recipes.add
def hasty():
    """Two epochs."""
    return {"epochs": 2, "schedule": {"kind": "step"}}


@runtimes.add
def slow_numpy(path, threads):
    def run(image):
        return np.linalg.svd(np.ones((40, 40)) * image.mean())
    return run


@proxies.add
def ink(network, images, labels):
    """Return the mean of the images."""
    return float(images.mean())
'''


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "own, [1]" / "mine.py"
    path.parent.mkdir()
    path.write_text(FILE)
    yield path
    forget_plugins()


def typed(path) -> str:
    return f"plugins=['{path}']"


def test_a_data_set_and_a_recipe_by_name(plugin):
    words = [typed(plugin), "data=drawn", "train=hasty"]
    settings, _ = configure(words)
    assert (settings.data.name, settings.train.epochs, settings.train.schedule.kind) == ("drawn", 2, "step")
    assert settings.plugins == {"mine.py": hashlib.sha256(FILE.encode()).hexdigest()}
    data = load_data(settings.data)
    assert (data.name, data.shape, len(data.classes)) == ("drawn", (1, 8, 8), 2)
    assert sum(len(part) for part in (data.train, data.validation, data.test)) == 60
    forget_plugins()
    with pytest.raises(UserError, match="Unknown data 'drawn'"):
        configure(words[1:])


def test_several_at_once_a_module_among_them(plugin, tmp_path, monkeypatch):
    package = tmp_path / "own_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "more.py").write_text("from dcanas.training import recipes\n\n@recipes.add\ndef lazy():\n"
                                     "    'Long.'\n    return {'epochs': 99}\n")
    monkeypatch.syspath_prepend(tmp_path)
    settings, _ = configure([f"plugins=['{plugin}',own_package.more]", "train=lazy", "data=drawn"])
    assert (settings.train.epochs, settings.data.name) == (99, "drawn")
    assert [each.name for each in loaded_plugins()] == ["mine.py", "own_package.more"]
    digest = hashlib.sha256()
    for name in ("__init__.py", "more.py"):
        digest.update(f"{name}\n".encode() + (package / name).read_bytes())
    assert loaded_plugins()[1].version == digest.hexdigest()
    sys.modules.pop("own_package")


@pytest.mark.parametrize("where", ["variable", "folder", "preset", "entry point"])
def test_places_in_which_the_user_names_them(plugin, where, tmp_path, monkeypatch):
    conf = tmp_path / "conf"
    (conf / "experiment").mkdir(parents=True)
    choice = "data=drawn"
    if where == "variable":
        monkeypatch.setenv("DCANAS_PLUGINS", str(plugin))
    elif where == "entry point":  # of an installed package
        made = tmp_path / "site" / "of_mine-1.5.dist-info"
        made.mkdir(parents=True)
        (made / "METADATA").write_text("Metadata-Version: 2.1\nName: of-mine\nVersion: 1.5\n")
        (made / "top_level.txt").write_text("of_mine\n")
        (made / "RECORD").write_text("of_mine.py,,\n")
        (made / "entry_points.txt").write_text("[dcanas.plugins]\nmine = of_mine\n")
        (tmp_path / "site" / "of_mine.py").write_text(FILE)
        monkeypatch.syspath_prepend(tmp_path / "site")
    else:
        monkeypatch.setenv("DCANAS_CONF", str(conf))
        (conf / "plugins.yaml").write_text(f'["{plugin}"]\n' if where == "folder" else "[]\n")
        (conf / "experiment" / "hers.yaml").write_text(
            f"plugins: ['{plugin}']\ndefaults:\n  - override /data: drawn\n")
        choice = "experiment=hers" if where == "preset" else choice
    settings, _ = configure([choice])
    assert settings.data.name == "drawn"
    (version,) = settings.plugins.values()
    assert version.startswith("1.5 ") == (where == "entry point")


def test_one_that_a_folder_or_a_run_from_elsewhere_names_is_told_and_not_run(plugin, tmp_path):
    ran = tmp_path / "ran"
    plugin.write_text(FILE + f"open({str(ran)!r}, 'w')\n")
    (tmp_path / "theirs" / "experiment").mkdir(parents=True)
    (tmp_path / "theirs" / "experiment" / "x.yaml").write_text(f"plugins: ['{plugin}']\n")
    with with_folders([str(tmp_path / "theirs")]), pytest.raises(UserError) as caught:
        configure(["experiment=x"])
    assert str(caught.value).endswith(f"read it, then type plugins=[{plugin}].")
    run = tmp_path / "run"
    run.mkdir()
    configured = plain(configure([])[0])
    (run / "settings.yaml").write_text(json.dumps({**configured, "plugins": {"mine.py": "0" * 64}}))
    with pytest.raises(UserError, match=r"made with mine.py, Python code .* type plugins=\[mine.py\]"):
        configure([f"source={run}"])
    assert not ran.exists()
    with with_folders([str(tmp_path / "theirs")]):
        configure(["experiment=x", typed(plugin)])
    assert ran.exists()


def test_a_run_with_another_version_is_another_run(plugin, tmp_path):
    words = [typed(plugin), "data=drawn"]
    before = configure(words)[0]
    store_settings(tmp_path, before)
    plugin.write_text(FILE + "\n")
    after = configure(words)[0]
    assert before.key != after.key
    assert stored_settings(tmp_path)["plugins"] != after.plugins
    with pytest.raises(UserError, match=r"plugins.mine.py: \w+ there, \w+ asked"):
        _ = Context(after, configure([*words, f"run.dir={tmp_path}"])[1], "").folder


def test_keys_change_only_with_plugins_whose_names_stand_in_them(plugin):
    values = [{"proxies": ["ink:4"]}, {"data": {"name": "drawn"}}, {"data": {"name": "digits"}}]
    without = [key_of(value) for value in values]
    load_plugins([str(plugin)])
    first = [key_of(value) for value in values]
    assert [a == b for a, b in zip(without, first, strict=True)] == [False, False, True]
    plugin.write_text(FILE + "\n")
    load_plugins([str(plugin)])
    assert [a == b for a, b in zip(first, map(key_of, values), strict=True)] == [False, False, True]
    assert configure([])[0].key == Settings(**{**vars(configure([])[0]), "plugins": {}}).key  # unused: as without
    plugin.write_text("import dcanas\n")  # it registers nothing, so it changes something else
    load_plugins([str(plugin)])
    assert list(used_plugins(values[2])) == ["mine.py"]


def test_other_processes_have_the_plugins_of_the_run(plugin, tmp_path):
    settings, options = configure([typed(plugin), "data=drawn", f"run.dir={tmp_path / 'run'}"])
    message = Context(settings, options, "").message(tmp_path)
    forget_plugins()
    assert len(remote_context(message).dataset.classes) == 2


def test_a_runtime_measures(plugin, tmp_path, monkeypatch):
    import onnx
    from onnx import TensorProto, helper

    from dcanas.hardware import load_device, profile_onnx

    (tmp_path / "bench.yaml").write_text(
        "name: bench\ndescription: mine\nprovider: CPUExecutionProvider\nthreads: 1\nmemory_bytes: null\n"
        "flash_bytes: null\ndtype: fp32\nconnection: local\ncosts: {latency_ms: measured}\n"
        "runtime: {name: slow_numpy, version: null, opset: 17, ir_version: 8}\n")
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path))
    with pytest.raises(UserError, match=r"runtime.name .*or that of a plug-in"):
        load_device("bench")
    load_plugins([str(plugin)])
    shape = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 8, 8])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [shape],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 8, 8])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    device = load_device("bench")
    (profile,) = profile_onnx({"m": tmp_path / "m.onnx"}, device, seconds=0.05).values()
    (itself,) = profile_onnx({"m": tmp_path / "m.onnx"}, load_device("local-cpu"), seconds=0.05).values()
    assert profile.conditions["runtime"] == "slow_numpy"
    assert profile.median_ms > 5 * itself.median_ms  # a singular value decomposition against 64 comparisons
    before = key_of(device)
    plugin.write_text(FILE + "\n")
    load_plugins([str(plugin)])
    assert key_of(device) != before


@pytest.mark.parametrize(("named", "said"), [
    ("nothing.py", "There is no file"), ("no_module_of_mine", "There is no module no_module_of_mine (plugins)"),
    ("[1]", "must name Python files or modules"),
])
def test_what_cannot_be_a_plugin(named, said):
    with pytest.raises(UserError) as caught:
        configure([f"plugins={named}"])
    assert said in str(caught.value)


def test_lists_show_what_the_variable_names(plugin, monkeypatch, capsys):
    monkeypatch.setenv("DCANAS_PLUGINS", str(plugin))
    for kind, name in (("data", "drawn"), ("recipes", "hasty")):
        assert main(["list", kind]) == 0
        assert any(line.split()[:1] == [name] for line in capsys.readouterr().out.splitlines())


def test_images_of_a_torch_data_set_are_read_as_they_are(plugin):
    load_plugins([str(plugin)])
    from dcanas.training import datasets
    from dcanas.training.spec import DataSpec

    data = datasets["drawn"](DataSpec("drawn"), None)
    assert np.asarray(data.labels).tolist() == [i % 2 for i in range(60)]
