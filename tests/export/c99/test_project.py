"""The files that are written: what they say, what they refuse, and where images lie in the arena."""

from __future__ import annotations

import json
import re
import subprocess

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcanas.basics.errors import UserError
from dcanas.export.c99 import write_c99
from dcanas.export.c99.arena import plan_arena
from dcanas.export.c99.graph import read_program
from dcanas.export.c99.host import host_answers, host_compiler
from dcanas.export.c99.order import order_steps
from dcanas.export.c99.project import add_selftest
from dcanas.export.c99.steps import Addition, Program, Rescale, Tensor
from tests.export.c99.qdq import Qdq

compiled = pytest.mark.skipif(host_compiler() is None, reason="no C compiler")
NAMES = ["cat", 'a "quoted" \\ name??/', "été"]


@pytest.fixture
def made(tmp_path):
    made = Qdq((1, 6, 5), seed=1)
    made.conv(4)
    made.mean()
    onnx.save(made.model(3, {"classes": json.dumps(NAMES)}), str(tmp_path / "made.onnx"))
    return tmp_path / "made.onnx"


def test_equal_files_give_equal_c_that_needs_two_headers_alone(made, tmp_path):
    first, second = (write_c99(made, tmp_path / name) for name in ("one", "two"))
    assert [f.read_bytes() for f in first.files] == [f.read_bytes() for f in second.files]
    text = "".join(f.read_text() for f in first.files)
    assert set(re.findall("#include <(.*)>", text)) == {"stdint.h", "string.h"}
    assert not re.search(r"\b(malloc|calloc|free|printf|double)\b", text)
    assert all(f.read_text().startswith("/* This code was generated from a trained network. It is yours") for f in
               first.files)
    assert "convolution 3 x 3, 6 x 5 x 1 to 6 x 5 x 4, 1080 MACs" in text  # 30 pixels x 9 x 4


@compiled
def test_labels_answers_and_selftest_from_a_callers_program(made, tmp_path):
    write_c99(made, tmp_path / "c")
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 6, 5), dtype=np.uint8)
    logits = host_answers(tmp_path / "c", images)
    add_selftest(tmp_path / "c", images, logits)
    (tmp_path / "main.cpp").write_text(
        '#include "network.h"\n#include <cstdio>\nextern "C" int network_selftest(void *arena);\n'
        "static uint32_t arena[NETWORK_ARENA_BYTES / 4];\n"
        "int main() {\n  for (int i = 0; i < NETWORK_CLASSES; i++) std::puts(network_labels[i]);\n"
        "  int8_t logits[NETWORK_CLASSES] = {3, 7, 7};\n"
        '  std::printf("%d %d\\n", network_answer(logits), network_selftest(arena));\n}\n')
    c = [host_compiler(), "-std=c99", "-c", "network.c", "weights.c", "selftest.c"]
    subprocess.run(c, cwd=tmp_path / "c", check=True)
    subprocess.run(["c++", "-I", "c", "main.cpp", "c/network.o", "c/weights.o", "c/selftest.o", "-o", "main"],
                   cwd=tmp_path, check=True)
    said = subprocess.run(["./main"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == [*NAMES, "1 0"]


@pytest.mark.parametrize(("change", "words"), [
    (lambda q: q.quantise(q.node("Sigmoid", [q.at]), q.shape, 1), "holds Sigmoid Sigmoid_3 between QuantizeLinear"),
    (lambda q: q.quantise(q.node("Relu", [q.node("AveragePool", [q.node("Relu", [q.at])], kernel_shape=(2, 2))]),
                          (1, 5, 4), 1), "holds Relu Relu_3 whose result goes to AveragePool without being quantised"),
    (lambda q: q.quantise(q.node("ReduceMean", [q.at, q.constant(np.array([1]))]), (1, 6, 5), 1),
     r"over the axes \[1\] instead of height and width"),
    (lambda q: q.quantise(q.node("Add", [q.at, q.constant(np.float32(1))]), q.shape, 1), "of two values of different"),
])
def test_what_it_does_not_know_is_refused_by_name(tmp_path, change, words):
    made = Qdq((1, 6, 5))
    change(made)
    onnx.save(made.model(), str(tmp_path / "made.onnx"))
    with pytest.raises(UserError, match=words):
        write_c99(tmp_path / "made.onnx", tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_other_bytes_than_int8_and_unreadable_files_are_refused(made, tmp_path):
    model = onnx.load(str(made))
    zero = next(t for t in model.graph.initializer if t.data_type == onnx.TensorProto.INT8 and not t.dims)
    before = zero.name
    zero.CopyFrom(onnx.numpy_helper.from_array(np.uint8(3), before))
    with pytest.raises(UserError, match="to uint8 instead of int8"):
        read_program(model)
    (tmp_path / "text.onnx").write_text("text")
    with pytest.raises(UserError, match=r"text\.onnx is not a readable ONNX file"):
        write_c99(tmp_path / "text.onnx", tmp_path / "c")
    with pytest.raises(UserError, match="arithmetic 'fixed'"):
        write_c99(made, tmp_path / "c", "fixed")


@st.composite
def programs(draw) -> Program:
    """Random graphs of sums and rescaled images of many sizes."""
    tensors = [Tensor("t0", (draw(st.integers(1, 50)), 1, 1), np.float32(1), 0)]
    steps = [Rescale(name="first", reads=(), makes=tensors[0])]
    for number in range(1, draw(st.integers(2, 12))):
        reads = tuple(draw(st.sampled_from(tensors)) for _ in range(draw(st.integers(1, 2))))
        made = Tensor(f"t{number}", (draw(st.sampled_from([reads[0].shape[0], 3, 17, 40])), 1, 1), np.float32(1), 0)
        kind = Addition if len(reads) == 2 else Rescale
        steps.append(kind(name=made.name, reads=reads, makes=made))
        tensors.append(made)
    return Program((1, 1, 1), tuple(steps), tensors[-1], {})


@settings(max_examples=30, deadline=None)
@given(programs())
def test_no_image_is_overwritten_before_its_last_use(program):
    """Played through on bytes that know their owner: every read finds what was written."""
    arena = plan_arena(program)
    memory: list[str] = [""] * arena.bytes
    for step in program.steps:
        for read in step.reads:
            at = arena.tensors[read]
            assert set(memory[at:at + read.bytes]) == {read.name}
        at = arena.tensors[step.makes]
        memory[at:at + step.makes.bytes] = [step.makes.name] * step.makes.bytes
    at = arena.tensors[program.logits]
    assert set(memory[at:at + program.logits.bytes]) == {program.logits.name}
    assert arena.lower_bound <= arena.bytes


@settings(max_examples=30, deadline=None)
@given(programs())
def test_another_order_keeps_what_depends_and_never_more_alive(program):
    ordered, made = order_steps(program), set()
    assert set(ordered.steps) == set(program.steps)
    for step in ordered.steps:
        assert made.issuperset(step.reads)
        made.add(step.makes)
    assert plan_arena(ordered).lower_bound <= plan_arena(program).lower_bound


def test_branches_go_one_after_the_other():
    """Three branches widen 4 bytes to 40 and narrow them again. All at once the start and three wide ones are alive; in
    turn the start, the result of the first, and the second's wide one and result."""
    def tensor(name, size):
        return Tensor(name, (size, 1, 1), np.float32(1), 0)

    start = tensor("start", 4)
    wide, narrow = ([tensor(f"{name}{i}", size) for i in range(3)] for name, size in (("w", 40), ("n", 4)))
    steps = [Rescale(name="first", reads=(), makes=start)]
    steps += [Rescale(name=t.name, reads=(start,), makes=t) for t in wide]
    steps += [Rescale(name=t.name, reads=(w,), makes=t) for w, t in zip(wide, narrow, strict=True)]
    ends = [tensor("sum", 4), tensor("all", 4)]
    steps += [Addition(name="sum", reads=(narrow[0], narrow[1]), makes=ends[0]),
              Addition(name="all", reads=(ends[0], narrow[2]), makes=ends[1])]
    program = Program((1, 1, 1), tuple(steps), ends[1], {})
    assert plan_arena(program).bytes == 4 + 3 * 40
    assert plan_arena(order_steps(program)).bytes == 4 + 4 + 40 + 4
