"""What all tests share: real tables, a board behind SSH, one thread, a chain of slots as a space too large to list."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from loopback import Loopback, loopback

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tables() -> Path:
    """The folder of published tables and real images; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("DCANAS_TABLES") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("the published tables are not here (DCANAS_TABLES names their folder)")
    return folder


@pytest.fixture(scope="session")
def accuracy_rows(tables: Path) -> list[dict[str, str]]:
    with gzip.open(tables / "nasbench201_accuracy.csv.gz", "rt") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    """A real SSH server on the loopback interface."""
    with loopback(tmp_path_factory.mktemp("sshd")) as board:
        yield board


@pytest.fixture
def board(sshd: Loopback, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    """The server as a board: `ssh` finds it, and its profiles are the user's own."""
    monkeypatch.setenv("PATH", sshd.path)
    monkeypatch.setenv("DCANAS_DEVICES", str(sshd.devices))
    return sshd
