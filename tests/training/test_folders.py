"""Folders as people have them: understood, or refused by a sentence that names the matter; never wrong silently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from faulty_folders import FAULTY, SOUND, Right

from dcanas.basics.errors import UserError
from dcanas.training import DataSpec, load_data
from dcanas.training.understood import report_lines


@pytest.mark.parametrize("case", [*FAULTY.values(), *SOUND.values()], ids=[*FAULTY, *SOUND])
def test_a_folder_is_understood_or_refused(tmp_path, case):
    root = tmp_path / "photos"
    root.mkdir()
    expected = case(root)
    options = dict(expected.options)
    spec = DataSpec("folder", str(root / options.pop("root", "")), **options)
    if not isinstance(expected, Right):
        with pytest.raises(UserError) as caught:
            load_data(spec)
        sentence = str(caught.value)
        assert all(word in sentence for word in expected.words), sentence
        assert "\n" not in sentence
        return
    data = load_data(spec)
    said = "\n".join(report_lines(data.report))
    assert data.classes == expected.classes
    if expected.learnt:
        assert (len(data.train) + len(data.validation), len(data.test)) == (expected.learnt, expected.test), said
    assert all(word in said for word in expected.says), said
    assert not any(word in said for word in expected.silent), said
    if expected.flip is not None:
        assert data.flip is expected.flip
    pixels = [{data.images[[i]].tobytes() for i in part}
              for part in (np.concatenate([data.train, data.validation]), data.test)]
    assert not pixels[0] & pixels[1]
    assert len(pixels[1]) == len(data.test)
    every = np.concatenate([data.train, data.validation, data.test, data.copies])
    assert np.array_equal(np.sort(every), np.arange(len(data.labels)))


def test_the_checklist_is_long_enough():
    kinds = {name.partition("_")[0] for name in FAULTY}
    assert len(FAULTY) >= 60
    assert len(SOUND) >= 20
    assert {"layout", "folds", "labels", "twins", "link", "litter", "format", "bad", "metadata", "depth", "mirror",
            "small", "names"} <= kinds


def test_what_is_stated_of_a_class_holds_for_paths(tmp_path: Path):
    """The order of files, labels and splits is that of sorted paths, as it was before copies were looked for."""
    root = tmp_path / "photos"
    root.mkdir()
    SOUND["splits_called_train_val_test"](root)
    data = load_data(DataSpec("folder", str(root)))
    assert data.train.tolist() == list(range(20))
    assert data.validation.tolist() == list(range(20, 30))
    assert data.test.tolist() == list(range(30, 40))
