"""Look-alikes are found, and no group of them is on both sides of a split."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from dcanas.pretrained import PretrainedSettings, load_pretrained
from dcanas.training import Dataset, DataSpec, load_data
from dcanas.training.array_data import array_dataset
from dcanas.training.array_input import read_splits
from dcanas.training.look_alikes import groups_of, keep_together, look_alikes, pooled_features, regroup


def textures(count: int, seed: int = 0) -> np.ndarray:
    """Return images of 48 pixels with patches of 3 pixels at random."""
    small = np.random.default_rng(seed).integers(0, 256, (count, 3, 16, 16), dtype=np.uint8)
    return small.repeat(3, axis=2).repeat(3, axis=3)


def as_dataset(labels: np.ndarray, test: int = 0) -> Dataset:
    """Return a data set of these labels whose last `test` images are those of the test split."""
    known = np.arange(len(labels) - test)
    return Dataset("made", tuple(map(str, np.unique(labels))), np.zeros((len(labels), 1, 8, 8), np.uint8), labels,
                   known[::2], known[1::2], np.arange(len(known), len(labels)), {}, False)


def test_copies_join_whatever_their_class_and_others_do_not():
    images = textures(6)
    images[1] = images[0]  # equal
    images[3] = np.clip(images[2].astype(int) + 9, 0, 255)  # another exposure
    found = look_alikes(images, np.array([0, 1, 0, 1, 0, 1]), None)
    assert found[0] == found[1]
    assert found[2] == found[3]
    assert len(np.unique(found)) == 4


def test_even_images_are_no_copies_of_each_other():
    images = np.stack([np.full((3, 48, 48), value, np.uint8) for value in (10, 60, 110)])
    assert look_alikes(images, np.zeros(3, np.int64), None).tolist() == [0, 1, 2]


def test_close_features_join_within_a_class_only():
    angle = np.radians([0, 30, 90, 5, 60])  # cosine distances from the first: 0.13, 1, 0.004; the last is apart
    features = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    found = look_alikes(textures(5), np.array([0, 0, 0, 1, 1]), features)
    assert found[0] == found[1]
    assert len(np.unique(found)) == 4


def test_no_group_is_on_both_sides_and_classes_keep_their_shares():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [100, 60, 40])
    groups = np.concatenate([1000 * c + rng.integers(0, n // 4, n) for c, n in enumerate((100, 60, 40))])
    groups[[3, 110]] = 7777  # one of two classes
    made = regroup(as_dataset(np.append(labels, [0, 1, 2]), test=3), _in_order(groups), 0.2, seed=1)
    assert np.array_equal(np.sort(np.concatenate([made.train, made.validation])), np.arange(200))
    assert made.test.tolist() == [200, 201, 202]
    assert not np.intersect1d(groups[made.train], groups[made.validation]).size
    kept = np.bincount(labels[made.validation])
    assert (kept >= [10, 6, 4]).all()
    assert (kept <= [26, 15, 10]).all()
    again, other = (regroup(as_dataset(np.append(labels, [0, 1, 2]), 3), _in_order(groups), 0.2, s) for s in (1, 2))
    assert np.array_equal(again.validation, made.validation)
    assert not np.array_equal(other.validation, made.validation)


def _in_order(groups: np.ndarray) -> np.ndarray:
    """Return groups by position as groups in the order of `as_dataset`'s images to learn from."""
    return np.concatenate([groups[::2], groups[1::2]])


def test_the_smallest_group_goes_where_none_fits_and_one_huge_group_is_divided():
    labels = np.repeat([0, 1], [20, 20])
    groups = np.concatenate([np.repeat([0, 1], [13, 7]), np.full(20, 2)])  # 7 of 20 is more than 1.3 fifths
    made = regroup(as_dataset(labels), _in_order(groups), 0.2, 0)
    assert made.validation[labels[made.validation] == 0].tolist() == list(range(13, 20))
    assert np.bincount(labels[made.validation])[1] == 4


@pytest.fixture(scope="module")
def lite():
    return load_pretrained(PretrainedSettings("efficientnet_lite0"))


def folder(root: Path, splits: tuple[str, ...]) -> Path:
    """Write per split and class four places of a photograph, three shots of each, a few pixels apart."""
    for number, split in enumerate(splits):
        for name, photograph in zip("ab", load_sample_images().images, strict=True):
            for i in range(12):
                x, y, scene = 150 * (i // 3) + 4 * (i % 3) + 2 * number, 200 * (i // 3 % 2), i // 3
                path = root / split / name / f"scene{scene}-{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(photograph[y:y + 160, x:x + 160]).save(path)
    return root


def test_a_folder_is_divided_anew_unless_the_user_has_divided_it_or_named_groups(tmp_path, lite):
    spec = DataSpec("folder", root=str(folder(tmp_path / "own", ("train", "test"))), size=48)
    before = load_data(spec)
    made = keep_together(before, spec, lite)
    assert 8 <= len(np.unique(groups_of(before, spec, lite))) <= 12
    groups = dict(zip(before.fit_indices.tolist(), groups_of(before, spec, lite).tolist(), strict=True))
    assert not {groups[i] for i in made.train.tolist()} & {groups[i] for i in made.validation.tolist()}
    assert {groups[i] for i in before.train.tolist()} & {groups[i] for i in before.validation.tolist()}
    assert np.array_equal(made.test, before.test)
    named = replace(spec, group_by="^[a-z]+.[ab].scene.")
    grouped = load_data(named)
    assert keep_together(grouped, named, lite) is grouped
    assert len(np.unique(groups_of(grouped, named, lite))) == 8
    divided = replace(spec, root=str(folder(tmp_path / "divided", ("train", "val", "test"))))
    theirs = load_data(divided)
    assert keep_together(theirs, divided, lite) is theirs


@pytest.mark.parametrize("names", [("train", "val"), ("val", "train")])
def test_a_validation_split_given_in_python_is_kept_in_either_order(names, lite):
    images, labels = textures(40).transpose(0, 2, 3, 1), np.arange(40) % 2
    splits = {"train": (images[:30], labels[:30]), "val": (images[30:], labels[30:])}
    theirs = array_dataset(DataSpec("arrays"), read_splits({name: splits[name] for name in names}))
    assert keep_together(theirs, DataSpec("arrays"), lite) is theirs


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    """Return a data set without a validation split of the user's own, and what it is read from."""
    spec = DataSpec("folder", root=str(folder(tmp_path_factory.mktemp("shots"), ("train", "test"))), size=48)
    return load_data(spec), spec


def test_what_was_found_first_is_kept_whatever_is_divided_later(shots, lite, tmp_path):
    before, spec = shots
    plain = keep_together(before, spec, lite)
    for _ in ("found", "read"):
        made = keep_together(before, spec, lite, tmp_path / "cache")
        assert np.array_equal(made.train, plain.train)
        assert np.array_equal(made.validation, plain.validation)
    (file,) = (tmp_path / "cache").iterdir()
    pairs = (np.arange(len(before.fit_indices)) // 2).tolist()  # groups that no search for look-alikes would find
    file.write_text(json.dumps(pairs))
    used = np.sort(before.fit_indices).tolist()
    asked = keep_together(before, spec, lite, tmp_path / "cache")
    group = dict(zip(used, pairs, strict=True))
    assert not {group[i] for i in asked.train.tolist()} & {group[i] for i in asked.validation.tolist()}
    for dataset in (before, asked, replace(made, normalisation=((0.5,) * 3, (0.5,) * 3))):
        assert groups_of(dataset, spec, lite, tmp_path / "cache").tolist() == [
            group[i] for i in dataset.fit_indices.tolist()]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [file.name]


def test_other_images_or_weights_are_not_taken_for_those_of_the_file(shots, lite, tmp_path):
    before, spec = shots
    labels = before.labels.copy()
    labels[before.train[0]] ^= 1
    images = before.images[:].copy()
    images[before.validation[0], 0, 0, 0] ^= 1
    weights = replace(lite, file=replace(lite.file, sha256="0" * 64))
    for dataset, pretrained in ((before, lite), (replace(before, labels=labels), lite),
                                (replace(before, images=images), lite), (before, weights)):
        groups_of(dataset, spec, pretrained, tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("content", [b"", b"[0, 1", b"\xff", b"{}", b"7", "short", "long", -1, 10**30, 0.5, True, "1",
                                     None])
def test_a_damaged_file_is_made_again(content, shots, lite, tmp_path):
    before, spec = shots
    small = replace(before, train=before.train[:4], validation=before.validation[:2])
    found = groups_of(small, spec, lite, tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    groups = json.loads(whole)
    damaged = {"short": groups[:-1], "long": [*groups, 0]}.get(content, [content, *groups[1:]])
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(damaged).encode())
    assert np.array_equal(groups_of(small, spec, lite, tmp_path), found)
    assert file.read_bytes() == whole


def test_features_are_those_of_the_whole_network_without_its_head(lite):
    """The mean over places of what enters the head, by PyTorch's own hook; images of one channel are taken, too."""
    import torch

    from dcanas.pretrained import PretrainedParts

    images = np.random.default_rng(0).integers(0, 256, (3, 3, 96, 96), dtype=np.uint8)
    network = PretrainedParts(lite).build(lite.architecture, 2, 3, **lite.skeleton).eval()
    seen: list[torch.Tensor] = []
    network.side = 96
    network.head.register_forward_pre_hook(lambda head, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        network((torch.from_numpy(images).float() / 255 - 127 / 255) / (128 / 255))
    assert np.allclose(pooled_features(images, lite), seen[0].mean((2, 3)).numpy(), atol=1e-4)
    assert pooled_features(images[:, :1], lite).shape == (3, 320)
