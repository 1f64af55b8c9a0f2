"""Packages import their names when they are used."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import pytest

from dcanas.basics.lazy import lazy, load_object

PACKAGES = ("costs", "export", "hardware", "pretrained", "proxies", "robustness", "search", "spaces", "training")
HEAVY = ("torch", "scipy", "onnx", "onnxruntime", "sklearn", "optuna")


def test_a_name_is_imported_when_it_is_asked_for(tmp_path, monkeypatch):
    (tmp_path / "sized.py").write_text('"""Doc."""\nfrom typing import TYPE_CHECKING\n'
                                       "if TYPE_CHECKING:\n    from collections.abc import Sized\n")
    monkeypatch.syspath_prepend(tmp_path)
    package = import_module("sized")
    get = lazy("sized")
    assert package.__all__ == ["Sized"]
    assert get("Sized") is load_object("collections.abc:Sized")
    assert vars(package)["Sized"] is get("Sized")
    with pytest.raises(AttributeError, match="module 'sized' has no attribute 'Sizes'"):
        get("Sizes")


def test_importing_a_package_imports_nothing_heavy():
    code = (f"import importlib, json, sys\nfor name in {PACKAGES}: importlib.import_module('dcanas.' + name)\n"
            f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_a_name_that_is_also_a_module_keeps_its_meaning():
    import_module("dcanas.costs.feasibility")
    from dcanas.costs import feasibility

    assert feasibility is load_object("dcanas.costs.feasibility:feasibility")


@pytest.mark.parametrize("name", PACKAGES)
def test_every_name_of_a_package_is_there(name):
    package = import_module(f"dcanas.{name}")
    for public in package.__all__:
        assert getattr(package, public) is not None
    (provided,) = [cell.cell_contents for cell in package.__getattr__.__closure__
                   if isinstance(cell.cell_contents, dict)]
    assert set(provided) == set(package.__all__)
