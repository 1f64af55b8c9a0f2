"""Completion in the shell: what may stand next, asked fast."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dcanas.cli.completion import SCRIPTS, words


@pytest.mark.parametrize(("command", "current", "expected"), [
    ("", "re", ["report", "reproduce"]),
    ("run", "data=di", ["data=digits"]),
    ("run", "device=rasp", ["device=raspi4", "device=raspi5"]),
    ("run", "train.warm", ["train.warmup_epochs="]),
    ("run", "run.thr", ["run.threads="]),
    ("list", "spa", ["spaces"]),
    ("completion", "", ["bash", "fish", "zsh"]),
    ("doctor", "", ["--clean", "--report", "device="]),
])
def test_words(command, current, expected):
    assert words(command, current) == expected


def test_nothing_heavy_is_imported():
    code = ("import sys; from dcanas.cli.main import main; main(['completion', 'words', 'run', 'data=']); "
            "print(sorted({'torch', 'numpy', 'hydra', 'yaml', 'rich'} & set(sys.modules)))")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert "data=digits" in out
    assert out[-1] == "[]"


def test_bash_completes_what_follows_an_equals_sign():
    """Bash cuts words at "="; the reply must be the part after it."""
    shell = SCRIPTS["bash"] + f"""
dcanas() {{ {sys.executable} -m dcanas "$@"; }}
COMP_WORDS=(dcanas run data = di); COMP_CWORD=4; COMP_LINE="dcanas run data=di"; COMP_POINT=18
_dcanas; echo "${{COMPREPLY[@]}}"
"""
    assert subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True).stdout == "digits\n"
