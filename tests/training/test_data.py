"""Digits and one's own folders: pixels, splits, keys, and every mistake in one sentence."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from dcanas.basics.errors import UserError
from dcanas.export.infer import load_image
from dcanas.training import DataSpec, load_data
from dcanas.training.data import Originals, preprocessing, resized
from dcanas.training.decode import decode
from dcanas.training.folder import ImageFacts, describe_folder, inferred_side
from dcanas.training.on_demand import FileImages


def fill(parent: Path, count: int, size=(12, 10), mode="RGB", prefix="img", kind="png") -> None:
    """Write `count` different images of `size` (width, height)."""
    parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(abs(hash((parent.name, prefix))) % 2**32)
    for i in range(count):
        pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).convert(mode).save(parent / f"{prefix}{i:03d}.{kind}")


def spec(root: Path, **options) -> DataSpec:
    return DataSpec("folder", str(root), **options)


def assert_partition(data) -> None:
    together = np.sort(np.concatenate([data.train, data.validation, data.test]))
    assert (together == np.arange(len(data.labels))).all()


def test_digits_are_the_originals_and_stratified():
    data = load_data(DataSpec())
    raw = load_digits()
    assert data.images.shape == (1797, 1, 8, 8)
    assert (data.images[:, 0] == np.floor(raw.images * 255 / 16 + 0.5)).all()
    assert (data.labels == raw.target).all()
    assert data.classes == tuple("0123456789")
    assert_partition(data)
    for indices, share in ((data.train, 0.64), (data.validation, 0.16), (data.test, 0.2)):
        wanted = share * np.bincount(raw.target)
        assert np.abs(np.bincount(data.labels[indices]) - wanted).max() <= 1
    pixels = data.images[data.train] / 255
    assert data.moments[0] == pytest.approx([pixels.mean()])
    assert data.moments[1] == pytest.approx([pixels.std()])
    assert not data.flip


def test_digits_in_another_size_and_colour():
    data = load_data(DataSpec(size=16, channels=3))
    assert data.shape == (3, 16, 16)
    assert data.preprocessing == {"size": [16, 16], "channels": 3, "resample": "bilinear", "scale": 1 / 255}
    assert (data.images[:, 0] == data.images[:, 2]).all()


def test_splits_follow_the_split_seed_alone():
    first, again, other = (load_data(DataSpec(split_seed=s)) for s in (0, 0, 1))
    assert (first.test == again.test).all()
    assert (first.train == again.train).all()
    assert first.fit_key == again.fit_key
    assert not np.array_equal(first.test, other.test)
    assert first.fit_key != other.fit_key


def test_the_fit_key_ignores_the_test_split_and_sees_everything_else():
    data = load_data(DataSpec())
    noise = data.images.copy()
    noise[data.test] = np.random.default_rng(0).integers(0, 256, noise[data.test].shape)
    noisy = dataclasses.replace(data, images=noise)
    assert (noisy.fit_key, noisy.moments) == (data.fit_key, data.moments)
    assert noisy.test_key != data.test_key
    fewer = dataclasses.replace(data, test=data.test[:-5])
    assert fewer.fit_key == data.fit_key
    for part in (data.train, data.validation):
        changed = data.images.copy()
        changed[part[-1], 0, 0, 0] ^= 1
        assert dataclasses.replace(data, images=changed).fit_key != data.fit_key
        labels = data.labels.copy()
        labels[part[0]] = (labels[part[0]] + 1) % 10
        assert dataclasses.replace(data, labels=labels).fit_key != data.fit_key
    validation = np.append(data.validation, data.train[0])
    moved = dataclasses.replace(data, train=data.train[1:], validation=validation)
    assert moved.fit_key != data.fit_key


def test_a_folder_of_classes(tmp_path):
    fill(tmp_path / "cat", 10)
    fill(tmp_path / "dog" / "deeper", 20)
    fill(tmp_path / ".cache", 3)
    (tmp_path / "cat" / ".hidden.png").write_text("no image")
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    data = load_data(spec(tmp_path))
    assert data.classes == ("cat", "dog")
    assert data.shape == (3, 10, 12)
    assert np.bincount(data.labels).tolist() == [10, 20]
    assert_partition(data)
    # 20 % of 10 and 20 are tested; of the 8 and 16 left 20 % (1.6 and 3.2) validate
    assert np.bincount(data.labels[data.test]).tolist() == [2, 4]
    assert np.bincount(data.labels[data.validation]).tolist() == [2, 3]
    first = load_image(tmp_path / "cat" / "img000.png", data.preprocessing)
    assert (data.images[0] == first).all()
    assert data.flip


def test_grey_images_give_one_channel_and_mixed_ones_three(tmp_path):
    fill(tmp_path / "a", 5, mode="L")
    fill(tmp_path / "b", 5, mode="LA")
    assert load_data(spec(tmp_path)).shape == (1, 10, 12)
    assert load_data(spec(tmp_path, channels=3)).shape == (3, 10, 12)
    fill(tmp_path / "b", 5, mode="RGB", prefix="colour")
    assert load_data(spec(tmp_path)).shape == (3, 10, 12)


def test_own_splits_are_kept_and_test_decides_no_size(tmp_path):
    for name in ("x", "y"):
        fill(tmp_path / "train" / name, 10)
        fill(tmp_path / "val" / name, 4)
        fill(tmp_path / "test" / name, 3, size=(30, 40), mode="RGB")
    data = load_data(spec(tmp_path))
    assert [len(p) for p in (data.train, data.validation, data.test)] == [20, 8, 6]
    assert data.shape == (3, 10, 12)
    assert_partition(data)
    for f in (tmp_path / "val").glob("*/*"):
        f.unlink()
    for f in (tmp_path / "val").glob("*"):
        f.rmdir()
    (tmp_path / "val").rmdir()
    data = load_data(spec(tmp_path))
    assert [len(p) for p in (data.train, data.validation, data.test)] == [16, 4, 6]


@pytest.mark.parametrize(("sizes", "side"), [
    ([(12, 10)] * 5 + [(9, 9)] * 4, 10), ([(12, 10)] * 4 + [(9, 9)] * 5, 9), ([(60, 80)] * 5 + [(70, 50)] * 4, 32),
    ([(6, 5)] * 8 + [(50, 40)], 8)])
def test_images_of_differing_sizes_get_the_median_shorter_side(tmp_path, sizes, side):
    """At most 32 pixels and at least 8."""
    for name in ("a", "b"):
        for i, size in enumerate(sizes):
            fill(tmp_path / name, 1, size, prefix=f"{i}_")
        for split, size in (("test", (100, 100)), ("train", None)):
            (tmp_path / split).mkdir(exist_ok=True)
            if size:
                fill(tmp_path / split / name, 20, size)  # test images decide nothing
            else:
                (tmp_path / name).rename(tmp_path / split / name)
    assert load_data(spec(tmp_path)).shape == (3, side, side)
    assert load_data(spec(tmp_path, size=20)).shape == (3, 20, 20)
    facts = describe_folder(spec(tmp_path))
    assert (facts.images, facts.size) == (2 * len(sizes) + 40, None)
    assert inferred_side(facts.shorter_side) == side
    assert inferred_side(facts.shorter_side, 24) == min(side, 24)


def test_what_a_folder_of_equal_images_is_like(tmp_path):
    two_classes(tmp_path)
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    assert describe_folder(spec(tmp_path)) == ImageFacts(images=12, shorter_side=10, size=(10, 12))


def test_rotated_photographs_count_as_they_are_seen(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a", "b"):
        fill(tmp_path / name, 4, size=(10, 12))
        Image.new("RGB", (12, 10)).save(tmp_path / name / "turned.png", exif=exif)
    assert load_data(spec(tmp_path)).shape == (3, 12, 10)


def test_groups_stay_together(tmp_path):
    for name in ("cat", "dog"):
        for video in range(12):
            fill(tmp_path / name, 2 + video % 4, prefix=f"v{video}_")
    data = load_data(spec(tmp_path, group_by=r"([^/]+/v\d+)_"))
    paths = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.glob("*/*.png"))
    group = [p.split("_")[0] for p in paths]
    parts = [{group[i] for i in part} for part in (data.train, data.validation, data.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 24
    assert_partition(data)
    for part, share in ((data.train, 0.64), (data.validation, 0.16), (data.test, 0.2)):
        # 42 images per class; a group has at most 5
        assert np.abs(np.bincount(data.labels[part]) - share * 42).max() <= 5


def test_large_data_goes_to_disk_once(tmp_path):
    fill(tmp_path / "a", 6)
    paths = sorted((tmp_path / "a").iterdir())
    steps = {"size": [10, 12], "channels": 3, "resample": "bilinear"}
    memory = decode(paths, steps, None)
    disk = decode(paths, steps, tmp_path / "cache", memory_bytes=100)
    assert isinstance(disk, np.memmap)
    assert (disk == memory).all()
    (kept,) = (tmp_path / "cache").iterdir()
    written = kept.stat().st_mtime_ns
    assert (decode(paths, steps, tmp_path / "cache", memory_bytes=100) == memory).all()
    assert kept.stat().st_mtime_ns == written
    for asked in (decode(paths, steps, None, memory_bytes=100),
                  decode(paths, steps, tmp_path / "cache", memory_bytes=100, disk_bytes=200)):
        assert isinstance(asked, FileImages)
        assert (asked[np.arange(6)] == memory).all()


def test_an_unreadable_image_leaves_nothing_on_disk(tmp_path):
    fill(tmp_path / "a", 3)
    (tmp_path / "a" / "zzz.png").write_bytes(b"junk")
    steps = {"size": [10, 12], "channels": 3, "resample": "bilinear"}
    with pytest.raises(UserError, match=r"zzz\.png"):
        decode(sorted((tmp_path / "a").iterdir()), steps, tmp_path / "cache", memory_bytes=100)
    assert list((tmp_path / "cache").iterdir()) == []


def two_classes(root: Path) -> None:
    fill(root / "cat", 6)
    fill(root / "dog", 6)


def split_folders(root: Path) -> None:
    two_classes(root / "train")
    two_classes(root / "test")


def truncated(root: Path) -> None:
    two_classes(root)
    whole = (root / "dog" / "img003.png").read_bytes()
    (root / "dog" / "img003.png").write_bytes(whole[:len(whole) // 2])


MISTAKES = {
    "missing": (lambda r: r.rmdir(), {}, r"There is no folder .* \(data\.root\)"),
    "empty": (lambda r: None, {}, r"holds no images; expected one folder"),
    "loose": (lambda r: fill(r, 3), {}, r"holds images that are in no class folder"),
    "one class": (lambda r: fill(r / "cat", 6), {}, r"holds only the class cat"),
    "empty class": (lambda r: (two_classes(r), (r / "emu").mkdir()), {}, r"Class 'emu' has no images in "),
    "unreadable": (lambda r: (two_classes(r), (r / "cat/img002.png").write_text("x")), {},
                   r"cat/img002\.png is not a readable image .*; repair or remove it"),
    "truncated": (truncated, {}, r"dog/img003\.png is not a readable image .*truncated.*; repair or remove it"),
    "too few": (lambda r: (two_classes(r), fill(r / "emu", 3)), {},
                r"Class 'emu' has 3 images, but the splits need at least 4 "
                r"\(2 for train, 1 for validation, 1 for test\)"),
    "tiny": (lambda r: (fill(r / "a", 5, (4, 4)), fill(r / "b", 5, (4, 4))), {}, r"4x4 pixels.*data\.size="),
    "bad regex": (two_classes, {"group_by": "(["}, r"data\.group_by='\(\[' is not a regular expression"),
    "no match": (two_classes, {"group_by": "img00[0-4]"}, r"names no group for cat/img005\.png"),
    "one group": (two_classes, {"group_by": "cat|dog"}, r"leaves class 'cat' 1 group, which cannot be dealt"),
    "two groups": (two_classes, {"group_by": r"\w+(?=/img00[0-2])|\w+/"}, r"class 'cat' 2 groups, which"),
    "group over splits": (split_folders, {"group_by": r"img\d+"}, r"finds a group of test/ in another split"),
    "split beside class": (lambda r: (split_folders(r), fill(r / "emu", 4)), {}, r"emu/ beside the splits"),
    "split twice": (lambda r: (split_folders(r), two_classes(r / "testing")), {}, r"the test split twice"),
    "only in test": (lambda r: (split_folders(r), fill(r / "test/emu", 4)), {}, r"'emu' .* not in train/"),
    "not in test": (lambda r: (split_folders(r), fill(r / "train/emu", 9)), {}, r"'emu' has no images in .*"),
}


@pytest.mark.parametrize(("prepare", "options", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_folder_is_one_sentence(tmp_path, prepare, options, said):
    root = tmp_path / "data"
    root.mkdir()
    prepare(root)
    with pytest.raises(UserError, match=said) as caught:
        load_data(spec(root, **options))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("options", "said"), [
    ({"test_fraction": float("nan")}, "data.test_fraction must be a number from 1e-06 to 0.999999, got nan"),
    ({"test_fraction": -0.1}, "data.test_fraction .* got -0.1"),
    ({"validation_fraction": 1.0}, "data.validation_fraction .* got 1.0"),
    ({"validation_fraction": "half"}, "data.validation_fraction .* got 'half'"),
    ({"size": 7}, "data.size must be a whole number from 8 to 1024, got 7"),
    ({"size": 32.5}, "data.size .* got 32.5"),
    ({"channels": 4}, "data.channels must be one of 1, 3, got 4"),
    ({"split_seed": -1}, "data.split_seed .* got -1"),
    ({"name": "folder"}, r"needs data\.root="),
    ({"name": "digit"}, "Unknown data set 'digit'; did you mean 'digits'"),
    ({"group_by": "x"}, "data.group_by means nothing for data=digits"),
])
def test_a_mistake_in_the_settings_is_one_sentence(options, said):
    with pytest.raises(UserError, match=said):
        load_data(DataSpec(**options))


@pytest.mark.parametrize(("name", "inside"),
                         [("cifar10", "cifar-10-batches-py"), ("cifar100", "cifar-100-python")])
def test_a_missing_cifar_says_where_it_should_lie(tmp_path, name, inside):
    with pytest.raises(UserError, match=rf"is not at {tmp_path}/{inside}.*data\.root.*data\.download=true"):
        load_data(DataSpec(name, str(tmp_path)))


def test_images_of_every_size_come_from_the_originals_and_the_latest_are_kept(monkeypatch):
    """Three sizes of 10 grey images: 10, 40 and 90 bytes times 64 pixels; two of them at most are kept in memory."""
    made = []

    def make(steps, indices):
        made.append(tuple(steps["size"]))
        return np.zeros((len(indices), 1, *steps["size"]), np.uint8)

    monkeypatch.setattr("dcanas.training.data._KEPT_BYTES", 10 * 64 * (4 + 9))
    data = load_data(DataSpec("digits"))
    data = dataclasses.replace(data, labels=data.labels[:10], images=data.images[:10], refitted=Originals(make))
    assert data.at((8, 8)) is data
    for side in (16, 24, 16):
        assert data.at((side, side)).shape == (1, side, side)
        assert data.at((side, side)).preprocessing == {**data.preprocessing, "size": [side, side]}
    assert made == [(16, 16), (24, 24)]
    data.at((16, 16)).at((32, 32))  # of the originals, too: 8 x 8 by way of 16 x 16 would be another image
    dataclasses.replace(data, train=data.train[:1]).at((16, 16))  # splits share what is kept
    assert made == [(16, 16), (24, 24), (32, 32), (16, 16)]


def test_a_preprocessing_that_crops_keeps_its_proportion():
    """ImageNet's: the shorter side becomes 256 for a crop of 224; of 112, 128."""
    steps = resized(preprocessing((224, 224), 3, resize=256), (112, 112))
    assert (steps["size"], steps["resize"]) == ([112, 112], 128)
