"""Depth, mirror images, small and uneven folders, odd sizes and names."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from faulty_folders.base import CLASSES, Right, Said, faulty, noise, put, two


def deep(root: Path, most: int, kind: str = "png", least: int = 0, test_most: int | None = None) -> None:
    for part, largest in (("train", most), ("test", test_most or most)):
        for name in CLASSES:
            folder = root / part / name
            folder.mkdir(parents=True)
            for i in range(8):
                values = np.random.default_rng(hash((part, name, i)) % 2**32).integers(least, largest, (12, 12))
                values[0, 0] = largest
                Image.fromarray(values.astype(np.uint16)).save(folder / f"{i}.{kind}")


@faulty
def depth_of_twelve_bits(root):
    deep(root, 4000)
    return Right(CLASSES, 16, 16, ("4,095 becomes white (12 bits",))


@faulty
def depth_of_ten_bits_and_brighter_tests(root):
    deep(root, 1000, "tif", test_most=2000)
    return Right(CLASSES, 16, 16, ("1,023 becomes white", "of 16 test images are brighter than white"))


@faulty
def depth_of_heat(root):
    deep(root, 31_000, least=29_000)
    return Right(CLASSES, 16, 16, ("of 256 levels of brightness are left",))


@faulty
def depth_of_floats(root):
    two(root)
    Image.fromarray(np.random.default_rng(0).random((12, 12)).astype(np.float32)).save(root / "cat/f.tif")
    return Said(("floating point", "data.max_value"))


@faulty
def depth_of_floats_stated(root):
    for name in CLASSES:
        (root / name).mkdir()
        for i in range(10):
            values = np.random.default_rng(hash((name, i)) % 2**32).random((12, 12)).astype(np.float32)
            Image.fromarray(values).save(root / name / f"{i}.tif")
    return Right(CLASSES, 16, 4, ("1 becomes white (data.max_value",), {"max_value": 1.0})


@faulty
def depth_of_test_alone(root):
    two(root / "train")
    deep(root / "deep", 4000)
    (root / "deep/test").rename(root / "test")
    shutil.rmtree(root / "deep")
    return Right(CLASSES, 20, 16, ("no training image has", "of 256 levels"))


@faulty
def depth_of_zero_and_one(root):
    for number, name in enumerate(CLASSES):
        (root / name).mkdir()
        for i in range(10):
            Image.fromarray(noise(400 + 20 * number + i, (12, 12)) // 128).save(root / name / f"{i}.png")
    return Right(CLASSES, 16, 4, ("the brightest value of all images is 1 of 255",))


def chevrons(root: Path, count: int, size: int = 24, seed: int = 0, names: Sequence[str] = ("left", "right")) -> None:
    rng = np.random.default_rng(seed)
    for side, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for i in range(count):
            pixels = rng.normal(60, 12, (size, size))
            x, y, length = rng.integers(8, 13), rng.integers(9, 15), rng.integers(4, 7)
            for step in range(length):
                for row in (y - step, y + step):
                    pixels[row, x + step - length // 2:x + step - length // 2 + 2] = 200
            pixels = pixels[:, ::-1] if side else pixels
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / name / f"{i}.png")


@faulty
def mirror_chevrons(root):
    chevrons(root, 60)
    return Right(("left", "right"), 96, 24, ("Images are not mirrored", "left and right"), flip=False)


@faulty
def mirror_halves(root):
    rng = np.random.default_rng(1)
    for side, name in enumerate(("l", "r")):
        (root / name).mkdir()
        for i in range(40):
            pixels = rng.integers(0, 90, (16, 20, 3))
            pixels[:, 10 * side:10 * side + 10] += 60
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{i}.png")
    return Right(("l", "r"), 64, 16, ("Images are not mirrored",), flip=False)


@faulty
def mirror_of_too_few(root):
    chevrons(root, 10)
    return Right(("left", "right"), 16, 4, ("fewer than 20 images a class",), flip=True)

@faulty
def small_class_of_one(root):
    two(root)
    put(root / "emu", 1)
    return Said(("'emu' has 1 image", "at least 4"))


@faulty
def small_only_one_class(root):
    put(root / "cat", 20)
    return Said(("only the class cat",))


@faulty
def small_class_of_none(root):
    two(root)
    (root / "emu").mkdir()
    (root / "emu/notes.txt").write_text("soon")
    return Said(("'emu' has no images", ".txt 1"))


@faulty
def uneven_classes(root):
    put(root / "cat", 90)
    put(root / "dog", 10)
    return Right(CLASSES, 80, 20, ("90.0 % of the images are cat",))


@faulty
def long_pictures(root):
    two(root)
    Image.fromarray(noise(5, (8, 1000, 3))).save(root / "cat/long.png")
    return Right(CLASSES, 0, 0, ("long.png", "of the picture is seen"))


@faulty
def long_and_high_pictures(root):
    for name in CLASSES:
        (root / name).mkdir()
        for i in range(10):
            Image.fromarray(noise(100 * len(name) + i + ord(name[0]), (10, 300 + i, 3))).save(root / name / f"{i}.png")
    return Right(CLASSES, 16, 4, ("Of 20 images less than half is seen",))


@faulty
def names_in_two_forms(root):
    two(root, 10, ("caf\u00e9", "cafe\u0301"))
    return Said(("Unicode", "caf"))


@faulty
def names_in_another_form_in_test(root):
    two(root / "train", 10, ("caf\u00e9", "bar"))
    two(root / "test", 5, ("cafe\u0301", "bar"))
    return Right(("bar", "caf\u00e9"), 20, 10, ("another form of Unicode",))


@faulty
def names_that_differ_by_case(root):
    two(root, 10, ("Dog", "dog"))
    return Right(("Dog", "dog"), 16, 4, ("differ only by case",))


@faulty
def names_of_several_lines(root):
    two(root, 10, ("cat", "do\ng"))
    return Said(("several lines",))


@faulty
def names_that_differ_by_what_is_not_seen(root):
    two(root, 10, ("cat", "cat\u200b", "dog"))
    return Right(("cat", "cat\u200b", "dog"), 24, 6, ("not seen", "u200b"))


@faulty
def names_in_wide_letters(root):
    two(root, 10, ("cat", "\uff43\uff41\uff54"))
    return Right(("cat", "\uff43\uff41\uff54"), 16, 4, ("look alike",))


@faulty
def names_with_control_characters(root):
    two(root, 10, ("cat", "do\x1b[31mg"))
    return Said(("control characters",))
