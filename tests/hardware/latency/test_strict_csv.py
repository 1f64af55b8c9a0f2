"""CSV tables as people have them: said how they are read, or refused by line in one sentence."""

from __future__ import annotations

import gzip
import io
import time
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.hardware.latency.strict_csv import LARGEST, number_of, read_csv
from dcanas.hardware.latency.table_files import read_arrays
from dcanas.proxies.columns import read_architectures, read_column, read_columns
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
A, B, C = (SPACE.format(arch) for arch, _ in zip(SPACE.enumerate(), range(3), strict=False))


@pytest.fixture
def table(tmp_path):
    def write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


PLAIN = f"architecture,acc\n{A},93.5\n{B},-1.5e0\n"


@pytest.mark.parametrize(("content", "said"), [
    (PLAIN.encode(), None),
    (PLAIN.replace("\n", "\r\n").encode(), None),
    (PLAIN.replace("\n", "\n\n").encode(), None),
    (PLAIN.encode("utf-8-sig"), "UTF-8 with a byte-order mark, its cells separated by commas."),
    (PLAIN.encode("utf-16"), "UTF-16, its cells separated by commas."),
    (PLAIN.replace(",", ";").encode(), "UTF-8, its cells separated by semicolons."),
    (PLAIN.replace(",", "\t").encode(), "UTF-8, its cells separated by tabs."),
])
def test_encoding_and_separator_are_detected_and_said(table, content, said):
    path = table(content)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read_columns(path, SPACE)
    assert found == {"acc": {SPACE.parse(A): 93.5, SPACE.parse(B): -1.5}}
    assert [str(w.message) for w in caught] == ([] if said is None else [f"{path} is read as {said}"])


@pytest.mark.parametrize(("cell", "words"), [
    ("inf", "which is not a number; leave it empty if the number is not available."),
    ("-Infinity", "leave it empty"), ("1e308", "'1e308', which is too large to compute with"),
    ("1_0", "'1_0', which is not a number; write a plain decimal number."),
    ('"93,5"', "'93,5', which is not a number; write a decimal point."), ("9 3", "'9 3', which is not"),
    ("93.5 %", "'93.5 %', which is not"), ("0x1p3", "'0x1p3', which is not"), ("fast", "'fast', which is not"),
    ("٣", "'٣', which is not"), ("1e999", "too large"),
])
def test_numbers_follow_the_rules_of_the_field(table, cell, words):
    path = table(f"architecture,acc\n{A},93.5\n\n{B},{cell}\n")
    with pytest.raises(UserError) as caught:
        read_columns(path, SPACE)
    assert str(caught.value).startswith(f"{path}, line 4: column acc holds ")
    assert words in str(caught.value)


@pytest.mark.parametrize("cell", ['"93,5"', "inf", "1_0"])
def test_a_column_of_odd_numbers_alone_is_not_dropped_as_text(table, cell):
    with pytest.raises(UserError, match="line 2: column acc holds"):
        read_columns(table(f"architecture,acc,note\n{A},{cell},good\n{B},{cell},bad\n"), SPACE)


def test_every_written_number_is_read_as_python_writes_it(tmp_path):
    rng = np.random.default_rng(0)
    for value in [*rng.normal(size=200) * 10.0 ** rng.integers(-100, 100, 200), 0.0, -1.0, 5]:
        assert number_of(tmp_path, 1, "c", repr(float(value))) == value
    assert [number_of(tmp_path, 1, "c", cell) for cell in ("", " ", "nan", "NaN", "5.", ".5", "+1")] == [
        None, None, None, None, 5, 0.5, 1]


@pytest.mark.parametrize(("content", "words"), [
    (f"architecture,acc,acc\n{A},1,2\n", "has the column 'acc' twice; give every column a name of its own."),
    (f"architecture,\n{A},1\n", "has a column without a name"),
    (f"architecture,acc\n{A},1,2\n", "line 2 has 3 cells instead of 2, separated by commas"),
    (f"architecture,acc\n{A}\n", "line 2 has 1 cells instead of 2"),
    (f"architecture,acc\n{A},1\n{B},1\n{A},1\n", "line 4 has " + A + ", which line 2 has too; keep one of them."),
    (PLAIN.encode("latin-1") + b"\xe9,1\n", "is not a CSV table in UTF-8 (line 4 holds the byte 0xe9); save it as"),
    (PLAIN.encode() + b"\0,1\n", "it holds a zero byte"),
    (f'architecture,acc\n{A},"1\n', "is not a CSV table (unexpected end of data)"),
    ("", "is empty"), ("\n\n", "is empty"), ("acc\n1\n", "has no column architecture"),
])
def test_what_is_ambiguous_is_refused(table, content, words):
    with pytest.raises(UserError) as caught:
        read_columns(table(content), SPACE)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_without_the_number_are_counted(table):
    path = table(f"architecture,acc,other\n{A},1,2\n{B},nan,2\n{C},,2\n")
    with pytest.warns(UserWarning, match=r"2 of 3 rows have no acc \(empty, nan or -1e\+08\) and are left out"):
        name, column = read_column(path, "acc", SPACE)
    assert (name, column) == ("acc", {SPACE.parse(A): 1.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_column(path, "other", SPACE)[1]) == 3


def test_lists_of_architectures_may_repeat_them_and_use_any_separator(table):
    path = table(f"architecture;seed\n{A};0\n{A};1\n{B};0\n")
    with pytest.warns(UserWarning, match="semicolons"):
        assert read_architectures(path, SPACE) == [SPACE.parse(A), SPACE.parse(B)]


def test_small_files_that_unfold_are_refused_soon(table):
    bomb = table(gzip.compress(b"a,b\n" + b"0" * (LARGEST + 1), 1), "t.csv.gz")
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {"shape": (2**40,), "fortran_order": False, "descr": "<f8"})
    arrays = table(b"", "t.npz")
    with zipfile.ZipFile(arrays, "w") as file:
        file.writestr("a.npy", huge.getvalue())
    tracemalloc.start()
    begin = time.monotonic()
    with pytest.raises(UserError, match="is larger than 128 MiB unfolded, which no table is"):
        read_csv(bomb)
    with pytest.raises(UserError, match=r"says that it is \(1099511627776,\) of float64, for which it has too"):
        read_arrays(arrays, 3)
    assert tracemalloc.get_traced_memory()[1] < 400 << 20
    tracemalloc.stop()
    assert time.monotonic() - begin < 20  # two on an idle machine


def test_arrays_of_objects_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.array([{}], dtype=object))
    with pytest.raises(UserError, match="is not an npz file of plain arrays"):
        read_arrays(tmp_path / "a.npz", 1)
