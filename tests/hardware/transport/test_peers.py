"""Boards that babble, stall or lie: each is given up in one sentence, soon, and nothing of it is used."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper

from dcanas.basics.errors import UserError
from dcanas.basics.resources import resource_folder
from dcanas.export import worker
from dcanas.hardware import load_device, profile_onnx
from dcanas.hardware.transport.board import BoardLostError, Worker
from dcanas.hardware.transport.leftovers import list_leftovers, remove_leftovers
from tools.scripted_board import command, install_ssh

NOTHING = {"done": lambda value: value is True}


@contextlib.contextmanager
def scripted(script, patience_s=2.0):
    started = Worker(command(script, bare=True), "odd", patience_s)
    try:
        yield started
    finally:
        started.close()


@pytest.mark.parametrize(("script", "words"), [
    ("while True: sys.stdout.write('hello\\n' * 1000)", "says more than 1 MiB or 10,000 lines that are no answers"),
    ("while True: sys.stdout.write('x' * 100_000)", "says more than 1 MiB"),
    ("while True: sys.stderr.write('hello\\n' * 1000)", "says more than 1 MiB"),
    ("while True:\n    print('hello')\n    time.sleep(0.1)", "says other things than answers for 2 s"),
    ("while True:\n    print(TOKEN, json.dumps({'alive': True}))\n    time.sleep(0.1)",
     "has not finished after 2 s what it was asked to do in 0 s"),
    ("while True: sys.stdout.write((TOKEN + ' {\"alive\": true}\\n') * 1000)",
     "sends more than 10,000 lines for one answer"),
    ("print(TOKEN, 'x' * 200_000)", "sends more than 65,536 bytes as one answer"),
    ("while True: sys.stdout.write(TOKEN + ' ' + 'x' * 1000)", "sends more than 65,536 bytes as one answer"),
])
def test_a_board_that_never_ends_is_given_up_soon(script, words):
    begin = time.monotonic()
    with scripted(script) as started, pytest.raises(UserError) as caught:
        started.ask("look", {})
    assert words in str(caught.value)
    assert str(caught.value).startswith("Device odd ")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - begin < 10


def test_silence_is_a_lost_connection():
    with scripted("time.sleep(60)") as started, pytest.raises(BoardLostError, match="no answer for 2 s"):
        started.ask("look", {})


@pytest.mark.slow
def test_what_is_done_slowly_but_told_is_waited_for_as_long_as_it_was_asked_to_take():
    slow = "def do_slow(self, request, content):\n    for _ in range(30):\n        time.sleep(0.1)\n" \
           "        self.say({'alive': True})\n    return {'done': True}\nServer.do_slow = do_slow"
    with scripted(slow) as started:
        started.ask("slow", NOTHING, takes_s=3.0)
        assert started.took_s > 2.9  # longer than it may be silent
    with scripted(slow) as started, pytest.raises(UserError, match="has not finished after"):
        started.ask("slow", NOTHING, takes_s=0.1)


@pytest.mark.slow
def test_overtime_of_all_requests_together_is_bounded():
    late = "Server.do_late = lambda self, request, content: time.sleep(0.9) or {'done': True}"
    begin = time.monotonic()
    with scripted(late, 1.5) as started, contextlib.suppress(UserError, BoardLostError):
        for _ in range(10):
            started.ask("late", NOTHING)
    assert time.monotonic() - begin < 2 * 1.5 + 3  # twice the patience, and to end the process


def test_text_of_a_board_is_shown_printable():
    with scripted("def do_look(self, request, content): raise WorkerError('\\x1b[31mred\\nline \\u202e')\n"
                  "Server.do_look = do_look", 20) as started, pytest.raises(UserError) as caught:
        started.ask("look", {})
    assert str(caught.value) == r"On device odd: \x1b[31mred line \u202e."


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    image, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 64, 64]) for name in ("image", "y"))
    graph = helper.make_graph([helper.make_node("Exp", ["image"], ["y"])], "g", [image], [y])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """Return a function that makes the device `odd`, a board that runs a script."""
    def make(script, **connection):
        content = yaml.safe_load((resource_folder("hardware_profiles") / "local-cpu.yaml").read_text())
        content |= {"name": "odd", "connection": {"ssh": "odd", "timeout_s": 20, "folder": str(tmp_path), **connection}}
        (tmp_path / "devices").mkdir()
        (tmp_path / "devices/odd.yaml").write_text(yaml.safe_dump(content))
        install_ssh(tmp_path / "bin", script)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path / "devices"))
        return load_device("odd")

    return make


TIMES = """
def change(server, answer):
    for label, times in answer["samples"].items():
        answer["samples"][label] = [[[CHANGED for t in block] for block in pair] for pair in times]
changed("measure", change)
"""
FACTS = """
def change(server, answer):
    for fact in answer["facts"].values():
        CHANGED
changed("prepare", change)
"""


@pytest.mark.parametrize(("script", "words"), [
    (TIMES.replace("CHANGED", "10**12"), "its runs sum up to"),
    (TIMES.replace("CHANGED", "1"), "one run took 1 ns, which its clock"),
    (FACTS.replace("CHANGED", "fact['sha256'] = '0' * 64"), "it measured a file of SHA-256 000000000000, sent was"),
    ("changed('measure', lambda self, answer: answer['states'][-1].update(at_s=answer['states'][0]['at_s'] + 1e6))",
     "by its clock the measurement took 1e+06 s"),
    *(pytest.param(*row, marks=pytest.mark.slow) for row in (
        (TIMES.replace("CHANGED", "t / 2"), "invalid times (a time is not a whole number of nanoseconds)"),
        (FACTS.replace("CHANGED", "fact['rounds'] *= 10"), "rounds of"),
        (FACTS.replace("CHANGED", "fact['cap_s'] = 1e6"), "it does not keep to the 60 s that measuring may take"),
        ("changed('measure', lambda self, answer: answer['facts']['m'].update(sha256='0' * 64))", "its sha256 was"),
        ("changed('look', lambda self, answer: answer.update(clock_ns=10**9))", "its clock (steps of 1000000000 ns)"))),
])
def test_what_cannot_be_true_is_refused(odd, model, script, words):
    with pytest.raises(UserError) as caught:
        profile_onnx({"m": model}, odd(script), 0.02)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_warm_up_longer_than_the_clock_here_says_is_refused(odd, model):
    script = FACTS.replace("CHANGED", "for w in fact['warm_up']: w['last_block_ms'] = 1e6\n"
                                      "        fact['runs'], fact['rounds'], plan_s = plan(fact['warm_up'], 0.02)")
    with pytest.raises(UserError, match=r"its warm-up took 3e\+03 s at least, but"):
        profile_onnx({"m": model}, odd(script), 0.02)


def test_an_honest_board_is_believed(odd, model):
    profile = profile_onnx({"m": model}, odd(""), 0.02)["m"]
    assert profile.conditions["rounds"] == np.shape(profile.samples_ns)[0]
    assert profile.conditions["clock_ns"] >= 1


def _until(condition, seconds=20.0):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


@pytest.mark.slow
def test_processes_and_folders_end_with_the_command_that_is_killed(odd, model, tmp_path):
    """A worker that is busy for ever, as in one run of a network: its input closes, and it ends itself."""
    busy = f"changed('prepare', lambda self, answer: (open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())), " \
           "time.sleep(1000)))"
    device = odd(busy)
    code = "from pathlib import Path; from dcanas.hardware import load_device, profile_onnx; " \
           f"profile_onnx({{'m': Path({str(model)!r})}}, load_device({device.name!r}), 0.02)"
    here = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert _until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()), here.communicate()
    pid = int((tmp_path / "pid").read_text())
    here.kill()
    here.communicate(timeout=30)
    assert _until(lambda: not Path(f"/proc/{pid}").exists())
    assert not list(tmp_path.glob("dcanas-*"))


def test_only_marked_folders_of_gone_processes_are_cleaned(odd, tmp_path):
    device = odd("")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine = {"node": os.uname().nodename, "started": "long ago"}
    for name, pid in (("dcanas-gone0001", ended.pid), ("dcanas-reused01", os.getpid())):
        (tmp_path / name).mkdir()
        (tmp_path / name / worker.MARK).write_text(json.dumps({**mine, "pid": pid}))
        (tmp_path / name / "0.onnx").write_text("x")
    for name, maker in (("dcanas-lives001", worker._self_described()), ("dcanas-other001", {**mine, "node": "other"}),
                        ("dcanas-odd00001", [])):
        (tmp_path / name).mkdir()
        (tmp_path / name / worker.MARK).write_text(json.dumps(maker))
    (tmp_path / "dcanas-unmarked").mkdir()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "kept").touch()
    (tmp_path / "dcanas-link0001").symlink_to(tmp_path / "dcanas-gone0001")
    (tmp_path / "dcanas-gone0001/inside").symlink_to(precious)
    left = ["dcanas-gone0001", "dcanas-reused01"]
    assert list_leftovers(device) == (str(tmp_path), left)
    remove_leftovers(device, [*left, "dcanas-lives001", "dcanas-unmarked"])  # the others are no leftovers
    assert list_leftovers(device)[1] == []
    assert sorted(p.name for p in tmp_path.glob("dcanas-*")) == [
        "dcanas-link0001", "dcanas-lives001", "dcanas-odd00001", "dcanas-other001", "dcanas-unmarked"]
    assert (precious / "kept").exists()
