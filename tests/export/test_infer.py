"""infer.py as it is delivered: alone in a folder, and image files of every common kind."""

from __future__ import annotations

import ast
import json
import os
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, PngImagePlugin

from dcanas.export import infer

GREY = {"size": [8, 8], "channels": 1, "resample": "bilinear"}
COLOUR = {"size": [8, 8], "channels": 3, "resample": "bilinear"}
PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8) * 3


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle whose model answers ten times the mean of each channel: the reddest image is `red`."""
    graph = helper.make_graph(
        [helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
         helper.make_node("Flatten", ["pooled"], ["flat"]),
         helper.make_node("Mul", ["flat", "ten"], ["logits"])],
        "mean", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(np.float32(10), "ten")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    folder = tmp_path / "bundle"
    folder.mkdir()
    onnx.save(model, str(folder / "model.onnx"))
    (folder / "labels.txt").write_text("red\ngreen\nblue\n")
    (folder / "preprocessing.json").write_text(json.dumps(COLOUR))
    images = np.zeros((4, 3, 8, 8), np.uint8)
    for i, channel in enumerate((0, 1, 2, 2)):
        images[i, channel] = 200
    np.savez(folder / "test.npz", images=images, labels=np.array([0, 1, 2, 0]))
    shutil.copy(infer.__file__, folder / "infer.py")
    return folder


def run(folder: Path, *arguments: str, absent: tuple[str, ...] = ("torch", "dcanas", "torchvision")):
    """Run the delivered script where the named packages do not exist."""
    code = (f"import sys, runpy; sys.modules.update(dict.fromkeys({absent!r})); "
            f"sys.argv = ['infer.py', *{list(arguments)!r}]; runpy.run_path({str(folder / 'infer.py')!r}, "
            "run_name='__main__')")
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder.parent)


def test_it_is_python_3_8_and_needs_numpy_alone_at_the_top():
    source = Path(infer.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 8))
    body = [inner for node in tree.body for inner in (node.body if isinstance(node, ast.Try) else [node])]
    top = {name.name for node in body if isinstance(node, ast.Import) for name in node.names}
    top |= {node.module for node in body if isinstance(node, ast.ImportFrom)}
    assert top - set(sys.stdlib_module_names) == {"numpy"}


def test_without_arguments_it_measures_the_test_set_without_pillow(bundle):
    done = run(bundle, absent=("torch", "dcanas", "torchvision", "PIL"))
    assert (done.stdout, done.stderr, done.returncode) == ("accuracy: 0.7500 (3 of 4)\n", "", 0)
    assert json.loads(run(bundle, "--json").stdout) == {"accuracy": 0.75, "correct": 3, "n": 4}


def test_files_get_label_and_probability(bundle, tmp_path):
    Image.new("RGB", (20, 20), (0, 255, 0)).save(tmp_path / "grass.png")
    Image.new("RGB", (8, 8), (0, 0, 255)).save(tmp_path / "sky.bmp")
    done = run(bundle, "grass.png", "sky.bmp")
    chance = np.exp(10) / (np.exp(10) + 2)  # softmax of (0, 10, 0)
    assert done.stdout == f"grass.png: green ({chance:.4f})\nsky.bmp: blue ({chance:.4f})\n"
    rows = json.loads(run(bundle, "--json", "sky.bmp").stdout)
    assert rows[0]["label"] == "blue"
    assert rows[0]["probability"] == pytest.approx(chance, abs=1e-6)


@pytest.mark.parametrize(("prepare", "arguments", "said"), [
    (lambda f: None, ["gone.png"], "There is no image gone.png."),
    (lambda f: (f.parent / "a.png").write_text("text"), ["a.png"], "a.png is not a readable image"),
    (lambda f: (f / "model.onnx").write_bytes(b"junk"), [], "model.onnx cannot be loaded by onnxruntime"),
    (lambda f: (f / "model.onnx").unlink(), [], "model.onnx is missing beside infer.py"),
    (lambda f: (f / "test.npz").unlink(), [], "test.npz is missing beside infer.py"),
])
def test_a_bad_file_is_one_sentence_and_exit_code_2(bundle, prepare, arguments, said):
    prepare(bundle)
    done = run(bundle, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(("absent", "arguments", "said"), [
    ("numpy", [], "infer.py needs numpy"), ("onnxruntime", [], "pip install onnxruntime"),
    ("onnxruntime", ["a.png"], "pip install onnxruntime"), ("PIL", ["a.png"], "pip install pillow")])
def test_a_missing_package_is_one_sentence(bundle, absent, arguments, said):
    Image.new("RGB", (8, 8)).save(bundle.parent / "a.png")
    done = run(bundle, *arguments, absent=(absent,))
    assert said in done.stderr
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")


def test_a_folder_with_odd_names_and_a_bad_file_on_a_terminal_that_knows_ascii(bundle):
    """Of the four images three are classified; the fourth, and what is no image, is told or passed over."""
    folder = bundle.parent / "photos"
    folder.mkdir()
    for name in (b"plain.png", "\u732b.png".encode(), b"bad\xff.png", b"no-suffix", b"two\nlines.png"):
        Image.new("RGB", (8, 8), (255, 0, 0)).save(os.fsdecode(os.fsencode(folder) + b"/" + name), "PNG")
    (folder / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (folder / "notes").write_text("none of them")
    environment = {"PYTHONIOENCODING": "ascii", "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, bundle / "infer.py", folder], capture_output=True, env=environment)
    lines = done.stdout.decode("ascii").splitlines()
    assert [line.split("photos/")[1].split(": red")[0] for line in lines] == [
        "bad\\xff.png", "no-suffix", "plain.png", "two\\nlines.png", "\\u732b.png"]
    assert done.returncode == 2
    assert done.stderr.decode("ascii").startswith(f"{folder}/cut.jpg is not a readable image")
    assert done.stderr.count(b"\n") == 1
    assert len(json.loads(subprocess.run([sys.executable, bundle / "infer.py", "--json", folder], capture_output=True,
                                         env=environment).stdout)) == 5


def test_metadata_never_refuse_sound_pixels(tmp_path):
    """Text that unpacks to 3 MB is refused by Pillow, and a resolution of one byte; both stand in sound pictures."""
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * (3 << 20), zip=True)
    turned = Image.Exif()
    turned[0x0112] = 3  # by 180 degrees
    path = saved(tmp_path, Image.fromarray(PIXELS), pnginfo=text, exif=turned)
    assert (infer.load_image(path, GREY)[0] == np.rot90(PIXELS, 2)).all()
    whole = saved(tmp_path, Image.fromarray(PIXELS), "b.png").read_bytes()
    chunk = b"pHYs" + b"x"
    (tmp_path / "b.png").write_bytes(whole[:33] + struct.pack(">I", 1) + chunk + struct.pack(">I", zlib.crc32(chunk))
                                     + whole[33:])
    assert (infer.load_image(tmp_path / "b.png", GREY)[0] == PIXELS).all()


def test_heic_is_known_by_how_it_begins(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "phone.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    with pytest.raises(infer.InputError, match=r"phone\.jpg is of HEIC.*pip install pillow-heif"):
        infer.load_image(tmp_path / "phone.jpg", COLOUR)


def test_a_truncated_image_is_named(tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "cut.jpg")
    whole = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[:len(whole) // 2])
    with pytest.raises(infer.InputError, match=r"cut\.jpg is not a readable image \(.*truncated.*\)\."):
        infer.load_image(tmp_path / "cut.jpg", COLOUR)


def saved(tmp_path: Path, image: Image.Image, name: str = "a.png", **options) -> Path:
    image.save(tmp_path / name, **options)
    return tmp_path / name


def test_grey_and_colour_and_palette(tmp_path):
    grey = Image.fromarray(PIXELS)
    assert (infer.load_image(saved(tmp_path, grey), GREY) == PIXELS[None]).all()
    assert (infer.load_image(saved(tmp_path, grey), COLOUR) == np.stack([PIXELS] * 3)).all()
    colours = np.zeros((8, 8, 3), np.uint8)
    colours[:4, :, 0], colours[4:, :, 2] = 255, 255
    palette = Image.fromarray(colours).quantize(4)
    assert palette.mode == "P"
    assert (infer.load_image(saved(tmp_path, palette), COLOUR) == colours.transpose(2, 0, 1)).all()
    # ITU-R 601 luma of pure red and blue: 0.299 * 255 = 76.2 and 0.114 * 255 = 29.1
    red, blue = infer.load_image(saved(tmp_path, palette), GREY)[0, [0, 7], 0]
    assert (red, blue) == (76, 29)
    bits = Image.fromarray(PIXELS > 90)
    assert bits.mode == "1"
    assert (infer.load_image(saved(tmp_path, bits), GREY)[0] == np.where(PIXELS > 90, 255, 0)).all()


def test_transparent_pixels_are_white(tmp_path):
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[..., 3] = np.repeat([0, 255, 51, 0], 2)[:, None]  # black at opacity 0, 1, 0.2, 0
    expected = np.repeat([255, 0, 204, 255], 2)[:, None] * np.ones((8, 8))
    image = infer.load_image(saved(tmp_path, Image.fromarray(rgba)), COLOUR)
    assert (image == expected).all()
    assert (infer.load_image(saved(tmp_path, Image.fromarray(rgba).convert("LA")), GREY)[0] == expected).all()
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.paste(1, (0, 0, 8, 4))
    image = infer.load_image(saved(tmp_path, palette, transparency=0), COLOUR)
    assert image[:, 0, 0].tolist() == [40, 50, 60]
    assert image[:, 7, 0].tolist() == [255, 255, 255]


def test_sixteen_bits_become_eight(tmp_path):
    values = np.linspace(0, 65535, 64).round().astype(np.uint16).reshape(8, 8)
    image = infer.load_image(saved(tmp_path, Image.fromarray(values)), GREY)[0]
    assert np.abs(image - values / 257).max() <= 0.5
    assert (image.min(), image.max()) == (0, 255)


def test_floating_point_pixels_are_refused_by_name(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.ones((8, 8), np.float32)), "a.tif")
    with pytest.raises(infer.InputError, match=r"a\.tif cannot be used: its pixels are floating point"):
        infer.load_image(path, GREY)


def test_cmyk_jpeg(tmp_path):
    red_ink = (0, 255, 255, 0)  # magenta and yellow
    path = saved(tmp_path, Image.new("CMYK", (8, 8), red_ink), "a.jpg", quality=95)
    red, green, blue = infer.load_image(path, COLOUR)[:, 4, 4].tolist()
    assert red > 240
    assert max(green, blue) < 15


@pytest.mark.parametrize(("orientation", "undo"), [
    (1, lambda a: a), (2, np.fliplr), (3, lambda a: np.rot90(a, 2)), (4, np.flipud),
    (5, np.transpose), (6, lambda a: np.rot90(a, -1)), (7, lambda a: np.rot90(a, 2).T), (8, np.rot90)])
def test_exif_orientation_is_applied(tmp_path, orientation, undo):
    """The eight orientations of EXIF 2.3; 6: the stored image must be turned clockwise to be upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, Image.fromarray(PIXELS), exif=exif)
    assert (infer.load_image(path, GREY)[0] == undo(PIXELS)).all()


def test_the_centre_is_kept_and_shrinking_averages(tmp_path):
    wide = np.zeros((16, 48), np.uint8)
    wide[:, 16:32] = np.tile([[0, 100], [200, 100]], (8, 8))  # 2x2 blocks of mean 100 in the middle third
    image = infer.load_image(saved(tmp_path, Image.fromarray(wide)), GREY)[0]
    assert image.shape == (8, 8)
    assert np.abs(image[:, 1:7].astype(int) - 100).max() <= 13  # a triangle over 4 pixels, not a single one
    oblong = infer.load_image(saved(tmp_path, Image.fromarray(wide)), {**GREY, "size": [8, 24]})[0]
    assert oblong.shape == (8, 24)
    assert (oblong[:, :7] == 0).all()


def test_the_input_is_the_float_that_training_sees():
    import torch

    values = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    there = (torch.from_numpy(values).float() / 255).numpy()
    here = infer.to_input(values)
    assert here.dtype == np.float32
    assert (here == there).all()
