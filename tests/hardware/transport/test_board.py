"""Measuring on a board: a real `sshd`, and everything that goes wrong between here and there."""

from __future__ import annotations

import dataclasses
import json
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from recording import Reports

from dcanas.basics.errors import UserError
from dcanas.hardware import Profile, load_device, profile_onnx
from dcanas.hardware.measuring import profiler
from dcanas.hardware.transport import board as boards
from dcanas.hardware.transport.progress import report_to

SECONDS = 0.05


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """One 3x3 convolution of 48 channels on 24 x 24: 85 kB."""
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    kernel = np.random.default_rng(0).normal(size=(48, 48, 3, 3)).astype(np.float32)
    image, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 48, 24, 24]) for name in ("image", "y"))
    graph = helper.make_graph([helper.make_node("Conv", ["image", "w"], ["y"], pads=[1, 1, 1, 1])], "g", [image], [y],
                              [numpy_helper.from_array(kernel, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


def profiled(path, device, *settings, **named):
    (profile,) = profile_onnx({path.name: path}, device, *settings, **named).values()
    return profile


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(profiler, "PAUSE_S", 0.01)


def once_the_model_is_there(board, mark, action):
    """Return what a board's shell does in the background: wait for a model, then `action`; once for each `mark`."""
    waiting = f'while [ -z "$(ls {board.folder}/*/0.onnx)" ]; do sleep 0.1; done'
    return f"if mkdir {board.root / mark} 2>/dev/null; then ({waiting}; {action}) >/dev/null 2>&1 </dev/null & fi"


def test_a_board_measures_like_this_machine(board, model):
    python = board.python("welcoming", "echo Welcome to the board; echo '{\"error\": 1}'")  # as login scripts do
    device = load_device(board.device(connection={"python": str(python)}))
    found = profile_onnx({"a": model, "b": model}, device, SECONDS)
    here = profiled(model, load_device("local-cpu"), SECONDS)
    for label, profile in found.items():
        assert (profile.model, profile.device, profile.sha256) == (label, "board", here.sha256)
        assert 0.2 < profile.median_ms / here.median_ms < 5
        assert profile.conditions["place"] == "ssh board"
        assert {key: profile.conditions[key] for key in ("machine", "onnxruntime", "threads", "attempts")} == {
            "machine": platform.machine(), "onnxruntime": onnxruntime.__version__, "threads": 1, "attempts": 1}
        rounds, runs = profile.conditions["rounds"], profile.conditions["runs_per_block"]
        assert np.shape(profile.samples_ns) == (rounds, 2, runs)  # every sample came back
        assert Profile.from_json(json.loads(json.dumps(dataclasses.asdict(profile)))) == profile
    assert not list(board.folder.iterdir())  # nothing is left on the board


@pytest.mark.parametrize(("host", "changes", "words"), [
    ("no-such-board.invalid", {}, "cannot be reached: its host is unknown"),
    ("stranger", {}, "cannot be reached: its host key was never seen here"),
    ("changed", {}, "cannot be reached: its host key is another than before"),
    ("bad;host", {}, "cannot be reached: its name is none that ssh takes"),
    ("board", {"connection": {"folder": "/proc/none"}}, "set connection.folder"),
    ("refused", {}, "cannot be reached: its key was refused"),
    ("closed", {}, "cannot be reached: nothing answers at its port"),
    ("board", {"connection": {"python": "/no/such/python"}}, "has no Python where its profile says"),
    ("board", {"board": {"machine": "riscv64"}},
     f"says architecture riscv64, but what answers at ssh board has {platform.machine()}"),
    ("board", {"board": {"cores": 1000}}, "says number of cores 1000"),
    ("board", {"threads": 1000}, "says 1000 threads, but only"),
    ("board", {"runtime": {"name": "onnxruntime", "version": "99.0", "opset": 18, "ir_version": 8}},
     "needs ONNX Runtime 99.0 or newer, installed is"),
    ("board", {"provider": "QNNExecutionProvider"}, "has no QNNExecutionProvider"),
])
def test_a_board_that_cannot_be_used_is_refused_in_one_sentence(board, model, host, changes, words):
    device = load_device(board.device("mine", host, **changes))
    with pytest.raises(UserError) as caught:
        profiled(model, device, SECONDS)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_board_without_onnxruntime_is_told_what_to_install(board, model):
    bare = board.script("bare", f'exec {sys.executable} -I -S "$@"')
    device = load_device(board.device("bare", connection={"python": str(bare)}))
    with pytest.raises(UserError, match=r"lacks packages that measuring needs \(No module named '\w+'\); run `pip "
                                        "install numpy onnxruntime` there"):
        profiled(model, device, SECONDS)


def test_a_model_the_board_cannot_load_is_refused(board, model, tmp_path):
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(model.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"^On device board: ONNX Runtime \S+ cannot load \S+/0.onnx: "):
        profiled(cut, load_device(board.device()), SECONDS)


@pytest.mark.slow
@pytest.mark.parametrize("action", ["kill -9 $$", "kill -9 $PPID"], ids=["worker killed", "connection cut"])
def test_what_was_interrupted_is_measured_again_from_the_start(board, model, action):
    mark = action.replace(" ", "_").replace("$", "")
    python = board.python(mark + ".sh", once_the_model_is_there(board, mark, action))
    device = load_device(board.device("shaky", connection={"python": str(python)}))
    found = profiled(model, device, 1.0)  # long enough to be interrupted
    assert found.conditions["attempts"] == 2
    assert len(found.samples_ns) == found.conditions["rounds"]
    until = time.monotonic() + 20
    while mark.endswith("PPID") and list(board.folder.iterdir()) and time.monotonic() < until:
        time.sleep(0.1)
    if mark.endswith("PPID"):
        assert not list(board.folder.iterdir())  # a worker left alone cleans up; a killed one cannot
    for left in board.folder.iterdir():
        shutil.rmtree(left)


def test_a_board_that_dies_every_time_gives_no_number(board, model):
    python = board.script("dying", "kill -9 $$")
    device = load_device(board.device("dying", connection={"python": str(python)}))
    with pytest.raises(UserError, match=r"^Lost contact with device dying 3 times during measurement; last error: "):
        profiled(model, device, SECONDS)


def test_a_silent_board_is_given_up(board, model):
    python = board.script("asleep", "exec sleep 60")
    device = load_device(board.device("asleep", connection={"python": str(python), "timeout_s": 1}))
    start = time.monotonic()
    with pytest.raises(UserError, match="device asleep 3 times during measurement; last error: no answer for 1 s"):
        profiled(model, device, SECONDS)
    assert time.monotonic() - start < 30


@pytest.mark.slow
def test_what_was_started_on_a_board_ends_after_a_time_out(board, model, monkeypatch):
    """A worker that is busy for ever, as in one run of a network, and says nothing."""
    source, mark = boards._source, board.root / "busy"
    busy = f"\nopen({str(mark)!r}, 'a').write(str(os.getpid()) + ' ')\n" \
           "Server.do_prepare = lambda self, request, content: time.sleep(1000)\nserve("

    def scripted(token):
        text = source(token).partition(b"\n")[2].replace(b"\nserve(", busy.encode())
        return b"%d\n" % len(text) + text

    monkeypatch.setattr(boards, "_source", scripted)
    with pytest.raises(UserError, match="last error: no answer for 2 s"):
        profiled(model, load_device(board.device("busy", connection={"timeout_s": 2})), SECONDS)
    until = time.monotonic() + 20
    while list(board.folder.iterdir()) and time.monotonic() < until:
        time.sleep(0.1)
    assert not list(board.folder.iterdir())
    pids = mark.read_text().split()
    assert len(pids) == 3
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(alive, pids))


def alive(pid):
    """Whether a process is there and has not ended (one that nobody has waited for is a zombie)."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_full_disk_is_reported(board, model):
    python = board.python("full", "ulimit -f 8")  # blocks of 512 bytes, or 1024
    device = load_device(board.device("full", connection={"python": str(python)}))
    with pytest.raises(UserError, match=r"^Device full has no room for the files it was sent \(File too large\)"):
        profiled(model, device, SECONDS)
    assert not list(board.folder.iterdir())


def test_a_full_file_system_is_reported(board, model, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "none", small], capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        with pytest.raises(UserError, match=r"has no room for the files it was sent \(No space left on device\)"):
            profiled(model, load_device(board.device("small", connection={"folder": str(small)})), SECONDS)
    finally:
        subprocess.run(["umount", "-l", small], check=True)


LIAR = """
import json, re, sys
source = sys.stdin.buffer.read(int(sys.stdin.buffer.readline())).decode()
token = re.search(r"serve\\('(\\w+)'\\)", source)[1]
sys.stdin.buffer.readline()
print(token, {answer!r}, flush=True)
"""


@pytest.mark.parametrize(("answer", "words"), [
    ("nonsense", "answered with invalid JSON instead of its worker's answer"),
    ("[1, 2]", "JSON that is not an object"), ('{"x": NaN}', "invalid JSON instead"),
    ("[" * 60_000, "invalid JSON instead"),
    ("[" * 100_000, "sends more than 65,536 bytes as one answer"),
    ('{"cores": 4}', "no valid 'n'"), ('{"n": -1}', "no valid 'n'"),
    ('{"n": true}', "no valid 'n'"),
    ('{"error": "full", "text": "so\\nfull"}', "has no room for the files it was sent (so full)"),
])
def test_answers_are_untrusted(answer, words):
    liar = boards.Worker([sys.executable, "-c", LIAR.format(answer=answer)], "liar", 20)
    try:
        with pytest.raises(UserError) as caught:
            liar.ask("look", {"n": lambda value: type(value) is int and value > 0})
    finally:
        liar.close()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_board_s_progress_is_passed_on_if_it_makes_sense(board, model):
    lines = [{"alive": True}, {"alive": True, "done": 0, "planned": 0}, {"alive": True, "done": 3, "planned": 8},
             {"alive": True, "done": 9, "planned": 8}, {"alive": True, "done": "9", "planned": "x"}, {"n": 1}]
    source = LIAR + "".join(f"print(token, {json.dumps(line)!r}, flush=True)\n" for line in lines)
    source = source.replace("{answer!r}", repr('{"alive": true}'))
    teller, reports = boards.Worker([sys.executable, "-c", source], "teller", 20), Reports()
    try:
        with report_to(reports):
            assert teller.ask("look", {"n": lambda value: value == 1}) == {"n": 1}
    finally:
        teller.close()
    assert reports.seen == [(3, 8, "blocks of runs")]
    with report_to(reports):
        profiled(model, load_device(board.device()), 2.0)
    assert 0 < reports.seen[-1][0] <= reports.seen[-1][1] > 8  # a real one, once a second
