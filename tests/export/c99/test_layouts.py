"""Generated C in a Makefile's folder and in Arduino's library layout, built as their tools would."""

from __future__ import annotations

import shutil
import subprocess
import zlib

import numpy as np
import onnx
import pytest

from dcanas.export.c99 import write_c99
from dcanas.export.c99.host import host_answers, host_compiler
from dcanas.export.c99.layouts import add_makefile, write_arduino
from dcanas.export.c99.project import add_selftest
from dcanas.hardware.microcontroller.cores import core_named
from dcanas.hardware.microcontroller.image import COMPILER
from tests.export.c99.qdq import Qdq

pytestmark = pytest.mark.skipif(host_compiler() is None or shutil.which("c++") is None, reason="no C or C++ compiler")
STUB = """#pragma once
#include <cstdint>
#include <cstdio>
#include <cstring>
struct Line {
  void begin(long) {}
  void setTimeout(long) {}
  void print(const char *text) { std::fputs(text, stdout); }
  void print(long number) { std::printf("%ld", number); }
  void println(const char *text) { std::puts(text); }
  void println(long number) { std::printf("%ld\\n", number); }
  int available() { int c = std::getchar(); return c == EOF ? 0 : (std::ungetc(c, stdin), 1); }
  int read() { return std::getchar(); }
  std::size_t readBytes(char *into, std::size_t count) { return std::fread(into, 1, count, stdin); }
};
static Line Serial;
inline unsigned long micros() { static unsigned long now = 0; return now += 100000; }
inline unsigned long millis() { return micros() / 1000; }
inline void delay(int) {}
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    """A network whose sums of products a fused multiply-add would round otherwise, with images and their logits."""
    made = Qdq((3, 6, 5), seed=3)
    before = made.conv(8)
    made.conv(8, (1, 1), pads=(0, 0, 0, 0))
    made.add(before)
    made.mean()
    folder = tmp_path_factory.mktemp("code")
    onnx.save(made.model(2, {"classes": '["cat", "dog"]'}), str(folder / "made.onnx"))
    write_c99(folder / "made.onnx", folder / "c")
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 6, 5), dtype=np.uint8)
    logits = host_answers(folder / "c", images)
    add_selftest(folder / "c", images[:3], logits[:3])
    return folder / "c", images, logits


def test_the_makefile_builds_a_library(code, tmp_path):
    shutil.copytree(code[0], tmp_path / "c")
    add_makefile(tmp_path / "c")
    subprocess.run(["make", "-s"], cwd=tmp_path / "c", check=True)
    assert (tmp_path / "c/libnetwork.a").stat().st_size > 1000


@pytest.mark.parametrize("example", ["selftest", "classify", "deploy"])
def test_a_library_for_arduino_compiles_as_its_ide_does(code, tmp_path, example):
    """C files as C, the sketch as C++ after Arduino.h; then setup and loop, once."""
    library = tmp_path / "two_animals"
    write_arduino(code[0], library, ["cat", "dog"])
    assert "name=two_animals\n" in (library / "library.properties").read_text()
    (tmp_path / "Arduino.h").write_text(STUB)
    sketch = (library / f"examples/{example}/{example}.ino").read_text()
    (tmp_path / "sketch.cpp").write_text(f"#include <Arduino.h>\n{sketch}\nint main() {{ setup(); loop(); }}\n")
    subprocess.run([host_compiler(), "-std=gnu11", "-Os", "-c", *sorted(map(str, (library / "src").glob("*.c")))],
                   cwd=tmp_path, check=True)
    subprocess.run(["c++", "-std=gnu++14", "-I", ".", "-I", str(library / "src"), "sketch.cpp", "network.o",
                    "weights.o", "selftest.o", "exchange.o", "-o", "sketch"], cwd=tmp_path, check=True)
    image, logits = code[1][3], code[2][3]
    pixels = image.transpose(1, 2, 0).tobytes()
    asked = f"dcanas image {'5' * 16} {zlib.crc32(pixels):08x}\n".encode() + pixels if example == "deploy" else pixels
    said = subprocess.run([tmp_path / "sketch"], input=asked, capture_output=True, check=True).stdout.decode()
    assert said == {"selftest": "different answers: 0, microseconds: 100000\n",
                    "deploy": f"{'5' * 16} logits 100000 {' '.join(map(str, logits))}\n",
                    "classify": f"{['cat', 'dog'][logits.argmax()]}\n"}[example]


@pytest.mark.skipif(shutil.which(COMPILER) is None, reason="no cross compiler")
def test_arduinos_flags_fuse_no_multiply_and_add(code, tmp_path):
    """GNU C fuses where the processor can, as a Cortex-M4 does: the library forbids it in its source."""
    write_arduino(code[0], tmp_path / "library", [])
    texts = {}
    for name, source in (("plain", code[0]), ("library", tmp_path / "library/src")):
        subprocess.run([COMPILER, "-std=gnu11", "-Os", "-mthumb", *core_named("cortex-m4").flags, "-S",
                        str(source / "network.c"), "-o", str(tmp_path / f"{name}.s")], check=True)
        texts[name] = (tmp_path / f"{name}.s").read_text()
    assert "vfma" in texts["plain"]
    assert "vfma" not in texts["library"]
