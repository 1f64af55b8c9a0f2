"""A whole run from given weights says in its certificate where they come from."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

import dcanas
from dcanas.basics.files import read_json
from dcanas.spaces import load_space

SMALL = {"channels": 4, "cells": 1}
TINY = {"space": {"final_skeleton": SMALL, "search_skeleton": SMALL}, "run.threads": 1,
        "search": {"epochs": 1, "finalists": 1, "batch_size": 16, "rerank": []}, "train": {"epochs": 1}}


def images() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (80, 8, 8), dtype=np.uint8), np.arange(80) % 2


def run(folder, path) -> dcanas.Run:
    return dcanas.run(images(), "raspi4", {}, directory=folder, settings={**TINY, "train.init": str(path)})


@pytest.mark.slow
def test_the_certificate_says_where_the_first_weights_come_from(tmp_path):
    space = load_space("nasbench201")
    network = space.build(space.sample(np.random.default_rng(0)), 2, 1, **SMALL)
    stem = {f"module.{name}": value for name, value in network.state_dict().items() if name.startswith("blocks.0.")}
    torch.save(stem, tmp_path / "stem.pt")
    with pytest.warns(UserWarning, match=r"6 weights taken over; \d+ are not in the file"):
        run(tmp_path / "run", tmp_path / "stem.pt")
    assert read_json(tmp_path / "run" / "certificate.json")["pretrained"] == {
        "sources": [], "file": str(tmp_path / "stem.pt"),
        "sha256": hashlib.sha256((tmp_path / "stem.pt").read_bytes()).hexdigest(), "tensors": 6,
        "parameters": 4 * 9 + 8, "licence": None, "origin": None, "mean": None, "deviation": None}
    assert "Training started from weights of an earlier training: 6 tensors with 44 parameters" in (
        tmp_path / "run" / "certificate.md").read_text()
