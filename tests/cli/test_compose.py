"""Settings are composed, shown and refused without torch and scipy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

KINDS = ("spaces", "data", "devices", "costs", "searches", "proxies", "recipes", "experiments", "attacks")
HEAVY = ("torch", "scipy", "onnx", "onnxruntime", "sklearn", "optuna", "matplotlib")


def imported_by(*arguments: str) -> tuple[int, list[str], str]:
    """Return the exit code, which heavy libraries a command imports, and what it says."""
    code = ("import json, sys\nfrom dcanas.cli.main import main\n"
            f"code = main({list(arguments)!r})\n"
            f"print(json.dumps([code, [name for name in {HEAVY} if name in sys.modules]]))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *said, last = done.stdout.splitlines()
    code, found = json.loads(last)
    return code, found, "\n".join(said) + done.stderr


@pytest.mark.parametrize(("arguments", "code"), [
    (["run", "--cfg"], 0), (["run", "--cfg", "search=zero_shot", "data=cifar10"], 0),
    (["search", "--cfg", "search=proxybo", "space=darts"], 0), (["run", "--cfg", "space=mobilenetv2"], 0),
    (["run", "train.epoch=3"], 2), (["run", "train.epochs=0"], 2), (["run", "search.strategy=sofmax"], 2),
    (["run", "search=random", "search.trees=3"], 2), (["run", "search.rerank=[synflwo]"], 2),
    *((["list", kind], 0) for kind in KINDS), (["completion", "words", "run", "search."], 0),
    (["run", "budget.parms=3"], 2), (["run", "seed=0,1"], 2), (["run", "attacks=[pgdd]"], 2),
])
def test_nothing_heavy_is_imported(arguments, code):
    assert imported_by(*arguments)[:2] == (code, [])


def test_shown_settings_are_yaml_with_the_help_of_each(dcanas):
    shown = dcanas("run", "--cfg", "search=gdas", "search.temperature=3", "run.threads=2").out
    values = yaml.safe_load(shown)
    assert values["search"]["temperature"] == 3
    assert values["run"]["threads"] == 2
    assert "dirichlet_kl" not in values["search"]
    (line,) = [line for line in shown.splitlines() if line.startswith("  temperature:")]
    assert line == "  temperature: 3 # temperature at the beginning, falling linearly ... (from 0.001 to 1000)"


def test_interpolation(dcanas):
    values = yaml.safe_load(dcanas("run", "--cfg", "seed=5", "train.epochs=${seed}", "name=${data.name}-x").out)
    assert (values["train"]["epochs"], values["name"]) == (5, "digits-x")
    answer = dcanas("run", "--cfg", "name=${nothing}")
    assert answer.code == 2
    assert answer.err.startswith("dcanas: The settings cannot be put together: ")
