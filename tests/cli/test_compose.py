"""Settings are composed, shown and refused without torch and scipy."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import yaml

KINDS = ("spaces", "data", "devices", "costs", "searches", "proxies", "recipes", "experiments", "attacks")
HEAVY = ("torch", "scipy", "onnx", "onnxruntime", "sklearn", "optuna", "matplotlib")


SERVER = f"""
import contextlib, io, json, os, sys
import dcanas.cli.compose
from dcanas.cli.main import main
for line in sys.stdin:
    if os.fork():
        os.wait()
        continue
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = main(json.loads(line))
    print(json.dumps([code, [name for name in {HEAVY} if name in sys.modules]]), flush=True)
    os._exit(0)
"""


@pytest.fixture(scope="module")
def imported_by() -> Iterator[Callable[[Sequence[str]], list[Any]]]:
    """Return a function that gives the exit code of a command and which heavy libraries it imports: each command has a
    process of its own, forked from one that has composed nothing yet."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as server:
        assert server.stdin
        assert server.stdout

        def ask(arguments: Sequence[str]) -> list[Any]:
            print(json.dumps(arguments), file=server.stdin, flush=True)
            return json.loads(server.stdout.readline())

        yield ask
        server.stdin.close()


@pytest.mark.parametrize(("arguments", "code"), [
    (["run", "--cfg"], 0), (["run", "--cfg", "search=zero_shot", "data=cifar10"], 0),
    (["search", "--cfg", "search=proxybo", "space=darts"], 0), (["run", "--cfg", "space=mobilenetv2"], 0),
    (["run", "train.epoch=3"], 2), (["run", "train.epochs=0"], 2), (["run", "search.strategy=sofmax"], 2),
    (["run", "search=random", "search.trees=3"], 2), (["run", "search.rerank=[synflwo]"], 2),
    *((["list", kind], 0) for kind in KINDS), (["completion", "words", "run", "search."], 0),
    (["run", "budget.parms=3"], 2), (["run", "seed=0,1"], 2), (["run", "attacks=[pgdd]"], 2),
])
def test_nothing_heavy_is_imported(imported_by, arguments, code):
    assert imported_by(arguments) == [code, []]


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
