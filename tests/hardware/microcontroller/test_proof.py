"""Generated code on emulated cores: equal bytes, and sizes that a linker enforces to the byte."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from dcanas.basics.errors import UserError
from dcanas.export.c99 import write_c99
from dcanas.hardware.microcontroller.cores import CORES, core_named
from dcanas.hardware.microcontroller.image import Region
from dcanas.hardware.microcontroller.proof import Board, missing_tools, prove
from dcanas.hardware.microcontroller.stack import deepest_chain
from tests.export.c99.qdq import Qdq

tools = pytest.mark.skipif(bool(missing_tools()) or shutil.which("cc") is None,
                           reason=f"missing: {', '.join(missing_tools()) or 'cc'}")
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 3, 9, 8), dtype=np.uint8)


def board(core: str, flash: int = 1 << 16, ram: int = 1 << 14) -> Board:
    return Board(core_named(core), Region(0x08000000, flash), Region(0x24000000, ram))


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """A network of every kernel."""
    made = Qdq((3, 9, 8), seed=2)
    made.conv(8)
    made.conv(8, groups=8)
    made.shuffle(2)
    before = made.at
    made.conv(8, (1, 1), pads=(0, 0, 0, 0))
    made.add(before)
    made.relu()
    made.concat(before)
    made.pool("AveragePool", (3, 3), (1, 1), (1, 1, 1, 1))
    made.norm()
    made.pad(1, 0, -1, 0)
    made.pool("MaxPool", (3, 3), (2, 2), (1, 1, 1, 1))
    made.mean()
    path = tmp_path_factory.mktemp("file") / "made.onnx"
    onnx.save(made.model(), str(path))
    return path


def proof(file: Path, folder: Path, board: Board) -> dict:
    write_c99(file, folder / "c", board.core.arithmetic)
    return prove(folder / "c", board, IMAGES, folder / "build")


@tools
@pytest.mark.parametrize("core", ["cortex-m4", pytest.param("cortex-m0", marks=pytest.mark.slow),
                                  *(pytest.param(name, marks=pytest.mark.slow) for name, core in CORES.items()
                                    if core.machine and name not in ("cortex-m0", "cortex-m4"))])
def test_every_core_gives_the_bytes_of_this_machine(file, tmp_path, core):
    found = proof(file, tmp_path, board(core))
    assert found["different_answers"] == 0
    assert found["sections"][".text"] + found["sections"][".data"] == found["flash_bytes"]
    assert found["stack_bytes"] >= found["stack_painted_bytes"] > 100
    # image 3 x 9 x 8 and logits 5, each rounded up by at most 8 bytes; the arena is the network's own
    assert 3 * 9 * 8 + 5 <= found["of_these_harness"]["ram_bytes"] <= 3 * 9 * 8 + 5 + 16
    assert found["instructions"] > 0
    assert set(found["sha256"]) == {"network.elf"}  # the C files lie beside it: the run names theirs


@tools
def test_one_byte_too_few_fails_and_names_the_region(file, tmp_path):
    found = proof(file, tmp_path, board("cortex-m4"))
    fits = board("cortex-m4", -(-found["flash_bytes"] // 4) * 4, found["ram_bytes"])
    assert prove(tmp_path / "c", fits, IMAGES, tmp_path / "again")["ram_bytes"] == fits.ram.bytes
    for region, less, words in (("flash", 4, r"flash_bytes is [\d,]+ bytes, 4 too few"),
                                ("ram", 8, r"of ram_bytes, [\d,]+ bytes, variables leave less than")):
        tight = replace(getattr(fits, region), bytes=getattr(fits, region).bytes - less)
        with pytest.raises(UserError, match=words):
            prove(tmp_path / "c", replace(fits, **{region: tight}), IMAGES, tmp_path / "tight")
    small = replace(fits, ram=replace(fits.ram, bytes=fits.ram.bytes // 16 * 8))
    with pytest.raises(UserError, match=r"if the device has more, type budget\.ram_bytes=") as caught:
        prove(tmp_path / "c", small, IMAGES, tmp_path / "tight")
    stated = int(re.search(r"budget\.ram_bytes=(\d+)", str(caught.value))[1])
    assert fits.ram.bytes - 256 < stated <= fits.ram.bytes + 8  # functions of libraries, whose frames no one states


def test_the_deepest_chain_of_calls(tmp_path):
    """reset 8 > main 24 > (network_run 16 > convolve 96 > memcpy, unknown) or (say 40): 8 + 24 + 16 + 96."""
    nodes = {"reset": "8 bytes (static)", "main": "24 bytes (static)", "network_run": "16 bytes (static)",
             "network.c:convolve": "96 bytes (static)", "say": "40 bytes (static)"}
    edges = [("reset", "main"), ("main", "network_run"), ("network_run", "network.c:convolve"),
             ("network.c:convolve", "memcpy"), ("main", "say")]
    (tmp_path / "a.ci").write_text("".join(
        f'node: {{ title: "{name}" label: "{name}\\n/x.c:1:1\\n{size}" }}\n' for name, size in nodes.items()))
    (tmp_path / "b.ci").write_text('node: { title: "memcpy" label: "memcpy\\n<built-in>" shape : ellipse }\n' + "".join(
        f'edge: {{ sourcename: "{source}" targetname: "{target}" }}\n' for source, target in edges))
    assert deepest_chain(tmp_path.glob("*.ci")) == 144
