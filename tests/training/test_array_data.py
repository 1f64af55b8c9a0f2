"""Images and labels of a Python program: pixels, labels and splits are kept, and every mistake is one sentence."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from PIL import Image
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import TensorDataset

from dcanas.basics.errors import UserError
from dcanas.training import DataSpec, load_data
from dcanas.training.array_data import array_dataset, fingerprint, store_arrays
from dcanas.training.array_input import as_labels, as_pixels, read_splits

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 9, 12, 3)).astype(np.uint8)
LABELS = np.arange(60) % 3
NAMES = np.array(["ant", "bee", "cow"])[LABELS]
SPEC = DataSpec("arrays")


def part(images: Any, labels: Any, *rows: slice) -> dict[str, Any]:
    return {name: (images[own], labels[own]) for name, own in zip(("train", "test", "val"), rows, strict=False)}


@given(arrays_of.arrays(np.uint8, arrays_of.array_shapes(min_dims=3, max_dims=3, max_side=5)))
def test_eight_bits_come_through_floats(pixels):
    for kind in (np.float32, np.float64):
        assert (as_pixels(pixels.astype(kind) / 255)[..., 0] == pixels).all()
    assert (as_pixels(pixels)[..., 0] == pixels).all()


@given(arrays_of.arrays(np.float64, (2, 3, 3, 3), elements=st.floats(0, 1)))
def test_floats_are_rounded_to_the_nearest_of_256_values(images):
    assert np.abs(as_pixels(images) / 255 - images).max() <= 0.5 / 255 + 1e-12


@given(st.lists(st.one_of(st.integers(-2**63, 2**63 - 1), st.sampled_from([0, 1])), min_size=1, max_size=20))
def test_integer_labels_come_back(labels):
    assert as_labels(labels, len(labels)).tolist() == labels


@given(st.lists(st.text("abc äß漢_. 0", min_size=1), min_size=1, max_size=20))
def test_text_labels_come_back(labels):
    assert as_labels(labels, len(labels)).tolist() == labels
    assert as_labels(np.array(labels, dtype=object), len(labels)).tolist() == labels


@settings(max_examples=25)
@given(st.lists(st.sampled_from([-7, 0, 3, 12]), min_size=40, max_size=80), st.booleans())
def test_classes_are_the_different_labels_in_order(labels, as_text):
    wanted = sorted(set(labels))
    values = np.array([f"class {label}" for label in labels]) if as_text else np.array(labels)
    different = np.random.default_rng(0).integers(0, 256, (len(labels), 8, 8), dtype=np.uint8)
    splits = read_splits((different, values))
    if len(wanted) < 2 or min(labels.count(label) for label in wanted) < 4:
        with pytest.raises(UserError, match="at least"):
            array_dataset(SPEC, splits)
        return
    data = array_dataset(SPEC, splits)
    assert data.classes == tuple(sorted({str(value) for value in values})) if as_text else tuple(map(str, wanted))
    assert [data.classes[i] for i in data.labels] == [str(value) for value in values]
    assert data.integer_labels is not as_text


def test_a_pair_is_split_as_a_folder_is(tmp_path):
    for number, (image, name) in enumerate(zip(IMAGES, NAMES, strict=True)):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / name / f"{number:03}.png")
    folder = load_data(DataSpec("folder", str(tmp_path)))
    order = np.argsort(NAMES, kind="stable")  # a folder lists class after class
    data = array_dataset(SPEC, read_splits((IMAGES[order], NAMES[order])))
    assert data.classes == folder.classes
    for name in ("train", "validation", "test"):
        assert (getattr(data, name) == getattr(folder, name)).all()
    assert (data.images == folder.images[:]).all()
    assert (data.fit_key, data.test_key, data.flip) == (folder.fit_key, folder.test_key, folder.flip)


@pytest.mark.parametrize("rows", [(slice(0, 40), slice(40, 60)), (slice(0, 30), slice(30, 40), slice(40, 60)),
                                  (slice(0, 60),)])
def test_the_users_splits_are_kept(rows):
    data = array_dataset(SPEC, read_splits(part(IMAGES, NAMES, *rows)))
    found = {"train": data.train, "test": data.test, "val": data.validation}
    kept = [name for name in ("test", "val") if len(rows) > ("test", "val").index(name) + 1]
    for name, own in zip(("train", "test", "val"), rows, strict=False):
        pixels = {image.tobytes() for image in IMAGES[own].transpose(0, 3, 1, 2)}
        here = {image.tobytes() for image in data.images[found[name]]}
        assert here == pixels if name in kept else here <= pixels
    assert len(np.unique(np.concatenate([*found.values()]))) == 60


def test_the_order_in_which_splits_are_given_changes_nothing():
    given_ = part(IMAGES, NAMES, slice(0, 30), slice(30, 40), slice(40, 60))
    for names in permutations(given_):
        data = array_dataset(SPEC, read_splits({name: given_[name] for name in names}))
        for found, start, end in ((data.train, 0, 30), (data.validation, 30, 50), (data.test, 50, 60)):
            assert found.tolist() == list(range(start, end))
        assert (data.images[30:50].transpose(0, 2, 3, 1) == IMAGES[40:]).all()
        assert [data.classes[i] for i in data.labels[30:50]] == NAMES[40:].tolist()


class Items(TorchDataset):
    """A torch data set that counts how often each item is read."""

    def __init__(self, images: list[Any], labels: list[Any]):
        self.items, self.read = list(zip(images, labels, strict=True)), []

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, number: int) -> Any:
        self.read.append(number)
        return self.items[number]


@pytest.mark.parametrize("images", [
    [torch.from_numpy(image).permute(2, 0, 1) for image in IMAGES],
    [torch.from_numpy(image).permute(2, 0, 1) / 255 for image in IMAGES],
    list(IMAGES), [Image.fromarray(image) for image in IMAGES]], ids=["tensors", "floats", "arrays", "Pillow"])
@pytest.mark.filterwarnings("ignore:The images are floats")
def test_a_torch_dataset_is_read_once_in_order(images):
    items = Items(images, [int(label) for label in LABELS])
    pixels, labels = read_splits(items)["train"]
    assert items.read == list(range(60))
    assert (pixels == IMAGES).all()
    assert (labels == LABELS).all()


def test_tensors_and_grey_images_are_read_alike():
    grey = IMAGES[..., 0]
    wanted = fingerprint(read_splits((grey, LABELS)))
    assert fingerprint(read_splits((torch.from_numpy(grey), torch.from_numpy(LABELS)))) == wanted
    assert fingerprint(read_splits(TensorDataset(torch.from_numpy(grey[:, None]), torch.from_numpy(LABELS)))) == wanted
    assert fingerprint(read_splits(([*grey], [*LABELS.tolist()]))) == wanted
    assert fingerprint(read_splits(Items([Image.fromarray(image) for image in grey], [*LABELS]))) == wanted


def test_floats_are_said_to_be_rounded():
    with pytest.warns(UserWarning, match="The images of test are floats and were rounded to 8 bits"):
        read_splits({"train": (IMAGES, LABELS), "test": (IMAGES / 255.0, LABELS)})


def test_the_fingerprint_changes_with_every_pixel_label_and_split():
    pixels, labels = IMAGES.copy(), LABELS.copy()
    pixels[7, 3, 2, 1] ^= 1
    labels[59] = 1
    asked = [(IMAGES, LABELS), (pixels, LABELS), (IMAGES, labels), (IMAGES, LABELS.astype(str)), (IMAGES, NAMES),
             (IMAGES.reshape(60, 12, 9, 3), LABELS), {"train": (IMAGES[:40], LABELS[:40]),
                                                      "test": (IMAGES[40:], LABELS[40:])}]
    found = [fingerprint(read_splits(data)) for data in asked]
    assert len(set(found)) == len(asked)
    assert fingerprint(read_splits((IMAGES.copy(), LABELS.astype(np.int16)))) == found[0]


@pytest.mark.parametrize("labels", [LABELS, NAMES])
def test_the_copy_in_a_runs_cache_is_the_same_data_set(labels, tmp_path):
    splits = read_splits(part(IMAGES, labels, slice(0, 40), slice(40, 60)))
    spec = replace(SPEC, fingerprint=fingerprint(splits))
    store_arrays(splits, tmp_path / "cache")
    there, given_ = load_data(spec, tmp_path / "cache"), array_dataset(spec, splits)
    assert (there.fit_key, there.test_key, there.classes, there.integer_labels) == (
        given_.fit_key, given_.test_key, given_.classes, given_.integer_labels)
    (copy,) = (tmp_path / "cache").iterdir()
    copy.write_bytes(copy.read_bytes()[:100])
    with pytest.raises(UserError, match=r"is missing or damaged; call dcanas\.run with the same images"):
        load_data(spec, tmp_path / "cache")


def test_another_size_is_that_of_the_bundles_script():
    data = array_dataset(replace(SPEC, size=8, channels=1), read_splits((IMAGES, LABELS)))
    assert data.shape == (1, 8, 8)
    assert data.preprocessing["size"] == [8, 8]


WRONG: dict[str, tuple[Any, str]] = {
    "no pair": ((IMAGES, LABELS, LABELS), "The data must be (images, labels), a dictionary"),
    "split": ({"train": (IMAGES, LABELS), "tset": (IMAGES, LABELS)}, "Unknown split 'tset'; did you mean 'test'?"),
    "no train": ({"test": (IMAGES, LABELS)}, "The data lack the split 'train', which is learnt from."),
    "flat": ((IMAGES.reshape(60, -1), LABELS), "The images must have the shape (N, H, W) or (N, H, W, C) with 1 or 3 "
                                               "channels, got (60, 324)."),
    "channels first": ((IMAGES.transpose(0, 3, 1, 2), LABELS),
                       "The images must have the shape (N, H, W) or (N, H, W, C) with 1 or 3 channels, got "
                       "(60, 3, 9, 12); put the channels last: images.transpose(0, 2, 3, 1)."),
    "alpha": ((np.zeros((60, 9, 9, 4), np.uint8), LABELS), "The images must have the shape (N, H, W) or"),
    "none": ((IMAGES[:0], LABELS[:0]), "The images are none: their shape is (0, 9, 12, 3)."),
    "whole numbers": ((IMAGES.astype(np.int64), LABELS), "The images must be uint8, or floats in [0, 1], got int64"),
    "range": ((IMAGES.astype(np.float32), LABELS), "The images are floats, which must be in [0, 1], got 0 to 255"),
    "NaN": ((np.where(IMAGES > 250, np.nan, 0.5), LABELS), "The images hold NaN"),
    "ragged": (([[[1, 2]], [[1]]], [0, 1]), "The images cannot be read as one array ("),
    "lengths": ((IMAGES, LABELS[:59]), "There are 60 images, but 59 labels"),
    "one-hot": ((IMAGES, np.eye(3)[LABELS]), "The labels must have the shape (N,), one for each image, got (60, 3); of "
                                             "one-hot labels give labels.argmax(1)."),
    "float labels": ((IMAGES, LABELS / 2),
                     "The labels must be integers of at most 64 bits, or all be texts, got float64."),
    "mixed": ((IMAGES, np.array([*LABELS[:59], "x"], dtype=object)), "The labels must be integers"),
    "huge": ((IMAGES, [2**70] * 60), "The labels must be integers"),
    "lines": ((IMAGES, np.where(NAMES == "bee", "b\nee", NAMES)), "The labels name a class 'b\\nee'"),
    "nameless": ((IMAGES, np.where(NAMES == "bee", "", NAMES)), "The labels name a class ''"),
    "one class": ((IMAGES, LABELS * 0), "All labels are 0; at least two classes are needed."),
    "few": ((IMAGES[:12], np.arange(12)), "Class '0' has 1 image, but the splits need at least 4"),
    "stray": (part(IMAGES, np.r_[LABELS[:40], LABELS[40:] + 1], slice(0, 40), slice(40, 60)),
              "Class 3 is not in the labels of train"),
    "kinds": ({"train": (IMAGES, LABELS), "test": (IMAGES, NAMES)},
              "The labels of test are texts, those of train integers"),
    "sizes": ({"train": (IMAGES, LABELS), "test": (IMAGES[:, 1:], LABELS)},
              "The images of test have the shape (8, 12, 3)"),
    "small": ((IMAGES[:, :7], LABELS), "The images are 7x12 pixels, but sides go from 8 to 1024"),
    "items": (Items([1, 2, 3], [3, 4, 5]), "The images must have the shape"),
    "no items": (Items([], []), "The data are empty."),
    "item": ([{"image": 1}, 2, 3], "Item 0 of the data must be a pair of an image and a label, got dict"),
    "differing": (Items([IMAGES[0], IMAGES[0, 1:]], [0, 1]), "Image 1 of the data has the shape (8, 12, 3), the first "
                                                             "(9, 12, 3)"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.filterwarnings("error")
def test_what_cannot_be_used_is_said_in_one_sentence(name):
    data, words = WRONG[name]
    with pytest.raises(UserError) as caught:
        array_dataset(SPEC, read_splits(data))
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)
