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
