"""`resize.c` against `infer.py`, which makes images of files: the same bytes of the same frame."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from PIL import Image

from dcanas.basics.errors import UserError
from dcanas.export import infer
from dcanas.export.c99 import write_c99
from dcanas.export.c99.host import FLAGS, host_compiler, run_tool
from dcanas.export.c99.resize import add_resize
from tests.export.c99.qdq import Qdq

needs_compiler = pytest.mark.skipif(host_compiler() is None, reason="no C compiler")
MAIN = """#include "network.h"
#include "resize.h"
#include <stdio.h>

static uint8_t frame[NETWORK_FRAME_HEIGHT * NETWORK_FRAME_WIDTH * 3];
static uint8_t image[NETWORK_IMAGE_BYTES];

int main(void)
{
    const size_t pixels = NETWORK_FRAME_HEIGHT * NETWORK_FRAME_WIDTH;
    if (fread(frame, 3, pixels, stdin) == pixels) {
        network_resize_rgb888(frame, image);
        fwrite(image, 1, sizeof image, stdout);
    }
    if (fread(frame, 2, pixels, stdin) == pixels) {
        network_resize_rgb565(frame, image);
        fwrite(image, 1, sizeof image, stdout);
    }
    return 0;
}
"""


def program(preprocessing, folder):
    made = Qdq((preprocessing["channels"], *preprocessing["size"]))
    made.mean()
    onnx.save(made.model(2, {"preprocessing": json.dumps(preprocessing)}), str(folder / "made.onnx"))
    return write_c99(folder / "made.onnx", folder / "c").program


def photo(height, width):
    """A frame with edges, gradients and noise. Shape: uint8 (height, width, 3)."""
    rng = np.random.default_rng(height)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((width, height), Image.BICUBIC)
    return np.clip(np.asarray(coarse) + rng.normal(0, 8, (height, width, 1)), 0, 255).astype(np.uint8)


def two_bytes(frame):
    """Return a frame as bytes of RGB565, and what each pixel of it means in eight bits, stated by a quotient of 31, 63.
    """
    parts = [frame[..., i].astype(int) >> drop for i, drop in enumerate((3, 2, 3))]
    word = (parts[0] << 11 | parts[1] << 5 | parts[2]).astype(">u2")
    seen = [part * 255 / most for part, most in zip(parts, (31, 63, 31), strict=True)]
    return word.tobytes(), np.floor(np.stack(seen, axis=-1) + 0.5).astype(np.uint8)


@needs_compiler
@pytest.mark.parametrize(("size", "channels", "more", "frame"), [
    ([32, 32], 3, {}, (60, 80)),
    ([32, 40], 1, {}, (75, 61)),
    ([24, 24], 3, {"resize": 28, "resample": "bicubic"}, (45, 80)),
    pytest.param([48, 48], 3, {"resample": "lanczos"}, (30, 40), marks=pytest.mark.slow),
    pytest.param([30, 30], 3, {"resample": "nearest"}, (64, 48), marks=pytest.mark.slow),
    pytest.param([20, 30], 3, {}, (20, 30), marks=pytest.mark.slow),
    pytest.param([96, 96], 3, {}, (240, 320), marks=pytest.mark.slow),
])
def test_a_frame_becomes_the_image_of_a_file(size, channels, more, frame, tmp_path):
    preprocessing = {"size": size, "channels": channels, "resample": "bilinear", "scale": 1 / 255, **more}
    add_resize(tmp_path / "c", program(preprocessing, tmp_path), *frame)
    (tmp_path / "main.c").write_text(MAIN)
    run_tool([host_compiler(), *FLAGS, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I",
              str(tmp_path / "c"), *(str(tmp_path / name) for name in ("main.c", "c/resize.c")), "-o",
              str(tmp_path / "main")])
    seen, (words, meant) = photo(*frame), two_bytes(photo(*frame))
    found = np.frombuffer(run_tool([str(tmp_path / "main")], seen.tobytes() + words), np.uint8)
    found = found.reshape(2, *size, channels).transpose(0, 3, 1, 2).astype(int)
    assert (found[0] == infer.fit(Image.fromarray(seen), preprocessing)).all()
    assert (found[1] == infer.fit(Image.fromarray(meant), preprocessing)).all()
    # five bits of a byte are off by at most 7, and averaging makes it no more; on average 2.5
    off = np.abs(found[1] - found[0])
    assert off.max() <= (7 if more.get("resample", "bilinear") in ("bilinear", "nearest") else 12)
    assert off.mean() < 3


@pytest.mark.parametrize(("preprocessing", "frame", "words"), [
    ({"resample": "bilinear"}, (0, 40), r"A frame has 1 to 4096 pixels a side, got 40x0\."),
    ({"resample": "bilinear", "resize": 8}, (40, 40), "cannot become the network's image: resize must not be smaller"),
    ({"resample": "bilinear", "size": [9, 9]}, (40, 40), "does not say how its images were made"),
])
def test_frames_that_cannot_become_the_image(preprocessing, frame, words, tmp_path):
    made = program({"size": [12, 12], "channels": 3}, tmp_path)
    made.metadata["preprocessing"] = json.dumps({"size": [12, 12], "channels": 3, **preprocessing})
    with pytest.raises(UserError, match=words):
        add_resize(tmp_path / "c", made, *frame)
