"""Files that are small and unfold are refused, in time and memory that are bounded; NaN is no number."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, read_yaml

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))


@pytest.mark.parametrize(("content", "words"), [
    ("NaN", "NaN is not a number"), ('{"a": -Infinity}', "-Infinity is not a number"), ("[" * 200_000, "nested"),
    ("", "damaged"), ('{"a": 1', "damaged"), ("\ufeff{}", "damaged"),
    ("[" + "0," * 4_000_001 + "0]", "more than 4,000,000")])
def test_json(tmp_path, content, words):
    path = tmp_path / "x.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=words):
        read_json(path)


def test_json_larger_than_its_kind(tmp_path):
    (tmp_path / "x.json").write_bytes(b" " * 2000)
    with pytest.raises(UserError, match=r"x\.json is larger than"):
        read_json(tmp_path / "x.json", most=1000)
    with pytest.raises(UserError, match=r"none\.json cannot be read \(No such file"):
        read_json(tmp_path / "none.json")


@pytest.mark.parametrize(("content", "words"), [
    (LAUGHS, "unfolds into more than 100,000 values"), ("a: &a [*a]", "unfolds into more than 100,000 values"),
    ("a: [", "is not valid YAML"), ("!!python/object/apply:os.system [ls]", "is not valid YAML"),
    ("a: " + "[" * 5000, "too deeply nested"), ("- " * 5000, "too deeply nested"),
    ("x" * (2 << 20), "is larger than 64 KiB")])
def test_yaml(tmp_path, content, words):
    path = tmp_path / "x.yaml"
    path.write_text(content, encoding="utf-8")
    start = time.monotonic()
    with pytest.raises(UserError, match=words):
        read_yaml(path)
    assert time.monotonic() - start < 2


def test_yaml_with_a_few_references_is_read(tmp_path):
    (tmp_path / "x.yaml").write_text("a: &a [1, 2]\nb: *a\n")
    assert read_yaml(tmp_path / "x.yaml") == {"a": [1, 2], "b": [1, 2]}
    (tmp_path / "x.yaml").write_text("")
    assert read_yaml(tmp_path / "x.yaml") is None


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory of a process in /proc")
@pytest.mark.parametrize("content", [b"[" + b"{}," * 3_900_000 + b"{}]", b"[" + b"1.5," * 3_900_000 + b"1]"])
def test_the_largest_json_takes_less_than_500_mb(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    code = ("import sys\nfrom pathlib import Path\nfrom dcanas.basics.files import read_json\n"
            "from dcanas.basics.errors import UserError\n"
            "try:\n    read_json(sys.argv[1])\nexcept UserError:\n    pass\n"
            "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])")  # ru_maxrss: the parent's
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "x.json"], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500 << 10  # KiB
