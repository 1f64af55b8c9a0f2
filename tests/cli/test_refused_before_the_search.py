"""What can be known before the search is refused before the search, with the cause that was found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from dcanas.basics.errors import UserError
from dcanas.basics.resources import resource_folder
from dcanas.export.onnx_file import require_whole_file
from dcanas.pipeline.preflight import telling_members
from dcanas.spaces import load_space
from dcanas.training import Recipe
from dcanas.training.data import Dataset, preprocessing
from dcanas.training.recipe_parts import Distillation
from dcanas.training.teacher import try_teacher


@pytest.fixture
def old(tmp_path, monkeypatch):
    """A device whose runtime knows operators of opset 17 only."""
    (tmp_path / "devices").mkdir()
    own = (resource_folder("hardware_profiles") / "local-cpu.yaml").read_text()
    own = own.replace("name: local-cpu", "name: old").replace("opset: 18", "opset: 17")
    (tmp_path / "devices/old.yaml").write_text(own)
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path / "devices"))
    return "old"


@pytest.mark.slow
def test_an_opset_that_cannot_be_written(dcanas, tiny, old, tmp_path):
    found = dcanas("run", *tiny, f"device={old}", f"run.dir={tmp_path / 'run'}")
    assert (found.code, found.err.count("\n")) == (2, 1), found.err
    assert "Networks of nasbench201 cannot be delivered for old: " in found.err
    assert "opset 17" in found.err
    assert not (tmp_path / "run/search").exists()


UNTRAINED = ("search", "derived")  # folders that a run makes when it searches and trains


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "device", "sentence"), [
    ("nn.GELU()", "stm32f411", "cannot be delivered for stm32f411: the int8 file holds "),
    ("Odd()", "local-cpu", "cannot be exported for local-cpu ("),
])
def test_an_operator_of_one_option_that_c_or_the_exporter_cannot_do(dcanas, tmp_path, activation, device, sentence):
    whole = Path(__file__).parents[1].joinpath("spaces/ladder_space.py").read_text(encoding="utf-8")
    own = whole.replace("affine=affine), nn.ReLU())",
                        f"affine=affine), {activation} if option == 'conv5' else nn.ReLU())")
    assert own != whole
    odd = ("class Odd(nn.Module):\n    def forward(self, x):\n        return torch.linalg.qr(x).Q + 0 * x\n\n\n"
           "class Rung(")
    (tmp_path / "ladder_space.py").write_text(own.replace("class Rung(", odd, 1))
    found = dcanas("run", "space=file", f"space.file={tmp_path / 'ladder_space.py'}", "search.share=false",
                   "run.threads=1", f"device={device}", "budget=none", f"run.dir={tmp_path / 'run'}")
    assert (found.code, found.err.count("\n")) == (2, 1), found.err
    assert f"Networks of ladder {sentence}" in found.err
    assert not any((tmp_path / "run" / name).exists() for name in UNTRAINED)


@pytest.mark.parametrize(("content", "sentence"), [
    ([1, 2], "holds no state dict (names and tensors)"),
    ({"conv.weight": torch.zeros(7, 7)}, "fits this network: it holds 1 names (conv.weight)"),
    ({"blocks.0.0.weight": torch.full((4, 1, 3, 3), torch.nan)}, "holds numbers that are not finite"),
])
def test_weights_that_no_network_of_the_space_can_start_from(dcanas, tiny, tmp_path, content, sentence):
    torch.save(content, tmp_path / "weights.pt")
    found = dcanas("run", *tiny, f"train.init={tmp_path / 'weights.pt'}", f"run.dir={tmp_path / 'run'}")
    assert (found.code, found.err.count("\n")) == (2, 1), found.err
    assert sentence in found.err
    assert not any((tmp_path / "run" / name).exists() for name in UNTRAINED)


def test_a_pattern_of_frozen_parameters_that_matches_nothing(dcanas, tiny, tmp_path):
    found = dcanas("run", *tiny, "train.freeze=[nothing.*]", f"run.dir={tmp_path / 'run'}")
    assert (found.code, found.err.count("\n")) == (2, 1), found.err
    assert "train.freeze: no parameter is called 'nothing.*'" in found.err
    assert not any((tmp_path / "run" / name).exists() for name in UNTRAINED)


def test_a_teacher_of_a_run_that_cannot_take_its_images(dcanas, tiny, tmp_path):
    from torchvision.models import get_model

    torch.save(get_model("squeezenet1_1", weights=None, num_classes=10).state_dict(), tmp_path / "teacher.pt")
    found = dcanas("run", *tiny, "data.channels=3", "train.distillation.teacher=squeezenet1_1",
                   f"train.distillation.weights={tmp_path / 'teacher.pt'}", f"run.dir={tmp_path / 'run'}")
    assert (found.code, found.err.count("\n")) == (2, 1), found.err
    assert "teacher=squeezenet1_1 cannot take images of 8x8 pixels" in found.err
    assert not (tmp_path / "run").exists()


def test_members_that_are_tried_have_every_operation():
    for name in ("nasbench201", "darts", "fbnet"):
        space = load_space(name)
        found = telling_members(space, 0)
        taken = {slot.options[choice] for arch in found
                 for slot, choice in zip(space.slots, arch.choices, strict=True)}
        assert taken == {option for slot in space.slots for option in slot.options}
        assert len(found) <= 8


def _dataset(side):
    images, none = np.zeros((4, 3, side, side), np.uint8), np.empty(0, np.int64)
    return Dataset("own", ("a", "b"), images, np.array([0, 1, 0, 1]), np.arange(4), none, none,
                   preprocessing((side, side), 3), False)


def test_a_teacher_that_cannot_take_the_images(tmp_path):
    from torchvision.models import get_model

    torch.manual_seed(0)
    weights = get_model("squeezenet1_1", weights=None, num_classes=2).state_dict()
    torch.save(weights, tmp_path / "teacher.pt")
    recipe = Recipe(distillation=Distillation(teacher="squeezenet1_1", weights=str(tmp_path / "teacher.pt")))
    with pytest.raises(UserError, match=r"teacher=squeezenet1_1 cannot take images of 8x8 pixels \(.*data\.size"):
        try_teacher(recipe, _dataset(8))
    try_teacher(recipe, _dataset(64))
    weights["classifier.1.bias"][0] = torch.nan
    torch.save(weights, tmp_path / "teacher.pt")
    with pytest.raises(UserError, match="hold numbers that are not finite"):
        try_teacher(recipe, _dataset(64))


def test_an_onnx_file_that_keeps_its_weights_elsewhere(tmp_path):
    weights = numpy_helper.from_array(np.ones((1, 1, 1, 600), np.float32), "w")
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 1, 1])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 1, 600])], [weights])
    model = helper.make_model(graph)
    onnx.save(model, str(tmp_path / "inside.onnx"))
    require_whole_file(tmp_path / "inside.onnx")
    onnx.save(model, str(tmp_path / "outside.onnx"), save_as_external_data=True, location="weights.bin",
              size_threshold=0)
    with pytest.raises(UserError, match=r"keeps its weights in another file \(weights\.bin\)"):
        require_whole_file(tmp_path / "outside.onnx")
