"""What can be known before the search is refused before the search, with the cause that was found."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from dcanas.basics.errors import UserError
from dcanas.basics.resources import resource_folder
from dcanas.export.onnx_file import require_whole_file
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


def test_an_opset_that_cannot_be_written(dcanas, tiny, old, tmp_path):
    found = dcanas("run", *tiny, f"device={old}", f"run.dir={tmp_path / 'run'}")
    assert (found.code, found.err.count("\n")) == (2, 1), found.err
    assert "Networks of nasbench201 cannot be delivered for old: " in found.err
    assert "opset 17" in found.err
    assert not (tmp_path / "run/search").exists()


def _dataset(side):
    images, none = np.zeros((4, 3, side, side), np.uint8), np.empty(0, np.int64)
    return Dataset("own", ("a", "b"), images, np.array([0, 1, 0, 1]), np.arange(4), none, none,
                   preprocessing((side, side), 3), False)


def test_a_teacher_that_cannot_take_the_images(tmp_path):
    from torchvision.models import get_model

    torch.manual_seed(0)
    weights = get_model("alexnet", weights=None, num_classes=2).state_dict()
    torch.save(weights, tmp_path / "teacher.pt")
    recipe = Recipe(distillation=Distillation(teacher="alexnet", weights=str(tmp_path / "teacher.pt")))
    with pytest.raises(UserError, match=r"teacher=alexnet cannot take images of 8x8 pixels \(.*data\.size"):
        try_teacher(recipe, _dataset(8))
    try_teacher(recipe, _dataset(64))
    weights["classifier.6.bias"][0] = torch.nan
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
