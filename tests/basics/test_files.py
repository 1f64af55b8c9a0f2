"""Files are whole or absent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_bytes, write_json, write_text


def test_written_whole_and_alone(tmp_path):
    path = tmp_path / "deep" / "er" / "file.bin"
    write_bytes(path, b"one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["file.bin"]


def test_permissions_are_those_of_the_user(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "file", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640  # 666 without 027


def test_same_content_is_left_alone(tmp_path):
    path = tmp_path / "file"
    write_text(path, "same")
    before = path.stat()
    time.sleep(0.01)
    write_text(path, "same")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_too_large_for_the_disk_leaves_the_old(tmp_path):
    """A limit on the size of files stands for the full disk."""
    program = (
        "import resource, sys\n"
        "from dcanas.basics.errors import UserError\n"
        "from dcanas.basics.files import write_bytes\n"
        "write_bytes(sys.argv[1], b'old')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    write_bytes(sys.argv[1], b'x' * 5000)\n"
        "except UserError as error:\n    print(error)\n")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "file")], capture_output=True, text=True)
    assert done.stdout == (f"Could not write {tmp_path / 'file'} (File too large); what was there before is untouched: "
                           "make room or choose another place, then run the same command again.\n"), done.stderr
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"file": b"old"}


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match=r"Could not write .*file/inside \(File exists\); what was there before"):
        write_text(tmp_path / "file" / "inside", "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="Permission denied"):
        write_text(tmp_path / "file", "x")


def test_json(tmp_path):
    write_json(tmp_path / "a.json", {"x": [1, None, "ü"]})
    assert read_json(tmp_path / "a.json") == {"x": [1, None, "ü"]}
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": [1, None, "ü"]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert read_json(tmp_path / "a.json") == {"x": [1, None, "ü"]}


@pytest.mark.parametrize("content", [b'{"x": [1,', b"", b"\xff\xfe"])
def test_damaged_json(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.json is damaged .*; delete it and run the command again\."):
        read_json(tmp_path / "a.json")
