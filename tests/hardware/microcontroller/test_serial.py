"""Boards at a serial port: the delivered firmware behind a pty, on this machine and on an emulated UART; and boards
that lie, babble or say nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from dcanas.basics.errors import UserError
from dcanas.export.c99 import write_c99
from dcanas.export.c99.host import host_answers, host_compiler
from dcanas.export.c99.layouts import add_exchange, add_makefile
from dcanas.hardware import load_device
from dcanas.hardware.devices.device import Serial
from dcanas.hardware.microcontroller.cores import core_named
from dcanas.hardware.microcontroller.deployed import deploy_code
from dcanas.hardware.microcontroller.emulator import EMULATOR
from dcanas.hardware.microcontroller.image import COMPILER, FIRMWARE, FLAGS
from dcanas.hardware.microcontroller.proof import missing_tools
from dcanas.hardware.transport.serial_board import serial_board
from tests.export.c99.qdq import Qdq
from tests.hardware.microcontroller.pseudo_port import behind_a_pty

pytest.importorskip("serial")
pytestmark = pytest.mark.skipif(host_compiler() is None, reason="no C compiler")
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 3, 9, 8), dtype=np.uint8)
ANSWERS_HELLO = """
    token = line.split()[2]
    say(token + " network 0123456789abcdef 9 8 3 5 1000000")
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("network")
    made = Qdq((3, 9, 8), seed=2)
    made.conv(8)
    made.mean()
    onnx.save(made.model(), str(folder / "model.int8.onnx"))
    write_c99(folder / "model.int8.onnx", folder / "c99")
    return folder


def device(port: str, timeout_s: float = 20.0):
    return replace(load_device("nano33ble"), port=Serial(port, timeout_s=timeout_s))


def test_the_delivered_program_answers_every_image_to_the_byte(network, tmp_path):
    shutil.copytree(network / "c99", tmp_path / "c")
    add_exchange(tmp_path / "c")
    add_makefile(tmp_path / "c")
    subprocess.run(["make", "-s", "serve", "CFLAGS=-O1 -Wall -Wextra -pedantic -Wconversion -Wshadow -Werror"],
                   cwd=tmp_path / "c", check=True)
    with behind_a_pty([tmp_path / "c/serve"]) as port:
        summary, samples = deploy_code(network / "c99", network / "model.int8.onnx", device(port), IMAGES)
    assert summary["answers"] == {"n": 5, "equal": 5, "equal_classes": 5}
    assert samples["logits"] == host_answers(network / "c99", IMAGES).tolist()
    assert len(samples["ticks"]) == 5
    assert summary["place"] == f"serial line {port}"
    assert summary["median_ms"] == pytest.approx(np.median(samples["ticks"]) / summary["hertz"] * 1e3)


@pytest.mark.slow
@pytest.mark.skipif(bool(missing_tools()), reason=f"missing: {', '.join(missing_tools())}")
def test_an_emulated_microcontroller_answers_over_its_uart(network, tmp_path):
    core, code = core_named("cortex-m4"), network / "c99"
    add_exchange(tmp_path, program=False)
    (tmp_path / "map.ld").write_text("MEMORY { FLASH (rx) : ORIGIN = 0, LENGTH = 0x40000\n"
                                     "RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 0x40000 }\nSTACK_BYTES = 1024;\n"
                                     + (FIRMWARE / "sections.ld").read_text())
    sources = [code / "network.c", code / "weights.c", tmp_path / "exchange.c", FIRMWARE / "start.c",
               Path(__file__).with_name("uart.c")]
    subprocess.run([COMPILER, *FLAGS, *core.flags, "-nostartfiles", "-I", code, "-I", tmp_path, "-I", FIRMWARE, "-T",
                    tmp_path / "map.ld", *sources, "-lc", "-lgcc", "-o", tmp_path / "uart.elf"], cwd=tmp_path,
                   check=True)
    emulated = subprocess.Popen([EMULATOR, "-M", core.machine, "-display", "none", "-monitor", "none", "-serial", "pty",
                                 "-kernel", tmp_path / "uart.elf"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert emulated.stdout is not None
        port = re.search(rb"redirected to (\S+)", emulated.stdout.readline())
        assert port is not None
        summary, _ = deploy_code(code, network / "model.int8.onnx", device(port[1].decode(), 60.0), IMAGES)
    finally:
        emulated.kill()
        emulated.wait()
    assert summary["answers"] == {"n": 5, "equal": 5, "equal_classes": 5}
    assert summary["hertz"] == 25_000_000
    assert summary["ticks"]["least"] > 0


def scripted(body: str) -> list[str]:
    """A board in Python: `body` is run for each line that it is sent."""
    return [sys.executable, "-u", "-c", "import sys, time\ndef say(text):\n    sys.stdout.write(text + '\\n')\n"
            "for line in iter(lambda: sys.stdin.buffer.readline().decode(), ''):" + body]


@pytest.mark.parametrize(("body", "timeout_s", "words"), [
    ("\n    pass", 1.0, "gives no answer for 1 s; flash the example `deploy`"),
    ("\n    sys.exit()", 1.0, "gives no answer for 1 s"),
    ("\n    while True: say('hello'); time.sleep(.05)", 4.0,
     "says other things than answers for 4 s, and was given up"),
    ("\n    while True: say('x' * 10000)", 30.0, "says more than 1 MiB or 10,000 lines that are no answers"),
    ("\n    say(line.split()[2] + ' network ok')", 30.0,
     "answered with 'network ok', which is no answer of its firmware"),
    ("\n    say(line.split()[2] + ' network 0 9 8 3 -5 1')", 30.0, "which is no answer of its firmware"),
    (ANSWERS_HELLO, 30.0, "runs another network (0123456789abcdef) than the run ships"),
])
def test_boards_that_are_given_up(network, body, timeout_s, words):
    begin = time.monotonic()
    with behind_a_pty(scripted(body)) as port, pytest.raises(UserError) as caught:
        deploy_code(network / "c99", network / "model.int8.onnx", device(port, timeout_s), IMAGES)
    assert words in str(caught.value)
    assert str(caught.value).startswith("Device nano33ble ")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - begin < 30


@pytest.mark.parametrize(("answer", "words"), [
    ("logits 5 1 2 3 4", "answered with 'logits 5 1 2 3 4', which is no answer"),
    ("logits 5 1 2 3 4 128", "which is no answer"),
    ("logits five 1 2 3 4 5", "which is no answer"),
    ("logits 4000000000 1 2 3 4 5", "says that an image took 4e+03 s, which is more than"),
    ("damaged", "received a damaged image 3 times; lower connection.baud"),
    ("logits " + "1" * 500, "sends more than 128 bytes as one answer"),
])
def test_answers_that_cannot_be_true(answer, words):
    """The board reads the image and gives this answer."""
    script = scripted(ANSWERS_HELLO.rstrip() + f"""
    while 'image' in sys.stdin.buffer.readline().decode():
        sys.stdin.buffer.read(9 * 8 * 3)
        say(token + {" " + answer!r})
""")
    with behind_a_pty(script) as port, pytest.raises(UserError) as caught, \
            serial_board(Serial(port, timeout_s=30.0), "odd") as board:
        board.classify(IMAGES[0], board.greet())
    assert words in str(caught.value)


def test_a_port_that_is_not_there():
    with pytest.raises(UserError, match=r"/dev/none cannot be opened .* correct connection.serial in its profile"), \
            serial_board(Serial("/dev/none"), "odd"):
        pass


def test_a_line_that_is_damaged_once_is_sent_again(network, tmp_path):
    """A filter before the delivered program changes one byte of the first image."""
    shutil.copytree(network / "c99", tmp_path / "c")
    add_exchange(tmp_path / "c")
    add_makefile(tmp_path / "c")
    subprocess.run(["make", "-s", "serve"], cwd=tmp_path / "c", check=True)
    script = ("import subprocess, sys\n"
              f"there = subprocess.Popen([{str(tmp_path / 'c/serve')!r}], stdin=subprocess.PIPE)\n"
              "seen = 0\n"
              "while byte := sys.stdin.buffer.read1(1):\n"
              "    seen += 1\n"
              "    there.stdin.write(bytes([byte[0] ^ 1]) if seen == 120 else byte)\n"
              "    there.stdin.flush()\n")
    with behind_a_pty([sys.executable, "-u", "-c", script]) as port, \
            serial_board(Serial(port, timeout_s=20.0), "noisy") as board:
        logits, _ = board.classify(IMAGES[0], board.greet())
    assert (logits == host_answers(network / "c99", IMAGES[:1])[0]).all()
