"""Training that rounds as the int8 file does: the file's own weights, gradients that pass, nothing that stays."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from dcanas.export import export_onnx, onnx_predict, quantize_onnx
from dcanas.training.int8_aware import rounded_as_int8, rounded_weight


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8), nn.ReLU(),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))


IMAGES = np.random.default_rng(0).integers(0, 256, (32, 3, 12, 12), dtype=np.uint8)


@pytest.mark.parametrize(("bits", "steps"), [(8, 127), (7, 64)])
def test_rounded_weights_are_those_of_the_int8_file(bits, steps, tmp_path):
    model = network().eval()
    path = quantize_onnx(export_onnx(model, tmp_path / "a.onnx", (3, 12, 12)), tmp_path / "b.onnx", IMAGES, bits)
    graph = onnx.load(path).graph
    stored = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    fed = {node.output[0]: node.input for node in graph.node if node.op_type == "DequantizeLinear"}
    found = [(stored[fed[n.input[1]][0]], stored[fed[n.input[1]][1]]) for n in graph.node if n.op_type == "Conv"]
    for layer, (values, scales) in zip((model[0], model[2]), found, strict=True):
        expected = values * scales.reshape(-1, 1, 1, 1)
        assert np.abs(rounded_weight(layer.weight, steps).detach().numpy() - expected).max() < 1e-6


def test_the_rounded_network_answers_as_the_int8_file(tmp_path):
    """Ranges from one batch that is also what the file is calibrated with; the kernels of the middle differ by much, so
    that rounding them counts for more than rounding the answer."""
    model = network()
    with torch.no_grad():
        model[2].weight.mul_(torch.exp(3 * torch.randn_like(model[2].weight)))
        model[6].weight.mul_(torch.exp(3 * torch.randn_like(model[6].weight)))
    floats = torch.from_numpy(IMAGES.astype(np.float32) / np.float32(255))
    path = quantize_onnx(export_onnx(model.eval(), tmp_path / "a.onnx", (3, 12, 12)), tmp_path / "b.onnx", IMAGES, 8)
    exact = model(floats).detach().numpy()
    with rounded_as_int8(model):
        model.train()(floats)
        found = model.eval()(floats).detach().numpy()
    file = onnx_predict(path, floats.numpy())
    assert np.abs(found - file).mean() < 0.7 * np.abs(exact - file).mean()
    assert np.abs(found - exact).max() > 0


def test_gradients_pass_and_nothing_stays():
    model, floats = network(), torch.rand(4, 3, 12, 12)
    names, before = list(model.state_dict()), [type(module) for module in model.modules()]
    with rounded_as_int8(model):
        assert "0.range" in model.state_dict()
        model.train()(floats).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.parameters())
    assert list(model.state_dict()) == names
    assert [type(module) for module in model.modules()] == before
    weight = torch.randn(3, 2, 3, 3, requires_grad=True)
    rounded_weight(weight).sum().backward()
    assert torch.equal(weight.grad, torch.ones_like(weight))
