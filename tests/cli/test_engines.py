"""Engines that cannot be used are refused in one sentence, before anything is done."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dask_cluster import free_port


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("dcanas.basics.fan_out.on_dask.CONNECT_S", 1.0)


@pytest.mark.parametrize(("words", "message"), [
    ("run.engine=cluster", r"run\.engine must be local or dask:tls://HOST:PORT"),
    ("run.engine=dask:tcp://10.0.0.7:8786", r"has no TLS, and Dask runs whatever reaches its port: .*trust_network"),
    ("run.engine=dask:tcp://127.0.0.1:{free}", r"Nobody answers at tcp://127\.0\.0\.1:\d+ .*dask scheduler.*=local"),
    ("run.compute=cuda", r"run\.compute=cuda, but torch finds no CUDA device here; use run\.compute=cpu"),
])
def test_refused_before_the_search(dcanas, tiny, tmp_path: Path, words: str, message: str) -> None:
    import torch

    if "cuda" in words and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    found = dcanas("run", *tiny, words.format(free=free_port()), f"run.dir={tmp_path / 'run'}")
    assert (found.code, found.err.count("\n")) == (2, 1), found.err
    assert re.search(message, found.err), found.err
    assert not (tmp_path / "run").exists()


def test_a_package_that_is_missing(dcanas, tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcanas.basics.fan_out.on_dask.find_spec", lambda name: None)
    found = dcanas("run", *tiny, "run.engine=dask:tcp://127.0.0.1:1", f"run.dir={tmp_path / 'run'}")
    assert (found.code, found.err) == (
        2, 'dcanas: run.engine=dask:tcp://127.0.0.1:1 needs Dask: pip install "dcanas[dask]".\n')
    assert not (tmp_path / "run").exists()
