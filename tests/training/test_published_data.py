"""Published data sets, written here small in their published layouts; every mistake in one sentence."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image
from torchvision import datasets as tv
from torchvision.transforms import v2

from dcanas.basics.errors import UserError
from dcanas.export.infer import load_image
from dcanas.training import DataSpec, datasets, imagenet16, load_data
from dcanas.training.data import preprocessing
from dcanas.training.on_demand import FileImages
from dcanas.training.plain_pickle import read_plain_pickle
from dcanas.training.torchvision_sets import CIFAR10

RNG = np.random.default_rng(0)


def pixels(count: int, *shape: int) -> np.ndarray:
    return RNG.integers(0, 256, (count, *shape), dtype=np.uint8)


def write(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.md5(content).hexdigest()


def cifar(root: Path, monkeypatch, kind: str, classes: int, learnt: int, tested: int) -> np.ndarray:
    """Write CIFAR of `classes` classes in turn and let torchvision know its checksums; return all images."""
    source, key = getattr(tv, kind), "fine_labels" if kind == "CIFAR100" else "labels"
    images, names = pixels(learnt + tested, 3, 32, 32), "label_names" if kind == "CIFAR10" else "fine_label_names"
    halves = {"train_list": ("learn", images[:learnt]), "test_list": ("test", images[learnt:])}
    for attribute, (file, part) in halves.items():
        content = {"data": part.reshape(len(part), -1), key: [i % classes for i in range(len(part))]}
        md5 = write(root / source.base_folder / file, pickle.dumps(content))
        monkeypatch.setattr(source, attribute, [[file, md5]])
    md5 = write(root / source.base_folder / "meta", pickle.dumps({names: [f"c{i}" for i in range(classes)]}))
    monkeypatch.setattr(source, "meta", {"filename": "meta", "key": names, "md5": md5})
    return images


def split_file(path: Path, **parts: list[int]) -> None:
    path.write_text(json.dumps({name: ["int", [str(i) for i in numbers]] for name, numbers in parts.items()}))


@pytest.mark.parametrize(("kind", "name"), [("CIFAR10", "cifar10"), ("CIFAR100", "cifar100")])
def test_cifar_as_published(tmp_path, monkeypatch, kind, name):
    images = cifar(tmp_path, monkeypatch, kind, 2, 40, 10)
    data = load_data(DataSpec(name, str(tmp_path)))
    assert np.array_equal(data.images, images)
    assert data.classes == ("c0", "c1")
    assert [len(data.train), len(data.validation), data.test.tolist()] == [32, 8, list(range(40, 50))]
    assert data.moments == data.normalisation
    assert len(data.fit_indices) == 40
    grey = load_data(DataSpec(name, str(tmp_path), channels=1))
    assert grey.normalisation is None  # published for three channels
    assert grey.moments[0] == pytest.approx([grey.images[grey.train].mean() / 255])


def test_published_constants_are_those_of_the_real_pixels(tables):
    pack = np.load(tables / "cifar10_train_jpeg.npz")
    jpeg, end = pack["jpeg"], pack["end"][:4000].tolist()
    images = np.stack([np.asarray(Image.open(io.BytesIO(jpeg[a:b].tobytes())))
                       for a, b in zip([0, *end[:-1]], end, strict=True)])
    assert images.mean(axis=(0, 1, 2)) / 255 == pytest.approx(CIFAR10[0], abs=0.006)
    assert images.std(axis=(0, 1, 2)) / 255 == pytest.approx(CIFAR10[1], abs=0.006)


def test_constants_belong_to_the_key_of_what_is_learnt(tmp_path, monkeypatch):
    from dataclasses import replace

    cifar(tmp_path, monkeypatch, "CIFAR10", 2, 40, 10)
    data = load_data(DataSpec("cifar10", str(tmp_path)))
    assert replace(data, normalisation=None).fit_key != data.fit_key
    assert replace(data, learn_validation=False).fit_key != data.fit_key


def test_the_benchmarks_split_of_cifar10_halves_the_training_images(tmp_path, monkeypatch):
    cifar(tmp_path, monkeypatch, "CIFAR10", 2, 12, 4)
    split_file(tmp_path / "cifar-split.txt", train=[0, 2, 5, 7, 8, 11], valid=[1, 3, 4, 6, 9, 10])
    data = load_data(DataSpec("cifar10", str(tmp_path), split="nasbench201", split_seed=7))
    assert data.train.tolist() == [0, 2, 5, 7, 8, 11]
    assert data.validation.tolist() == [1, 3, 4, 6, 9, 10]
    assert data.test.tolist() == [12, 13, 14, 15]
    assert sorted(data.fit_indices) == list(range(12))


def test_the_benchmarks_split_of_cifar100_halves_the_test_images(tmp_path, monkeypatch):
    cifar(tmp_path, monkeypatch, "CIFAR100", 2, 12, 4)
    split_file(tmp_path / "cifar100-test-split.txt", xvalid=[1, 2], xtest=[0, 3])
    data = load_data(DataSpec("cifar100", str(tmp_path), split="nasbench201", fraction=0.5))
    assert np.bincount(data.labels[data.train]).tolist() == [3, 3]  # half of 6 each
    assert data.validation.tolist() == [13, 14]  # published apart: stays whole
    assert data.test.tolist() == [12, 15]
    assert np.array_equal(data.fit_indices, data.train)  # the benchmark learns from training images alone


@pytest.mark.parametrize(("content", "said"), [
    (None, r"needs the benchmark's file .*cifar-split\.txt; take cifar-split\.txt from configs/nas-benchmark/"),
    ("__import__('os')", "is not the benchmark's split: expected JSON with lists of numbers train and valid"),
    ('{"train": ["int", ["0"]]}', "is not the benchmark's split"),
    ('{"train": ["int", ["0", "1"]], "valid": ["int", ["1"]]}', r"does not deal each of the 12 images .*holds 3 num"),
])
def test_a_split_file_that_cannot_be_used(tmp_path, monkeypatch, content, said):
    cifar(tmp_path, monkeypatch, "CIFAR10", 2, 12, 4)
    if content is not None:
        (tmp_path / "cifar-split.txt").write_text(content)
    with pytest.raises(UserError, match=said):
        load_data(DataSpec("cifar10", str(tmp_path), split="nasbench201"))


def test_labels_beyond_the_classes_are_refused(tmp_path, monkeypatch):
    cifar(tmp_path, monkeypatch, "CIFAR10", 3, 12, 6)
    md5 = write(tmp_path / tv.CIFAR10.base_folder / "meta", pickle.dumps({"label_names": ["a", "b"]}))
    monkeypatch.setattr(tv.CIFAR10, "meta", {"filename": "meta", "key": "label_names", "md5": md5})
    with pytest.raises(UserError, match="2 classes, so labels go from 0 to 1, but its files hold from 0 to 2"):
        load_data(DataSpec("cifar10", str(tmp_path)))


def test_fractions_are_balanced_nested_and_leave_the_test_split(tmp_path, monkeypatch):
    cifar(tmp_path, monkeypatch, "CIFAR10", 4, 400, 20)
    whole, half, tenth, other = (load_data(DataSpec("cifar10", str(tmp_path), fraction=f, split_seed=s))
                                 for f, s in ((1.0, 0), (0.5, 0), (0.1, 0), (0.1, 1)))
    assert np.bincount(tenth.labels[tenth.train]).tolist() == [8] * 4  # a tenth of 80 each
    assert np.bincount(tenth.labels[tenth.validation]).tolist() == [2] * 4
    assert set(tenth.train) < set(half.train) < set(whole.train)
    assert set(tenth.validation) < set(whole.validation)
    assert np.array_equal(tenth.test, whole.test)
    assert not np.array_equal(tenth.train, other.train)
    digits = load_data(DataSpec(fraction=0.25))
    assert np.array_equal(digits.test, load_data(DataSpec()).test)


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def fashion(root: Path) -> np.ndarray:
    images = pixels(60, 28, 28)
    for part, kept in (("train", slice(0, 40)), ("t10k", slice(40, 60))):
        labels = np.arange(60, dtype=np.uint8)[kept] % 10
        write(root / f"FashionMNIST/raw/{part}-images-idx3-ubyte", idx(images[kept]))
        write(root / f"FashionMNIST/raw/{part}-labels-idx1-ubyte", idx(labels))
    return images


def test_fashion_mnist_as_published(tmp_path):
    images = fashion(tmp_path)
    data = load_data(DataSpec("fashion_mnist", str(tmp_path)))
    assert np.array_equal(data.images[:, 0], images)
    assert data.labels.tolist() == [i % 10 for i in range(60)]
    assert (data.classes[0], data.moments[0], data.flip) == ("T-shirt/top", (0.2860,), True)
    damaged = tmp_path / "FashionMNIST/raw/train-images-idx3-ubyte"
    damaged.write_bytes(damaged.read_bytes()[:999])
    with pytest.raises(UserError, match=r"FashionMNIST is not at .*raw, or not whole; set data\.root"):
        load_data(DataSpec("fashion_mnist", str(tmp_path)))


def test_svhn_as_published(tmp_path, monkeypatch):
    images, listed = pixels(60, 3, 32, 32), {}
    for part, kept in (("train", slice(0, 40)), ("test", slice(40, 60))):
        labels = (np.arange(60) % 10)[kept]
        content = io.BytesIO()  # in the file the digit 0 is called 10
        scipy.io.savemat(content, {"X": images[kept].transpose(2, 3, 1, 0), "y": np.where(labels, labels, 10)[:, None]})
        listed[part] = ["", f"{part}_32x32.mat", write(tmp_path / f"{part}_32x32.mat", content.getvalue())]
    with pytest.raises(UserError, match=r"SVHN is not at .*train_32x32\.mat, or not whole.*data\.download=true"):
        load_data(DataSpec("svhn", str(tmp_path)))  # not the published checksums
    monkeypatch.setattr(tv.SVHN, "split_list", listed)
    data = load_data(DataSpec("svhn", str(tmp_path)))
    assert np.array_equal(data.images, images)
    assert data.labels.tolist() == [i % 10 for i in range(60)]
    assert not data.flip


def small_imagenet16(root: Path, monkeypatch, protocol: int = 2) -> np.ndarray:
    images = pixels(3000, 768)
    labels = [1 + i % 150 for i in range(3000)]  # 20 of each of 150 classes, of which 120 are kept
    for name, kept in (("train_data_batch_1", slice(0, 1500)), ("train_data_batch_2", slice(1500, 2400)),
                       ("val_data", slice(2400, 3000))):
        content = {"data": images[kept], "labels": labels[kept], "mean": images[0].astype(float)}
        md5 = write(root / "ImageNet16" / name, pickle.dumps(content, protocol))
        monkeypatch.setitem(imagenet16.TEST if name == "val_data" else imagenet16.TRAIN, name, md5)
    for number in range(3, 11):
        monkeypatch.delitem(imagenet16.TRAIN, f"train_data_batch_{number}")
    return images.reshape(-1, 3, 16, 16)[np.array(labels) <= 120]


def test_imagenet16_of_the_benchmark(tmp_path, monkeypatch):
    images = small_imagenet16(tmp_path, monkeypatch)
    data = load_data(DataSpec("imagenet16", str(tmp_path), classes=120))
    assert np.array_equal(data.images, images)
    assert len(data.classes) == 120
    assert np.bincount(data.labels).tolist() == [20] * 120
    assert len(data.test) == 480  # 4 of 20
    halves = {"xvalid": list(range(0, 480, 2)), "xtest": list(range(1, 480, 2))}
    split_file(tmp_path / "imagenet-16-120-test-split.txt", **halves)
    data = load_data(DataSpec("imagenet16", str(tmp_path), classes=120, split="nasbench201"))
    assert (len(data.train), data.test[:2].tolist()) == (1920, [1921, 1923])
    with pytest.raises(UserError, match=r"is a split of 120 classes, got 1000; set data\.classes=120"):
        load_data(DataSpec("imagenet16", str(tmp_path), split="nasbench201"))
    (tmp_path / "ImageNet16" / "val_data").write_bytes(b"other")
    with pytest.raises(UserError, match="val_data is not the published file"):
        load_data(DataSpec("imagenet16", str(tmp_path), classes=120))


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/executed",)


def test_a_pickle_is_read_and_never_executed(tmp_path):
    plain = {"data": pixels(3, 4), "labels": [1, 2], "b": b"\xff", "x": (1.5, None, np.int64(7)), "t": "é"}
    for protocol in range(6):  # the published files are of protocol 2
        found = read_plain_pickle(pickle.dumps(plain, protocol), tmp_path / "file")
        assert np.array_equal(found["data"], plain["data"])
        assert {k: v for k, v in found.items() if k != "data"} == {k: v for k, v in plain.items() if k != "data"}
    for content in (pickle.dumps(Evil()), pickle.dumps(np.array([Evil()], dtype=object)), b"junk", b""):
        with pytest.raises(UserError, match="nothing of it was executed"):
            read_plain_pickle(content, tmp_path / "bad")


def photograph(path: Path, width: int, height: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(height, width, 3)).save(path, "JPEG")


def tiny(root: Path) -> Path:
    folder = root / "tiny-imagenet-200"
    lines = []
    for c, wnid in enumerate(("n02", "n01")):
        for i in range(6):
            photograph(folder / f"train/{wnid}/images/{wnid}_{i}.JPEG", 64, 64)
        photograph(folder / f"val/images/val_{c}.JPEG", 64, 64)
        lines.append(f"val_{c}.JPEG\t{wnid}\t0\t0\t62\t62\n")
    (folder / "wnids.txt").write_text("n02\nn01\n")
    (folder / "words.txt").write_text("n01\ttench, Tinca tinca\nn02\tgoldfish\n")
    (folder / "val/val_annotations.txt").write_text("".join(lines))
    return folder


def test_tiny_imagenet_as_published(tmp_path):
    folder = tiny(tmp_path)
    data = load_data(DataSpec("tiny_imagenet", str(tmp_path)))
    assert data.classes == ("n01 tench", "n02 goldfish")
    assert data.shape == (3, 64, 64)
    assert data.labels.tolist() == [0] * 6 + [1] * 6 + [0, 1]
    assert data.test.tolist() == [12, 13]
    assert np.array_equal(data.images[12], np.asarray(Image.open(folder / "val/images/val_1.JPEG")).transpose(2, 0, 1))


@pytest.mark.parametrize(("spoil", "said"), [
    (lambda f: (f / "wnids.txt").unlink(), r"not at .*tiny-imagenet-200, or not whole \(wnids\.txt is missing\); get"),
    (lambda f: (f / "wnids.txt").write_text("n01 n02 n03"), r"names 3 classes, but train/ holds 2 .*\(n03 is only"),
    (lambda f: (f / "val/images/val_0.JPEG").unlink(), r"do not match \(val_0\.JPEG is only in one"),
    (lambda f: (f / "val/val_annotations.txt").write_text("val_0.JPEG\tn09\n"), "Line 1 of .*must begin with a file n"),
    (lambda f: [p.unlink() for p in (f / "train/n01/images").iterdir()], "'n01 tench' of .* has no images to learn"),
])
def test_a_tiny_imagenet_that_is_not_whole(tmp_path, spoil, said):
    spoil(tiny(tmp_path))
    with pytest.raises(UserError, match=said):
        load_data(DataSpec("tiny_imagenet", str(tmp_path)))


def imagenet(root: Path) -> None:
    for wnid in ("n01", "n02"):
        for i in range(8):
            photograph(root / f"train/{wnid}/{wnid}_{i}.JPEG", 50 + 9 * i, 61)
        for i in range(3):
            photograph(root / f"val/{wnid}/v{i}_{wnid}.JPEG", 70, 90 - i)


@pytest.mark.parametrize(("width", "height"), [(50, 61), (113, 61), (61, 97), (32, 32), (37, 37), (200, 45)])
def test_pixels_are_those_of_torchvisions_recipe(tmp_path, width, height):
    photograph(tmp_path / "a.JPEG", width, height)
    found = load_image(tmp_path / "a.JPEG", preprocessing((32, 32), 3, resize=37))
    recipe = v2.Compose([v2.Resize(37, antialias=True), v2.CenterCrop(32)])
    wanted = np.asarray(recipe(Image.open(tmp_path / "a.JPEG").convert("RGB"))).transpose(2, 0, 1)
    assert np.array_equal(found, wanted)


def test_imagenet_in_memory_and_on_demand_is_the_same(tmp_path, monkeypatch):
    from dcanas.training import decode

    imagenet(tmp_path)
    spec = DataSpec("imagenet", str(tmp_path), size=32, fraction=0.5)
    kept = load_data(spec)
    assert kept.preprocessing["resize"] == 37  # 32 * 256 / 224 = 36.57
    assert np.bincount(kept.labels[kept.train]).tolist() == [3, 3]  # half of 6
    assert np.bincount(kept.labels[kept.test]).tolist() == [3, 3]
    monkeypatch.setattr(decode.decode, "__defaults__", (100, 200))
    asked = load_data(spec)
    assert isinstance(asked.images, FileImages)
    for positions in (asked.train, asked.test[::-1], np.array([], np.int64)):
        assert np.array_equal(asked.images[positions], kept.images[positions])
    assert np.array_equal(asked.images[3], kept.images[3])
    assert (asked.shape, asked.moments) == (kept.shape, kept.moments)
    decoded: list[int] = []
    monkeypatch.setattr(FileImages, "_load", lambda self, name: decoded.append(1))
    key, tested = asked.fit_key, asked.test_key
    assert not decoded  # names and sizes stand for the pixels
    photograph(tmp_path / "val/n01/v0_n01.JPEG", 71, 91)
    again = load_data(spec)
    assert again.fit_key == key
    assert again.test_key != tested


def test_the_mean_of_images_on_demand_and_a_bad_one_among_them(tmp_path, monkeypatch):
    from dcanas.training import decode

    for name in ("a", "b"):
        for i in range(5):
            photograph(tmp_path / name / f"{i}.jpg", 20, 20)
    kept = load_data(DataSpec("folder", str(tmp_path)))
    monkeypatch.setattr(decode.decode, "__defaults__", (100, 200))
    asked = load_data(DataSpec("folder", str(tmp_path)))
    assert asked.moments == kept.moments  # fewer than 10,000: all of them
    bad = tmp_path / "b" / "3.jpg"
    bad.write_bytes(bad.read_bytes()[:300])
    with pytest.raises(UserError, match=r"b/3\.jpg is not a readable image .*; repair or remove it\.$"):
        asked.images[np.arange(10)]


@pytest.mark.parametrize(("spoil", "said"), [
    (lambda r: (r / "val").rename(r / "v"), r"ImageNet is not at .* \(val/ is missing\); expected train/.*image-net"),
    (lambda r: (r / "val/n02").rename(r / "val/n03"), r"2 classes in train/ but 2 in val/ \(n02 is only in train/\)"),
    (lambda r: (r / "val/n03").mkdir(), r"2 classes in train/ but 3 in val/ \(n03 is only in val/\)"),
    (lambda r: [p.unlink() for p in (r / "val/n02").iterdir()], "Class 'n02' of .* has no images to test on"),
])
def test_an_imagenet_whose_classes_disagree(tmp_path, spoil, said):
    imagenet(tmp_path)
    spoil(tmp_path)
    with pytest.raises(UserError, match=said):
        load_data(DataSpec("imagenet", str(tmp_path), size=32))


@pytest.mark.parametrize(("options", "said"), [
    ({"fraction": 0}, "data.fraction must be a number from 1e-06 to 1, got 0"),
    ({"fraction": "all"}, "data.fraction .* got 'all'"),
    ({"classes": 1}, "data.classes must be a whole number from 2 to 1000, got 1"),
    ({"split": "darts"}, "data.split must be one of nasbench201, got 'darts'"),
    ({"name": "svhn", "split": "nasbench201"}, "data.split means nothing for data=svhn"),
    ({"name": "cifar10", "classes": 5}, "data.classes means nothing for data=cifar10"),
    ({"name": "imagenet", "download": True}, "data.download means nothing for data=imagenet"),
])
def test_options_that_mean_nothing(options, said):
    with pytest.raises(UserError, match=said):
        load_data(DataSpec(**options))


def test_a_missing_set_says_where_it_should_lie_and_nothing_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))
    published = set(datasets) - {"arrays", "digits", "folder"}
    assert published == {"cifar10", "cifar100", "fashion_mnist", "imagenet", "imagenet16", "svhn", "tiny_imagenet"}
    for name in published:
        with pytest.raises(UserError, match=rf"is not at {tmp_path}.*data\.root"):
            load_data(DataSpec(name, str(tmp_path)))
