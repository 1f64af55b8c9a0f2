"""Files of the user's own: run once for each content, replaced by later ones, gone without a trace if they fail."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dcanas.basics.errors import UserError
from dcanas.basics.registry import Registry
from dcanas.basics.user_files import file_hash, load_only, load_user_file

shapes: Registry = Registry("shape", {"root": ("math:sqrt", "Return the square root of x.")})
HEAD = "from test_user_files import runs, shapes\n\n"
SQUARE = HEAD + "@shapes.add\ndef square(x):\n    '''Return x * x.\n\n    More.'''\n    return x * x\nruns.append(1)\n"
runs: list[int] = []


@pytest.fixture
def file(tmp_path: Path):
    runs.clear()
    yield tmp_path / "mine.py"
    for name in [name for name in shapes if name != "root"]:
        shapes.forget(shapes.module_of(name))


def load(file: Path, text: str):
    file.write_text(text)
    return load_only(shapes, file, "shape.file", "a function with the decorator @shapes.add")


def test_a_file_runs_once_for_each_content(file):
    square = load(file, SQUARE)
    assert load(file, SQUARE) is square
    assert runs == [1]
    assert (square(3), shapes["square"](4), list(shapes)) == (9, 16, ["root", "square"])
    assert shapes.texts() == {"root": "Return the square root of x.", "square": "Return x * x."}
    assert shapes.made_by(load_user_file(file, "shape.file")) == ["square"]
    assert load(file, SQUARE.replace("x * x\n", "x * x * x\n"))(3) == 27
    assert shapes["square"](3) == 27
    assert load(file, SQUARE) is square  # as it was before: not run again, and back in its place
    assert shapes["square"] is square
    assert runs == [1, 1]


@pytest.mark.parametrize(("text", "message"), [
    (HEAD, r"must define exactly one shape, a function with the decorator @shapes.add, and defines none\."),
    (SQUARE + SQUARE.replace("def square", "def other"), r"exactly one shape, .* and defines square, other\."),
    (SQUARE + "1 / 0\n", r"cannot be run as Python: ZeroDivisionError: division by zero\."),
    (SQUARE.replace("def square", "def root"),
     r"ValueError: shape 'root' is registered by math already; choose another name\."),
    (SQUARE + "from dcanas.basics.errors import UserError\nraise UserError('Buy a licence.')\n", r"^Buy a licence\.$"),
])
def test_what_fails_leaves_all_as_it_was(text, message, file):
    square = load(file, SQUARE)
    for _ in range(2):  # and is refused again in the same words
        with pytest.raises(UserError, match=message):
            load(file, text)
        assert list(shapes) == ["root", "square"]
        assert shapes["square"] is square


def test_its_hash_is_of_the_content(file):
    with pytest.raises(UserError, match=r"^There is no file .*mine\.py \(shape\.file\); give the path of a Python"):
        file_hash(file, "shape.file")
    file.write_text(SQUARE)
    assert file_hash(file, "shape.file") == hashlib.sha256(SQUARE.encode()).hexdigest()
    assert load_user_file(file, "shape.file", file_hash(file, "shape.file"))
    with pytest.raises(UserError, match=r"mine\.py \(shape\.file\) has changed since the run was made; restore it"):
        load_user_file(file, "shape.file", "0" * 64)
    other = file.with_suffix(".txt")
    other.write_text("x = 1")
    with pytest.raises(UserError, match=r"mine\.txt is not a Python file; its name must end in \.py"):
        load_user_file(other, "shape.file")
