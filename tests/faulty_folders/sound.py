"""Sound folders that resemble those with a fault: none of them may be stopped."""

from __future__ import annotations

import numpy as np
from PIL import Image

from faulty_folders.base import CLASSES, Right, noise, put, sound, splits, two


@sound
def a_class_called_test(root):
    two(root, 10, ("cat", "test"))
    return Right(("cat", "test"), 16, 4)


@sound
def a_class_called_train(root):
    two(root, 10, ("bus", "car", "train"))
    return Right(("bus", "car", "train"), 24, 6)


@sound
def classes_valid_and_invalid(root):
    two(root, 10, ("invalid", "valid"))
    return Right(("invalid", "valid"), 16, 4)


@sound
def classes_that_begin_like_splits(root):
    two(root, 10, ("trainer", "train_station", "test_tube", "valley"))
    return Right(("test_tube", "train_station", "trainer", "valley"), 32, 8)


@sound
def classes_with_years(root):
    for name in CLASSES:
        for year in ("2021", "2022"):
            put(root / name / year, 5)
    return Right(CLASSES, 16, 4)


@sound
def classes_with_images_below(root):
    for name in CLASSES:
        put(root / name / "images", 10)
    return Right(CLASSES, 16, 4)


@sound
def classes_with_views(root):
    for name in CLASSES:
        for view in ("left", "right"):
            put(root / name / view, 5)
    return Right(CLASSES, 16, 4)


@sound
def classes_with_equal_folders_stated(root):
    for name in CLASSES:
        for person in ("anna", "bert"):
            put(root / name / person, 5)
    return Right(CLASSES, 16, 4, options={"layout": "classes"})


@sound
def digits_as_names(root):
    two(root, 6, [str(i) for i in range(10)])
    return Right(tuple("0123456789"), 50, 10)


@sound
def splits_called_train_val_test(root):
    splits(root, ("train", "val", "test"))
    return Right(CLASSES, 30, 10)


@sound
def images_of_a_burst(root):
    for number, name in enumerate(CLASSES):
        (root / name).mkdir()
        base = np.kron(noise(number, (8, 8, 3)), np.ones((6, 6, 1))).astype(int)
        for i in range(10):
            shaken = base + np.random.default_rng(i).integers(-6, 7, base.shape)
            Image.fromarray(shaken.clip(0, 255).astype(np.uint8)).save(root / name / f"{i}.jpg", quality=95)
    return Right(CLASSES, 16, 4, ("nearly identical", "data.group_by"))


@sound
def icons(root):
    for number, name in enumerate(CLASSES):
        (root / name).mkdir()
        for i in range(12):
            pixels = np.full((16, 16, 3), 255, np.uint8)
            pixels[2 + i % 4:10 + i % 3, 3 + number:9 + i // 3] = (10 * i, 20 * number, 90)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return Right(CLASSES, 20, 4, silent=("nearly identical",))


@sound
def scanned_digits(root):
    from sklearn.datasets import load_digits

    digits = load_digits()
    for label in range(4):
        (root / str(label)).mkdir()
        for i, image in enumerate(digits.images[digits.target == label][:30]):
            scan = Image.fromarray(np.uint8(image * 15.9)).resize((28, 28), Image.Resampling.BICUBIC)
            scan.save(root / str(label) / f"{i}.png")
    return Right(tuple("0123"), 96, 24, silent=("nearly identical",))


@sound
def spectrograms(root):
    for number, name in enumerate(("hum", "hiss")):
        (root / name).mkdir()
        for i in range(10):
            Image.fromarray(noise(50 * number + i, (24, 30 + 3 * i))).save(root / name / f"{i}.png")
    return Right(("hiss", "hum"), 16, 4)


@sound
def slices_of_sixteen_bits(root):
    for name in CLASSES:
        (root / name).mkdir()
        for i in range(10):
            values = np.random.default_rng(hash((name, i)) % 2**32).integers(0, 65_536, (12, 12)).astype(np.uint16)
            values[0, 0] = 65_535
            Image.fromarray(values).save(root / name / f"{i}.png")
    return Right(CLASSES, 16, 4, ("65,535 becomes white",))


@sound
def photographs_turned_by_metadata(root):
    exif = Image.Exif()
    exif[0x0112] = 6
    for number, name in enumerate(CLASSES):
        (root / name).mkdir()
        for i in range(10):
            Image.fromarray(noise(900 + 20 * number + i, (20, 30, 3))).save(root / name / f"{i}.jpg", exif=exif)
    return Right(CLASSES, 16, 4)


@sound
def links_to_a_store(root):
    store = root.parent / f"{root.name}-store"
    for name in CLASSES:
        put(store / name, 10)
        (root / name).symlink_to(store / name)
    return Right(CLASSES, 16, 4, silent=("links",))


@sound
def one_colour_each(root):
    for number, name in enumerate(CLASSES):
        (root / name).mkdir()
        for i in range(10):
            Image.new("RGB", (12, 12), (10 * i, 100 * number, 50)).save(root / name / f"{i}.png")
    return Right(CLASSES, 16, 4, silent=("nearly identical", "same pixels"))


@sound
def grey_and_alpha(root):
    for number, name in enumerate(CLASSES):
        (root / name).mkdir()
        for i in range(10):
            Image.fromarray(noise(300 + 20 * number + i, (12, 12, 4))).save(root / name / f"{i}.png")
    return Right(CLASSES, 16, 4)


@sound
def names_of_many_scripts(root):
    two(root, 10, ("猫", "собака", "naïve"))
    return Right(("naïve", "собака", "猫"), 24, 6)


@sound
def a_folder_of_a_folder(root):
    for name in CLASSES:
        put(root / name / "deeper" / "still", 10)
    return Right(CLASSES, 16, 4)
