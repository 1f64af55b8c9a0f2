"""The folder of a worker: what was there before it stays, whatever goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from dcanas.export.worker import Server, WorkerError


@pytest.mark.parametrize("kind", ["a file is there", "made before, then none"])
def test_a_worker_without_a_folder_removes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Over SSH the current folder is the user's home."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "letters.txt").write_text("kept")
    monkeypatch.chdir(home)
    server = Server(lambda *words: None)
    if kind == "made before, then none":
        made = Path(server.do({"do": "open", "name": "", "folder": str(tmp_path / "work")}, None)["folder"])
        assert made.parent == tmp_path / "work"
    with pytest.raises(WorkerError, match=r"cannot be made or written.*set connection\.folder"):
        server.do({"do": "open", "name": "", "folder": str(home / "letters.txt")}, None)
    server.close()
    assert (home / "letters.txt").read_text() == "kept"
    if kind == "made before, then none":
        assert not made.exists()


def test_a_named_folder_stays(tmp_path: Path) -> None:
    server = Server(lambda *words: None)
    folder = Path(server.do({"do": "open", "name": "bundle", "folder": str(tmp_path)}, None)["folder"])
    server.close()
    assert folder == tmp_path / "bundle"
    assert folder.is_dir()
