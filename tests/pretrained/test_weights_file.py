"""Files of weights: what is read, and one sentence for everything that is not."""

from __future__ import annotations

import argparse
import hashlib
import zipfile

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from dcanas.basics.errors import UserError
from dcanas.pretrained import read_weights, weights_file


def saved(path, content):
    torch.save(content, path)
    return path


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))


def wrapped(module: nn.Module, *names: str) -> dict[str, torch.Tensor]:
    return {"".join(names) + name: value for name, value in module.state_dict().items()}


@pytest.mark.parametrize("prefixes", [(), ("module.",), ("_orig_mod.", "module."), ("model.", "module.", "network."),
                                      ("module.", "module.", "model.", "_orig_mod.")])
def test_prefixes_of_wrappers_are_cut_off_in_any_number_and_order(tmp_path, prefixes):
    read = read_weights(saved(tmp_path / "w.pt", wrapped(network(), *prefixes)))
    assert list(read.tensors) == list(network().state_dict())
    assert read.sha256 == hashlib.sha256((tmp_path / "w.pt").read_bytes()).hexdigest()
    assert read.note == ""


def test_names_stay_where_cutting_would_make_two_one(tmp_path):
    state = {"model.0.weight": torch.ones(1), "network.0.weight": torch.zeros(1)}
    assert list(read_weights(saved(tmp_path / "w.pt", state)).tensors) == list(state)


def test_an_averaged_network_is_read_without_its_counter(tmp_path):
    read = read_weights(saved(tmp_path / "w.pt", AveragedModel(network()).state_dict()))
    assert list(read.tensors) == list(network().state_dict())


@pytest.mark.parametrize("keys", [("state_dict", "state_dict_ema"), ("model", "model_ema")])
def test_of_weights_and_averages_the_averages_are_taken_and_that_is_said(tmp_path, keys):
    one, two = {"0.weight": torch.ones(1)}, {"module.0.weight": torch.zeros(1)}
    read = read_weights(saved(tmp_path / "w.pt", {keys[0]: one, keys[1]: two, "epoch": 3}))
    assert float(read.tensors["0.weight"]) == 0
    assert read.note == f"{tmp_path}/w.pt holds {keys[0]} and {keys[1]}: the averages, {keys[1]}, are taken."
    alone = read_weights(saved(tmp_path / "w.pt", {keys[0]: one, keys[1]: None}))
    assert (float(alone.tensors["0.weight"]), alone.note) == (1, "")


def with_value(name: str, value: torch.Tensor) -> dict[str, torch.Tensor]:
    return {**network().state_dict(), name: value}


@pytest.mark.parametrize(("content", "said"), [
    ({"state_dict": network().state_dict(), "args": argparse.Namespace()}, r"is not a whole file of weights: it holds "
     r"Python objects beside tensors \(argparse\.Namespace\), which are never loaded; save the state dict alone"),
    (network(), r"holds Python objects beside tensors \(torch\.nn\."),
    ([torch.ones(1)], "holds no state dict"),
    ({}, "holds no state dict"),
    ({"a": torch.ones(1), "epoch": 3}, "holds no state dict"),
    (with_value("0.bias", torch.tensor([0.0, float("nan"), 0, 0])), r"0\.bias in .* holds numbers that are not finite"),
    (with_value("1.running_var", torch.full((4,), float("inf"))), r"1\.running_var in .* not finite"),
    (with_value("0.weight", torch.ones(4, 3, 1, 1, dtype=torch.int8)), r"0\.weight in .* holds int8, not floating"),
    (with_value("0.weight", torch.ones(1).expand(1 << 20, 1 << 20)), "or more than 536,870,912 numbers"),
    (with_value("0.weight", torch.ones(2, 2).to_sparse()), "holds sparse or absent tensors"),
    (with_value("0.weight", torch.ones(2, device="meta")), "holds sparse or absent tensors"),
])
def test_what_cannot_be_used_is_refused_in_one_sentence(tmp_path, content, said):
    with pytest.raises(UserError, match=said):
        read_weights(saved(tmp_path / "w.pt", content))


@pytest.mark.parametrize("content", [b"", b"hello world", b"\x80\x02}.", b"PK\x03\x04 and no more"])
def test_what_is_no_file_of_weights_is_refused(tmp_path, content):
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(UserError, match=r"is not a whole file of weights|holds no state dict"):
        read_weights(tmp_path / "w.pt")


def test_a_damaged_file_a_folder_and_no_file_are_refused(tmp_path):
    path = saved(tmp_path / "w.pt", network().state_dict())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match="is not a whole file of weights"):
        read_weights(path)
    with pytest.raises(UserError, match="is a folder"):
        read_weights(tmp_path)
    with pytest.raises(UserError, match=r"There are no weights at .*none\.pt"):
        read_weights(tmp_path / "none.pt")


def test_whatever_byte_is_damaged_there_is_one_sentence_or_a_state_dict(tmp_path):
    """Every 7th byte of the zip's own directory and of the pickle before it."""
    whole = saved(tmp_path / "w.pt", {"0.weight": torch.ones(2)}).read_bytes()
    refused = 0
    for place in [*range(0, 200, 7), *range(len(whole) - 400, len(whole), 7)]:
        (tmp_path / "w.pt").write_bytes(whole[:place] + bytes([whole[place] ^ 0x95]) + whole[place + 1:])
        try:
            read_weights(tmp_path / "w.pt")
        except UserError:
            refused += 1
    assert refused > 20


def test_a_file_that_unpacks_to_more_than_is_read_is_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "w.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1 << 22))
    monkeypatch.setattr(weights_file, "BYTES", 1 << 20)
    assert (tmp_path / "w.pt").stat().st_size < 1 << 20
    with pytest.raises(UserError, match=r"holds 0\.0 GiB, more than"):
        read_weights(tmp_path / "w.pt")
