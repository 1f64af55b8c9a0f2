"""What all tests share: the real tables, one thread, and a chain of slots as a space too large to be listed."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import pytest
import torch

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
