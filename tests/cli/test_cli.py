"""The command line itself: help without anything heavy, lists, settings, doctor."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dcanas import __version__
from dcanas.basics.printable import complain
from dcanas.cli.catalogue import COMMANDS, HELP
from dcanas.cli.terminal import Terminal

HEAVY = ("hydra", "omegaconf", "numpy", "torch", "onnx", "rich", "yaml")


@pytest.mark.parametrize("arguments", [["--help"], [], ["list", "-h"], ["help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    program = ("import sys\nfrom dcanas.cli.main import main\n"
               f"code = main({arguments})\n"
               f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)\nsys.exit(code)")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == "[]\n"
    first = {"--version": f"dcanas {__version__}\n", "list": "dcanas list: list spaces, devices, searches and so on.\n"}
    assert done.stdout.startswith(first.get("".join(arguments[:1]), HELP))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_own_help_without_torch(command):
    """The settings that the help lists are declared at fields, so nothing that computes is imported for it."""
    program = ("import sys\nfrom dcanas.cli.main import main\n"
               f"code = main([{command!r}, '--help'])\n"
               "print([name for name in ('torch', 'scipy', 'onnx', 'rich') if name in sys.modules], file=sys.stderr)")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr == "[]\n"
    assert done.stdout.startswith(f"dcanas {command}: ")
    assert f"Usage: dcanas {command}" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120


def test_help_is_quick():
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "dcanas", "--help"], capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3


def test_help_names_every_command():
    for command in COMMANDS:
        assert f"\n  {command:<12} " in HELP


@pytest.mark.parametrize(("kind", "expected"), [
    ("spaces", ("nasbench201", "15,625")), ("data", ("digits", "folder", "cifar10", "cifar100")),
    ("devices", ("local-cpu", "onnxruntime >= 1.14")), ("costs", ("params", "latency_p95_ms", "ms")),
    ("searches", ("differentiable", "softmax")), ("recipes", ("quick",)), ("experiments", ("experiment",)),
    ("attacks", ("fgsm", "square")),
])
def test_list(dcanas, kind, expected):
    answer = dcanas("list", kind)
    assert answer.code == 0
    assert not answer.err
    for text in expected:
        assert text in answer.out


def test_cfg_prints_settings_and_stops(dcanas, tmp_path, monkeypatch):
    import yaml

    monkeypatch.chdir(tmp_path)
    answer = dcanas("run", "--cfg", "seed=7", "budget.params=1e5", "data.root=photos (1)/a=b", "data=folder")
    assert answer.code == 0
    values = yaml.safe_load(answer.out)
    assert (values["seed"], values["budget"], values["data"]["root"]) == (7, {"params": 1e5},
                                                                          str(tmp_path / "photos (1)/a=b"))
    assert not list(tmp_path.iterdir())


def test_cfg_shows_the_settings_of_the_search_chosen_only(dcanas):
    """The space suits a judge to zero-shot search (`names`) and a vote to the candidates of others (`rerank`)."""
    import yaml

    shown = {search: yaml.safe_load(dcanas("run", "--cfg", "data=folder", f"search={search}").out)["search"]
             for search in ("differentiable", "zero_shot", "proxybo")}
    vote = ["jacov", "synflow", "meco"]
    assert (shown["differentiable"]["rerank"], shown["zero_shot"]["names"]) == (vote, ["prior"])
    assert "names" not in shown["differentiable"]
    assert "rerank" not in shown["zero_shot"]
    assert not {"rerank", "names"} & set(shown["proxybo"])


@pytest.mark.parametrize("value", [r"(patient\d+)", "a'b", "~x#1", "Größe/猫", "end\\", "'already quoted'", "a=b c"])
def test_paths_and_patterns_are_taken_as_typed(dcanas, value):
    import yaml

    answer = dcanas("run", "--cfg", f"data.group_by={value}")
    assert answer.code == 0, answer.err
    assert yaml.safe_load(answer.out)["data"]["group_by"] == value.strip("'")


def test_doctor(dcanas):
    answer = dcanas("doctor")
    assert answer.code == 0, answer.out
    for text in ("torch", "onnxruntime", "cores for this process", "device local-cpu", "Nothing is missing."):
        assert text in answer.out


def test_doctor_reports_without_names_of_people_and_machines(dcanas, monkeypatch):
    monkeypatch.setenv("DCANAS_STUDIES", f"postgresql://me:s3cret@{platform.node()}/{Path.home()}/x")
    answer = dcanas("doctor", "--report")
    assert answer.code == 0, answer.out
    assert answer.out.startswith("```\n")
    assert "DCANAS_STUDIES=postgresql://me:***@HOST/~/x" in answer.out
    assert f"Python: {platform.python_version()}" in answer.out
    assert str(Path.home()) + "/" not in answer.out


def test_doctor_names_what_is_wrong(dcanas, tmp_path, monkeypatch):
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path))
    (tmp_path / "mine.yaml").write_text("name: other")
    answer = dcanas("doctor")
    assert answer.code == 2
    assert "broken profile" in answer.out
    assert "1 problem found." in answer.out


def test_doctor_cleans_what_broken_measurements_left(dcanas, tmp_path, monkeypatch):
    """Of a process of this number that began at another time, on this machine."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    left = tmp_path / "dcanas-left0001"
    left.mkdir()
    (left / ".dcanas-worker").write_text(json.dumps({"pid": 1, "node": platform.node(), "started": "long ago"}))
    answer = dcanas("doctor", "device=local-cpu")
    assert (answer.code, answer.err) == (0, "")
    assert "  dcanas-left0001\n" in answer.out
    assert left.is_dir()
    assert "1 removed." in dcanas("doctor", "device=local-cpu", "--clean").out
    assert not left.exists()


def test_text_of_others_is_shown_as_it_is(capsys):
    """Names of classes and files may hold anything: markup stays text, and no control character reaches a terminal."""
    name = "[red]a[/red]:smile:\x1b]0;title\x07\x9b31m\u202e"
    shown = r"[red]a[/red]:smile:\x1b]0;title\x07\x9b31m\u202e"
    for mode in ("plain", "bars"):
        terminal = Terminal(mode)
        terminal.message(f"{name}\nnext")
        terminal.table(name, ["class"], [[name]])
        with terminal.stage(name) as stage:
            stage.progress(1, 2, name)
        complain(name)
        out, err = capsys.readouterr()
        assert out.count(shown) >= 4
        assert err == f"dcanas: {shown}\n"
        assert "next" in out
        assert not any(c in out + err for c in "\x07\x9b\u202e")


def test_home_folder_in_settings(dcanas, tmp_path, monkeypatch, tiny):
    """A shell does not expand the ~ behind an equals sign."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    answer = dcanas("run", *tiny, "budget.params=1", "run.dir=~/runs/first")
    assert answer.code == 2
    assert (tmp_path / "runs/first/settings.yaml").is_file()


def heeds_ctrl_c():
    """For a new process: an interrupt is not ignored, whatever the tests themselves were started by."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads in /proc how far a process has come")
def test_ctrl_c_before_anything_is_begun(tiny, tmp_path):
    process = subprocess.Popen([sys.executable, "-m", "dcanas", "run", *tiny], stderr=subprocess.PIPE,
                               preexec_fn=heeds_ctrl_c,
                               stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=dict(os.environ))
    while process.poll() is None and "libtorch" not in Path(f"/proc/{process.pid}/maps").read_text():
        time.sleep(0.05)  # until it is among its imports
    err = None
    while err is None:  # a library that is being imported may swallow an interrupt, and a user presses again
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            _, err = process.communicate(timeout=1.5)
    assert process.returncode == 130
    assert "Stopped" in err
    assert "Traceback" not in err


def test_a_reader_that_leaves_early_is_no_fault():
    done = subprocess.run(f"{sys.executable} -m dcanas list recipes | true", shell=True, capture_output=True, text=True)
    assert "Traceback" not in done.stderr


def test_the_first_line_comes_before_torch() -> None:
    code = ("import sys\nsys.modules['torch'] = None  # whoever imports it fails\nfrom dcanas.cli.main import main\n"
            "sys.argv = ['dcanas', 'run', 'run.progress=plain']\nmain()")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "digits: zero_shot search in nasbench201 for local-cpu\n"
    assert "torch" in done.stderr
