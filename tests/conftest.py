"""What all tests share: real tables, a board behind SSH, one thread, a chain of slots as a space too large to list."""

from __future__ import annotations

import csv
import gc
import gzip
import os
import sys
from collections.abc import Iterator
from functools import cache, wraps
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: two workers on two cores, and what they start

import pytest
from loopback import Loopback, loopback


def pytest_configure(config: pytest.Config) -> None:
    """Let all processes share bytecode, in pytest's cache, where none may be written beside the sources.

    Compiling torch takes each process that imports it seconds.
    """
    if sys.dont_write_bytecode and config.pluginmanager.has_plugin("cacheprovider"):
        sys.dont_write_bytecode, sys.pycache_prefix = False, str(config.cache.mkdir("bytecode"))
        os.environ |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": sys.pycache_prefix}


def pytest_collection_finish() -> None:
    gc.freeze()  # what torch and the tests are made of is never garbage; each look through it takes half a second


def pytest_unconfigure() -> None:
    gc.unfreeze()  # what is frozen at the end counts as leaked


@pytest.fixture(scope="session", autouse=True)
def one_table_of_translations() -> Iterator[None]:
    """Let all exports of a version of ONNX share torch's table of translations; making it is a third of an export."""
    import torch

    torch.set_num_threads(1)
    export = torch.onnx.export

    @cache
    def shared() -> None:
        from torch.onnx._internal.exporter._registration import ONNXRegistry

        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(cache(ONNXRegistry.from_torchlib)))

    @wraps(export)
    def exported(*arguments: Any, **options: Any) -> Any:
        shared()
        return export(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.onnx, "export", exported)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_process() -> Iterator[None]:
    """Independent tasks run in the test's own process unless it asks for others, as tests share the cores already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dcanas.basics.fan_out.engine.usable_cores", lambda: 1)
        yield


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
