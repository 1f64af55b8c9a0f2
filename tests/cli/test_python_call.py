"""The command and `dcanas.run` are one product: the same settings give the same bits."""

from __future__ import annotations

import pytest
import torch
import yaml
from shortcuts import quick

import dcanas as package
from dcanas.basics.files import read_json


@pytest.mark.slow
def test_a_call_and_a_command_give_the_same_network(finished, tiny, tmp_path):
    typed = dict(text.split("=") for text in tiny)
    del typed["run.progress"]
    search = typed.pop("search")
    settings = {key: yaml.safe_load(value) for key, value in typed.items()}
    with quick():
        run = package.run("digits", directory=tmp_path / "run", search=search, settings=settings)
    by_call, by_command = run.directory, package.load(finished).directory
    assert (by_call / "settings.yaml").read_text() == (by_command / "settings.yaml").read_text()
    first, second = (read_json(folder / "search" / "scores.json") for folder in (by_call, by_command))
    assert first["scores"] == second["scores"]
    parts = [folder / "derived" / "local-cpu" for folder in (by_call, by_command)]
    first, second = (read_json(part / "architecture.json") for part in parts)
    assert first["architecture"] == second["architecture"]
    first, second = (torch.load(part / "weights.pt", weights_only=True) for part in parts)
    assert list(first) == list(second)
    assert all(torch.equal(first[name], second[name]) for name in first)
    first, second = (read_json(part / "certificate.json") for part in parts)
    assert (first["sha256"], first["accuracy"]) == (second["sha256"], second["accuracy"])
