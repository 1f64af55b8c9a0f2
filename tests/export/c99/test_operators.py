"""Every operator against the ONNX standard's own interpreter: to the byte, over shapes, strides, groups, dilations."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st

from dcanas.export.c99 import write_c99
from dcanas.export.c99.graph import OPERATORS
from dcanas.export.c99.host import host_answers, host_compiler
from tests.export.c99.qdq import Qdq
from tests.export.c99.reference import reference_bytes

pytestmark = pytest.mark.skipif(host_compiler() is None, reason="no C compiler")
CHECKED = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
KINDS = ("conv", "pointwise", "depthwise", "grouped", "relu", "clip", "add", "concat", "average", "maximum", "pad",
         "slice", "shuffle", "norm")


def compare(made: Qdq, folder, images: int = 3, arithmetic: str = "float",
            flags=CHECKED) -> np.ndarray:
    """Return by how many steps each logit of the C code differs from the interpreter's."""
    path = folder / "made.onnx"
    onnx.save(made.model(), str(path))
    pictures = np.random.default_rng(7).integers(0, 256, (images, *made.image), dtype=np.uint8)
    write_c99(path, folder / "c", arithmetic)
    return host_answers(folder / "c", pictures, flags).astype(int) - reference_bytes(path, pictures)


def draw_layer(draw, made: Qdq, kind: str) -> None:
    """Add one layer of this kind, with drawn numbers."""
    channels, height, width = made.shape
    small = min(height, width)
    if kind in ("conv", "depthwise", "grouped"):
        size = draw(st.tuples(st.integers(1, min(5, height)), st.integers(1, min(5, width))))
        dilation = tuple(draw(st.integers(1, 2)) if s > 1 and 2 * (s - 1) < small else 1 for s in size)
        pads = draw(st.tuples(*(st.integers(0, 2) for _ in range(4))))
        groups = {"conv": 1, "depthwise": channels,
                  "grouped": draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))}[kind]
        out = channels if kind == "depthwise" else groups * draw(st.integers(1, 4))
        made.conv(out, size, draw(st.tuples(st.integers(1, 3), st.integers(1, 3))), dilation, pads, groups)
    elif kind == "pointwise":
        made.conv(draw(st.integers(1, 9)), (1, 1), draw(st.sampled_from([(1, 1), (2, 2), (2, 1)])), pads=(0, 0, 0, 0))
    elif kind == "clip":
        made.clip(draw(st.floats(-1, 0)), draw(st.floats(0.1, 6)))
    elif kind in ("add", "concat"):
        before = made.at
        made.conv(channels if kind == "add" else draw(st.integers(1, 5)), (1, 1), pads=(0, 0, 0, 0))
        getattr(made, kind)(before)
    elif kind in ("average", "maximum"):
        size = draw(st.tuples(st.integers(1, min(3, height)), st.integers(1, min(3, width))))
        stride = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
        pads = tuple(draw(st.integers(0, s - 1)) for s in (*size, *size))
        made.pool("AveragePool" if kind == "average" else "MaxPool", size, stride, pads, same=draw(st.booleans()))
    elif kind == "pad":
        made.pad(*(draw(st.integers(-1 if small > 2 else 0, 2)) for _ in range(4)),
                 *(draw(st.integers(0, 2)) for _ in range(2)))
    elif kind == "slice":
        axis = draw(st.integers(2, 3))
        made.slice(axis, draw(st.integers(0, made.shape[axis - 1] - 1)), draw(st.integers(1, 3)))
    elif kind == "shuffle":
        made.shuffle(draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0])))
    else:
        getattr(made, kind)()


@st.composite
def networks(draw, kinds=KINDS, least: int = 4, most: int = 7) -> Qdq:
    made = Qdq((draw(st.integers(1, 4)), draw(st.integers(4, 11)), draw(st.integers(4, 11))), draw(st.integers(0, 999)))
    made.conv(draw(st.integers(1, 9)))
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=least, max_size=most)):
        draw_layer(draw, made, kind)
    if draw(st.booleans()):
        made.mean()
    return made


def differences(made, folder):
    """Return the differences, for networks that the interpreter can compute: some windows it takes to be empty."""
    try:
        return compare(made, folder)
    except ValueError as error:
        if "zero-size array" not in str(error):
            raise
        reject()


LATE = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Return a function that gives a new folder."""
    return lambda: tmp_path_factory.mktemp("c")


@settings(max_examples=1, derandomize=True, phases=[Phase.generate], **LATE)
@given(made=networks())
def test_any_few_layers_give_the_interpreters_bytes(made, fresh):
    assert not differences(made, fresh()).any()


@pytest.mark.slow
@settings(max_examples=20, derandomize=True, phases=[Phase.generate], **LATE)
@given(made=networks())
def test_many_networks_give_the_interpreters_bytes(made, fresh):
    assert not differences(made, fresh()).any()


@pytest.mark.thorough
@pytest.mark.slow
@settings(max_examples=300, **LATE)
@given(made=networks())
def test_hundreds_of_networks_give_the_interpreters_bytes(made, fresh):
    assert not differences(made, fresh()).any()


@pytest.fixture(scope="module")
def everything() -> Qdq:
    """One network with every operator."""
    made = Qdq((3, 12, 11), seed=3)
    made.conv(7)  # an odd number of filters, and of pixels
    before = made.at
    made.conv(7, (1, 1), pads=(0, 0, 0, 0))
    made.add(before)
    made.conv(8, (3, 2), (1, 1), (2, 1), (2, 0, 1, 1))
    made.relu()
    made.conv(8, (5, 5), (1, 1), (1, 1), (2, 2, 2, 2), groups=8)
    made.shuffle(2)
    made.conv(6, (3, 3), (2, 2), groups=2)
    before = made.at
    made.clip(-0.5, 3)
    made.concat(before)
    made.pool("AveragePool", (3, 3), (1, 1), (1, 1, 1, 1))
    made.norm()
    made.pad(-1, 1, 2, -1, 1, 2)
    made.slice(3, 1, 2)
    made.pool("MaxPool", (3, 3), (2, 2), (1, 1, 1, 1))
    made.pool("AveragePool", (2, 2), (2, 2), (0, 0, 0, 0), ceil=True)
    made.mean()
    return made


def test_every_operator_gives_the_interpreters_bytes(everything, fresh):
    kinds = {node.op_type for node in everything.nodes}
    assert kinds >= set(OPERATORS) - {"Gemm", "GlobalAveragePool"}
    assert not compare(everything, fresh()).any()


def test_integers_alone_are_at_most_a_step_away(everything, fresh):
    assert np.abs(compare(everything, fresh(), arithmetic="integer")).max() <= 1


@pytest.mark.parametrize("same", [True, False])
def test_averages_of_integers_alone_decide_ties_as_floats_do(same, fresh):
    """At borders 6 or 4 pixels are averaged, and the mean is of 391: with one scale ties are frequent, and the rounding
    errors of the interpreter's sums decide them."""
    made = Qdq((4, 23, 17), seed=1)
    for _ in range(3):
        made.pool("AveragePool", (3, 3), (1, 1), (1, 1, 1, 1), same=same)
    made.mean()
    assert not compare(made, fresh(), images=12, arithmetic="integer").any()


def test_a_mean_of_many_pixels_is_summed_as_numpy_sums(fresh):
    """More than 128 values are summed in halves: 23 x 17 = 391 in 192 + 199, those in 96 + 96 and 96 + 103."""
    made = Qdq((5, 23, 17))
    made.mean()
    assert not compare(made, fresh(), images=8, flags=("-O0",)).any()


def test_values_far_beyond_the_bytes_saturate(fresh):
    """Of a layer whose outputs were next to zero in calibration: values of millions of steps are clipped."""
    made = Qdq((3, 6, 6))
    made.conv(4)
    scale = next(t for t in made.constants if t.name == made.numbers[0])
    scale.CopyFrom(onnx.numpy_helper.from_array(np.float32(1e-7), scale.name))
    for arithmetic in ("float", "integer"):
        assert not compare(made, fresh(), arithmetic=arithmetic, flags=("-O0",)).any()
