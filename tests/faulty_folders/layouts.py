"""Layouts, folds, and labels in a file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from faulty_folders.base import CLASSES, Right, Said, faulty, put, splits, two


@faulty
def layout_training_set(root):
    splits(root, ("training_set", "test_set"))
    return Right(CLASSES, 20, 10)


@faulty
def layout_seg_train(root):
    for name, count in (("seg_train", 10), ("seg_test", 5)):
        two(root / name / name, count)
    return Right(CLASSES, 20, 10)


@faulty
def layout_trainset_dev_eval(root):
    splits(root, ("TrainSet", "dev", "Eval"))
    return Right(CLASSES, 30, 10)


@faulty
def layout_repeated_root(root):
    splits(root / root.name, ("train", "val", "test"))
    return Right(CLASSES, 30, 10)


@faulty
def layout_train_without_classes(root):
    put(root / "train")
    put(root / "test")
    return Said(("test/", "train/", "class folders", "data.layout=classes"))


@faulty
def layout_learn_and_exam(root):
    splits(root, ("learn", "exam"))
    return Said(("learn/", "same names", "data.layout=classes", "data.test_folder"))


@faulty
def layout_learn_and_exam_named(root):
    splits(root, ("learn", "exam"))
    return Right(CLASSES, 20, 10, options={"test_folder": "exam"})


@faulty
def layout_classes_beside_test(root):
    two(root)
    two(root / "test", 4)
    return Said(("test/", "same names"))


@faulty
def layout_splits_in_classes(root):
    for name in CLASSES:
        put(root / name / "train", 10)
        put(root / name / "test", 4)
    return Right(CLASSES, 20, 8)


@faulty
def layout_flat_test(root):
    two(root / "train")
    put(root / "test")
    return Said(("test holds 10 images and no class folders",))


@faulty
def layout_splits_and_letters(root):
    for name in ("trainA", "trainB", "testA", "testB"):
        put(root / name)
    return Said(("trainA/", "named as splits", "data.layout=classes"))


@faulty
def layout_splits_and_classes_in_one_name(root):
    for name in ("CatTrain", "CatTest", "DogTrain", "DogTest"):
        put(root / name)
    return Said(("CatTest/", "named as splits"))


@faulty
def layout_archive_of_test(root):
    two(root / "train")
    (root / "test.zip").write_bytes(b"PK\3\4")
    return Right(CLASSES, 16, 4, ("test.zip is an archive and is not read",))


@faulty
def layout_archive(root):
    (root / "photos.zip").write_bytes(b"PK\3\4")
    return Said(("unzip",), {"root": "photos.zip"})


@faulty
def layout_folder_of_an_archive(root):
    (root / "photos.tar.gz").write_bytes(b"x")
    return Said(("tar -xf", "photos.tar.gz"))


@faulty
def folds_unnamed(root):
    splits(root, [f"fold{i}" for i in range(5)], [4] * 5)
    return Said(("fold0/", "data.test_folder=fold4"))


@faulty
def folds_named(root):
    splits(root, [f"fold{i}" for i in range(5)], [4] * 5)
    return Right(CLASSES, 32, 8, options={"test_folder": "fold2"})


@faulty
def folds_misnamed(root):
    splits(root, [f"fold_{i}" for i in range(3)], [4] * 3)
    return Said(("fold_7", "fold_"), {"test_folder": "fold_7"})


@faulty
def folds_without_classes(root):
    for number in range(4):
        put(root / f"batch_{number}")
    return Said(("batch_0/", "parts of the data", "data.labels"))


def labelled(root: Path, head: Sequence[str] = ("filename", "label"), delimiter: str = ",",
             suffix: bool = True) -> None:
    paths = put(root / "images", 20)
    rows = [(path.name if suffix else path.stem, CLASSES[i % 2]) for i, path in enumerate(paths)]
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([head, *rows])


@faulty
def labels_by_name(root):
    labelled(root)
    return Right(CLASSES, 16, 4, options={"labels": "labels.csv"})


@faulty
def labels_without_suffix(root):
    labelled(root, ("id", "breed"), ";", suffix=False)
    return Right(CLASSES, 16, 4, options={"labels": "labels.csv"})


@faulty
def labels_of_unclear_columns(root):
    labelled(root, ("a", "b"))
    return Said(("a, b", "data.labels_columns"), {"labels": "labels.csv"})


@faulty
def labels_of_named_columns(root):
    labelled(root, ("a", "b"))
    return Right(CLASSES, 16, 4, options={"labels": "labels.csv", "labels_columns": ("a", "b")})


@faulty
def labels_of_missing_files(root):
    labelled(root)
    (root / "images/i003.png").unlink()
    return Said(("i003.png", "not in"), {"labels": "labels.csv"})


@faulty
def labels_and_no_setting(root):
    for path in put(root, 6):
        path.rename(root / path.name)
    (root / "labels.csv").write_text("file,class\n")
    return Said(("data.labels=labels.csv",))


@faulty
def labels_with_splits(root):
    paths = put(root, 20)
    (root / "all.csv").write_text("path,class,split\n" + "".join(
        f"{p.name},{CLASSES[i % 2]},{'test' if i < 6 else 'train'}\n" for i, p in enumerate(paths)))
    return Right(CLASSES, 14, 6, options={"labels": "all.csv"})


def listed(root: Path, classes: Sequence[str], whole: bool = False) -> dict[str, str]:
    """Write 30 images and their labels, the classes in turn."""
    rows = [(str(path) if whole else path.name, classes[i % len(classes)])
            for i, path in enumerate(put(root / "images", 30))]
    with (root / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "class"), *rows])
    return {"labels": "labels.csv"}


@faulty
def labels_in_two_forms(root):
    return Said(("Unicode", "caf"), listed(root, ("caf\u00e9", "cafe\u0301")))


@faulty
def labels_that_differ_by_case(root):
    return Right(("Cat", "cat", "dog"), 24, 6, ("differ only by case",), listed(root, ("Cat", "cat", "dog")))


@faulty
def labels_of_several_classes(root):
    return Said(("'cat|dog'", "an image has one class"), listed(root, ("cat", "dog", "cat|dog")))


@faulty
def labels_of_no_class(root):
    return Said(("Line 4", "names no class"), listed(root, ("cat", "dog", "NaN")))


@faulty
def labels_over_two_lines(root):
    return Said(("several lines",), listed(root, ("cat", "do\ng")))


@faulty
def labels_by_whole_path(root):
    return Right(CLASSES, 24, 6, options=listed(root, CLASSES, whole=True))
