"""The manifest of a run directory: what was written is told from what lies there."""

from __future__ import annotations

import hashlib
import json

import pytest

from dcanas.basics.errors import UserError
from dcanas.basics.manifest import (
    MANIFEST,
    damaged_files,
    forget,
    note_files,
    read_manifest,
    require_whole,
    set_aside,
    write_result,
)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "weights.pt").write_bytes(b"123")
    write_result(tmp_path, tmp_path / "train.json", {"a": 1}, "train", [tmp_path / "weights.pt"])
    return tmp_path


def test_it_names_the_hash_of_every_file(root):
    (result,) = read_manifest(root)
    assert (result.done, result.stage) == ("train.json", "train")
    assert result.files == {name: hashlib.sha256((root / name).read_bytes()).hexdigest()
                            for name in ("train.json", "weights.pt")}
    assert json.loads((root / "train.json").read_text()) == {"a": 1}
    assert list(damaged_files(root)) == []
    require_whole(root, "dcanas run")


@pytest.mark.parametrize(("name", "change"), [
    ("weights.pt", lambda path: path.write_bytes(b"124")), ("weights.pt", lambda path: path.write_bytes(b"12")),
    ("weights.pt", lambda path: path.unlink()), ("train.json", lambda path: path.write_text("{}"))])
def test_a_change_of_one_byte_is_found(root, name, change):
    change(root / name)
    assert [path.name for _, path in damaged_files(root)] == [name]
    with pytest.raises(UserError, match=rf"{name} was .* since train wrote it: .* `dcanas run` makes it again"):
        require_whole(root, "dcanas run")
    require_whole(root, "dcanas run", apart_from="train.json")


def test_a_result_that_was_removed_is_not_damaged_but_not_there(root):
    (root / "train.json").unlink()
    assert list(damaged_files(root)) == []
    forget(root, "train.json")
    assert read_manifest(root) == []


def test_what_is_set_aside_never_replaces_anything(root):
    assert set_aside(root / "weights.pt").name == "weights.pt.damaged"
    (root / "weights.pt").write_bytes(b"4")
    assert set_aside(root / "weights.pt").name == "weights.pt.damaged-2"
    assert (root / "weights.pt.damaged").read_bytes() == b"123"


@pytest.mark.parametrize("content", ["[]", "{", '{"a": 1}', '{"a": {"stage": "train", "files": {"../b": "0"}}}',
                                     '{"a": {"stage": "train", "files": {"/etc/passwd": "0"}}}',
                                     '{"a": {"stage": 1, "files": {}}}'])
def test_a_manifest_that_no_run_writes(root, content):
    (root / MANIFEST).write_text(content)
    with pytest.raises(UserError, match=r"manifest\.json is damaged"):
        read_manifest(root)


def test_files_are_added_to_what_is_there(root):
    (root / "page.html").write_text("x")
    note_files(root, root / "page.html", "report")
    assert [result.done for result in read_manifest(root)] == ["train.json", "page.html"]
