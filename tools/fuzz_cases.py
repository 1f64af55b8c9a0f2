"""The cases of `tools.fuzz`: what is given, and how its end is judged."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dcanas.basics.errors import UserError
from dcanas.basics.resources import resource_folder
from dcanas.hardware import Profile, load_device, profile_onnx
from dcanas.proxies.columns import read_columns
from dcanas.spaces import load_space
from tools.scripted_board import install_ssh

TIMEOUT_S = 6.0  # of the boards: they start in a second or two
PAYLOADS = ("$(touch executed)", "`touch executed`", "; touch executed", "__import__('os').system('touch executed')",
            "!!python/object/apply:os.system ['touch executed']")
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**70, -(10**30), 1e308, 0.5, "", "x", "\x1b[31mred", "é\u202e", "x" * 100_000, [], {},
    [[[]]], [None] * 1000, {"": 1}, *PAYLOADS)
WORDS = ("", "null", "nan", "inf", "-inf", "-1", "0", "1e308", "1_0", "0.5", "99999999999999999999", "true", "[]", "{}",
         "[[", "[,]", "{a:", "a=b", "'", '"', "\\", "~", "*", "é", " ", "\t", "a,b", "a: b", "${oc.env:HOME}",
         "${now:}", "${", "???", "../../etc/passwd", "/dev/null", "x" * 5000, "\x1b[31m", "\u202e", "--", "p0", "p101",
         "1 GB", "[1,2]", "{x: 1}", "!!int 3", *PAYLOADS)
COMMANDS = ("run", "search", "derive", "train", "export", "profile", "score", "feasibility", "deploy", "attack")


@dataclass(frozen=True)
class Outcome:
    """How a case ended: `found` (one sentence), `harmless` (the text says why), or badly."""

    kind: str
    text: str


@dataclass(frozen=True)
class Case:
    """A case: its family, what is given, and what runs it."""

    family: str
    text: str
    run: Callable[[], Outcome]


def refusal(error: UserError) -> Outcome:
    """Return the outcome of an error for the user, which is one printable sentence."""
    text = str(error)
    return Outcome("found" if text and "\n" not in text and "\x1b" not in text else "wrong", text)


MUTATE = """
import random
def mutated(self, answer):
    draw, places = random.Random({seed}), []
    def walk(value):
        for key in (list(value) if isinstance(value, dict) else range(min(len(value), 50))):
            places.append((value, key))
            if isinstance(value[key], (dict, list)): walk(value[key])
    walk(answer)
    holder, key = draw.choice(places)
    if {drop}: del holder[key]
    else: holder[key] = {value!r}
changed({request!r}, mutated)
"""
NOISE = {
    "noise before": "print('hello ' * 10)\nfor _ in range({n}): print('x' * {m})",
    "noise without end": "while True: sys.stdout.write('x' * {m} + '\\n')",
    "errors without end": "while True: sys.stderr.write('x' * {m} + '\\n')",
    "a line without end": "while True: sys.stdout.write('x' * 10_000)",
    "an answer without end": "while True: sys.stdout.write(TOKEN + ' ' + 'x' * {m})",
    "alive without end": "while True:\n    print(TOKEN, json.dumps({{'alive': True}}))\n    time.sleep(0.{n})",
    "a line a second": "while True:\n    print('hello')\n    time.sleep(1)",
    "silence": "time.sleep(1000)",
    "an end": "sys.exit({code})",
    "a signal": "os.kill(os.getpid(), {signal})",
    "no JSON": "print(TOKEN, {junk!r})",
    "bytes": "sys.stdout.buffer.write(bytes(range(256)) * {n}); sys.stdout.flush()",
    "another token": "print('0' * 16, json.dumps({{'alive': False}}))",
    "twice": "say = Server.__init__\ndef init(self, s):\n    def twice(v):\n        s(v)\n        s(v)\n"
             "    say(self, twice)\nServer.__init__ = init",
    "an answer too early": "print(TOKEN, json.dumps({{'cpu': 'x'}}))",
    "an error": "def fail(self, request, content): raise {error}\nServer.do_{request} = fail",
    "late": "changed({request!r}, lambda self, answer: time.sleep({n} / 10))",
}
REQUESTS = ("look", "open", "store", "bench", "prepare", "measure")


def boards(rng: np.random.Generator, work: Path, number: int) -> Case:
    """Return a board that measures a small network, its answers changed in one place, or its lines."""
    request = str(rng.choice(REQUESTS))
    if rng.random() < 0.6:
        value = VALUES[int(rng.integers(len(VALUES)))]
        drop = bool(rng.random() < 0.15)
        script = MUTATE.format(seed=int(rng.integers(2**31)), drop=drop, value=value, request=request)
        text = f"{request}: a value {'dropped' if drop else f'replaced by {value!r}'}"[:200]
        return Case(f"answer to {request}", text, lambda: _measured(script, work))
    family = str(rng.choice(list(NOISE)))
    errors = ("WorkerError('\\x1b[31mred')", "MemoryError()", "OSError(28, 'full')", "ValueError('bug')",
              "SystemExit(3)")
    script = NOISE[family].format(
        n=int(rng.integers(1, 9)), m=int(rng.integers(1, 3000)), code=int(rng.choice([0, 1, 126, 127, 255])),
        signal=int(rng.choice([2, 9, 11, 15])), request=request, error=str(rng.choice(errors)),
        junk=str(rng.choice(["{", "[1]", "NaN", '{"a": Infinity}', "[" * 1000, '"x"', "null", *PAYLOADS])))
    return Case(family, f"{request}: {script}", lambda: _measured(script, work))


def _measured(script: str, work: Path) -> Outcome:
    from dcanas.hardware.measuring import profiler

    content = yaml.safe_load((resource_folder("hardware_profiles") / "local-cpu.yaml").read_text(encoding="utf-8"))
    content |= {"name": "odd", "connection": {"ssh": "odd", "timeout_s": TIMEOUT_S, "folder": str(work)}}
    (work / "devices").mkdir(exist_ok=True)
    (work / "devices/odd.yaml").write_text(yaml.safe_dump(content))
    install_ssh(work / "bin", script)
    os.environ["DCANAS_DEVICES"] = str(work / "devices")
    if str(work / "bin") not in os.environ["PATH"]:
        os.environ["PATH"] = f"{work / 'bin'}{os.pathsep}{os.environ['PATH']}"
    profiler.PAUSE_S, profiler.EXTENSIONS = 0.01, 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = profile_onnx({"m": _model(work)}, load_device("odd"), 0.02)["m"]
        except UserError as error:
            return refusal(error)
    return _believed(found)


def _believed(profile: Profile) -> Outcome:
    """Return whether a measurement that was believed is one: what a board may say of itself changes no number."""
    samples = np.array(profile.samples_ns)
    if not 500 <= samples.min() <= samples.max() < 60e9 or samples.shape[0] != profile.conditions["rounds"]:
        return Outcome("wrong", f"times from {samples.min()} to {samples.max()} ns were believed")
    return Outcome("harmless", "measured; what was changed is a description of the machine, or nothing that counts")


def _model(work: Path) -> Path:
    import onnx
    from onnx import TensorProto, helper

    path = work / "model.onnx"
    if not path.exists():
        image, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 64, 64]) for name in ("image", "y"))
        graph = helper.make_graph([helper.make_node("Exp", ["image"], ["y"])], "g", [image], [y])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


def commands(rng: np.random.Generator, work: Path, number: int) -> Case:
    """Return a command line that is composed and shown, nothing more, with one or two settings of bad values."""
    from dcanas.cli.completion import _keys

    keys = sorted(set(_keys()))
    command = str(rng.choice(COMMANDS))
    words = [f"{keys[int(rng.integers(len(keys)))]}={WORDS[int(rng.integers(len(WORDS)))]}"
             for _ in range(int(rng.integers(1, 3)))]
    if rng.random() < 0.1:
        words.append(WORDS[int(rng.integers(len(WORDS)))])
    return Case(command, f"dcanas {command} --cfg {' '.join(map(repr, words))}"[:400],
                lambda: _composed(command, words))


def _composed(command: str, words: list[str]) -> Outcome:
    from dcanas.cli.compose import configure
    from dcanas.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([command, "--cfg", *words])
    said = err.getvalue()
    if code == 2:
        return Outcome("found" if said.count("\n") == 1 and "\x1b" not in said else "wrong", said)
    if code != 0:
        return Outcome("wrong", f"exit code {code}: {said}")
    if not isinstance(yaml.safe_load(out.getvalue()), dict):
        return Outcome("wrong", "accepted, and not shown")
    try:
        configure([word for word in words if "=" in word], command)
    except UserError as error:
        return refusal(error)
    return Outcome("harmless", "accepted as a value, and shown with the others")


def tables(rng: np.random.Generator, work: Path, number: int) -> Case:
    """Return a small table of accuracies in which a byte, a cell or a line was damaged."""
    space = load_space("nasbench201")
    codes = [space.format(space.sample(rng)) for _ in range(6)]
    rows = [["architecture", "acc", "note"], *([code, repr(float(rng.uniform(1, 99))), "x"]
                                               for code in dict.fromkeys(codes))]
    truth = {row[0]: float(row[1]) for row in rows[1:]}
    how = str(rng.choice(["byte", "cell", "line twice", "line lost", "encoding", "separator", "bytes"]))
    line, column = int(rng.integers(len(rows))), int(rng.integers(3))
    if how == "cell":
        rows[line][column] = WORDS[int(rng.integers(len(WORDS)))]
    if how == "line twice":
        rows.append(list(rows[line]))
    if how == "line lost":
        del rows[line]
    text = "\n".join((";" if how == "separator" else ",").join(row) for row in rows) + "\n"
    content = bytearray(text.encode(str(rng.choice(["utf-16", "utf-8-sig", "latin-1", "utf-32"])) if how == "encoding"
                                    else "utf-8", "replace"))
    if how in ("byte", "bytes"):
        for _ in range(1 if how == "byte" else 20):
            content[int(rng.integers(len(content)))] = int(rng.integers(256))
    return Case(how, repr(bytes(content))[:300], lambda: _tabulated(bytes(content), truth, how, work))


def _tabulated(content: bytes, truth: dict[str, float], how: str, work: Path) -> Outcome:
    path, space = work / "table.csv", load_space("nasbench201")
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = read_columns(path, space).get("acc", {})
        except UserError as error:
            return refusal(error)
    values = {space.format(arch): value for arch, value in found.items()}
    different = {key for key, value in values.items() if truth.get(key) != value}
    if different and how in ("encoding", "separator", "line lost", "line twice"):
        return Outcome("wrong", f"other numbers were read: {sorted(different)}")
    return Outcome("harmless", "other digits or letters, as they could have been written" if different
                   else "the numbers that were written")
