"""Robust accuracy: counted by hand, survivors only, stopped and continued, and warnings of masked gradients."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from recording import StopWhen
from small_networks import batch, random_network
from torch import nn

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.fan_out.engine import Engine
from dcanas.export.batched import batched_predict
from dcanas.export.runtime import onnx_predict, open_session
from dcanas.robustness import MaskedGradientWarning, attack_spec, attacks, robust_accuracy, robust_curve
from dcanas.robustness.proportion import Proportion

SUITE = [attack_spec("pgd", steps=5), attack_spec("apgd_ce", steps=10), attack_spec("square", queries=20)]


def test_attacks_without_gradients_work_on_what_is_shipped() -> None:
    network, images, labels = random_network(1), *batch(random_network(1), 1, 30)
    suite, asked = [attack_spec("fgsm"), attack_spec("square", queries=20)], []

    def shipped(x):
        asked.append(len(x))
        return np.tile(np.float32([0, 0, 1, 0, 0]), (len(x), 1))

    (found,) = robust_curve(network, images.numpy(), labels, suite, [0.04], shipped=shipped)
    (alone,) = robust_curve(network, images.numpy(), labels, suite[:1], [0.04])
    assert (found.clean, found.attacks["fgsm"]) == (alone.clean, alone.attacks["fgsm"])
    standing = torch.from_numpy(alone.robust)
    assert found.worst.correct == int((standing & (labels == 2)).sum()) > 0  # the file says 2 of everything
    assert max(asked) == int(standing.sum()) < 30


def test_worst_case_is_the_intersection() -> None:
    network = random_network(1)
    images, labels = batch(network, 1, 30)
    result = robust_accuracy(network, images, labels, SUITE, 0.04, batch_size=8)
    network.eval()
    standing = torch.ones(30, dtype=torch.bool)
    for spec in SUITE:
        changed = attacks[spec.attack](network, images, labels, 0.04, **spec.options)
        alone = (network(changed).argmax(1) == labels) & (network(images).argmax(1) == labels)
        standing &= alone
        assert result.attacks[spec.name] == Proportion(int(standing.sum()), 30)
    assert 0 < int(standing.sum()) < 29
    assert result.worst == Proportion(int(standing.sum()), 30)
    assert result.clean == Proportion(29, 30)
    assert float(result) == int(standing.sum()) / 30
    np.testing.assert_array_equal(result.robust, standing.numpy())
    assert json.loads(json.dumps(result.as_json()))["worst_case"]["correct"] == int(standing.sum())


def test_only_survivors_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    network, seen = random_network(1), {}
    images, labels = batch(network, 1, 30)
    for name in ("pgd", "apgd", "square"):
        original = attacks[name]

        def spy(model, x, *rest, name=name, original=original, **options):
            seen[name] = seen.get(name, 0) + len(x)
            return original(model, x, *rest, **options)

        monkeypatch.setitem(attacks._entries, name, spy)
    result = robust_accuracy(network, images, labels, SUITE, 0.04, batch_size=8)
    assert seen == {"pgd": 29, "apgd": result.attacks["pgd"].correct, "square": result.attacks["apgd_ce"].correct}


def test_an_evaluation_goes_on_after_a_stop_to_the_same_result(tmp_path: Path, monkeypatch) -> None:
    network = random_network(1)
    images, labels = batch(network, 1, 30)
    whole = robust_curve(network, images, labels, SUITE, [0.02, 0.04])
    stops = iter([False, True] * 50)
    rounds = 0
    while True:
        rounds += 1
        try:
            found = robust_curve(network, images, labels, SUITE, [0.02, 0.04], batch_size=7, folder=tmp_path,
                                 hooks=StopWhen(lambda: next(stops)))
            break
        except Stopped:
            continue
    assert rounds > 2
    for a, b in zip(found, whole, strict=True):
        assert (a.attacks, a.worst) == (b.attacks, b.worst)
    for name in ("pgd", "apgd", "square"):  # nothing is left to do
        monkeypatch.setitem(attacks._entries, name, None)
    again = robust_curve(network, images, labels, SUITE, [0.02, 0.04], batch_size=30, folder=tmp_path)
    assert [r.worst for r in again] == [r.worst for r in whole]
    with pytest.raises(UserError, match="belongs to another model, other images or other attacks"):
        robust_curve(network, images, labels, SUITE, [0.02], seed=1, folder=tmp_path)
    with torch.no_grad():
        network[0].bias.add_(1)
    with pytest.raises(UserError, match="belongs to another model"):
        robust_curve(network, images, labels, SUITE, [0.02], folder=tmp_path)


@pytest.mark.slow
def test_batches_on_two_processes_give_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcanas.basics.fan_out.fan_out.WORTH_S", 0)  # none is attacked in this process
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 5))
    with torch.no_grad():
        network[1].weight.mul_(10)
    images, labels = batch(network, 6, 40)
    shipped = batched_predict(_onnx_file(network[1], tmp_path / "model.onnx"), images.numpy())
    alone, shared = (robust_curve(network, images.numpy(), labels, SUITE, [0.02, 0.04], batch_size=8, shipped=shipped,
                                  folder=tmp_path / str(workers), model_key="a network", engine=Engine(workers=workers))
                     for workers in (1, 2))
    for one, other in zip(alone, shared, strict=True):
        assert one.as_json() == other.as_json()
        np.testing.assert_array_equal(one.robust, other.robust)
    assert (tmp_path / "1/attacks.json").read_text() == (tmp_path / "2/attacks.json").read_text()
    assert 0 < shared[1].worst.correct < shared[0].worst.correct < 40
    assert list((tmp_path / "2").iterdir()) == [tmp_path / "2/attacks.json"]


def test_an_engine_needs_a_folder() -> None:
    network = random_network(1)
    with pytest.raises(UserError, match="on an engine needs a folder"):
        robust_curve(network, *batch(network, 1, 4), ["fgsm"], [0.02], engine=Engine(workers=2))


def test_wilson_interval_by_hand() -> None:
    # 8 of 10: as in tests/training/test_metrics.py: 0.71674 -+ 0.22659
    assert Proportion(8, 10).interval == pytest.approx((0.49016, 0.94333), abs=2e-5)


class _Rounding(nn.Module):
    """Rounds its input: zero gradient almost everywhere, the same decisions."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network((x * 64).round() / 64)


class _Noisy(_Rounding):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x + 0.05 * torch.randn_like(x))


def test_masked_gradients_are_warned_of() -> None:
    network = random_network(1)
    images, labels = batch(network, 1, 30)
    with pytest.warns(MaskedGradientWarning) as caught:
        result = robust_accuracy(_Rounding(network), images, labels,
                                 [attack_spec("apgd_ce", steps=10), attack_spec("square", queries=100)], 0.05)
    texts = " ".join(str(w.message) for w in caught)
    assert "The gradient is zero on" in texts
    assert "Square, which sees no gradient, misled the model on" in texts
    assert len(result.warnings) == 2
    with pytest.warns(MaskedGradientWarning, match="randomised"):
        robust_accuracy(_Noisy(network), images, labels, SUITE[:1], 0.05)


def test_an_ordinary_network_gets_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    network = random_network(1)
    images, labels = batch(network, 1, 30)
    assert robust_accuracy(network, images, labels, SUITE, 0.04).warnings == ()
    assert not [w for w in recwarn if issubclass(w.category, MaskedGradientWarning)]


def _onnx_file(layer: nn.Linear, path: Path) -> Path:
    """Write flatten and a matrix product as the exporter would, without its start-up time."""
    tensors = [numpy_helper.from_array(layer.weight.detach().numpy().T.copy(), "w"),
               numpy_helper.from_array(layer.bias.detach().numpy(), "b")]
    nodes = [helper.make_node("Flatten", ["image"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["product"]),
             helper.make_node("Add", ["product", "b"], ["logits"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("image", 1, [1, 1, 8, 8])],
                              [helper.make_tensor_value_info("logits", 1, [1, layer.out_features])], tensors)
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)],
                                       ir_version=8).SerializeToString())
    return path


def test_square_runs_on_the_files_that_are_shipped(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 5))
    with torch.no_grad():
        network[1].weight.mul_(10)
    images, labels = batch(network, 6, 20)
    full = _onnx_file(network[1], tmp_path / "model.onnx")
    small = tmp_path / "int8.onnx"
    quantize_dynamic(full, small, weight_type=QuantType.QInt8, reduce_range=True)  # 8 bits saturate on some CPUs
    assert "MatMulInteger" in {node.op_type for node in onnx.load(small).graph.node}
    suite = [attack_spec("square", queries=30)]
    expected = robust_accuracy(network, images, labels, suite, 0.08)
    for file in (full, small):
        session = open_session(file)
        found = robust_accuracy(lambda x, session=session: onnx_predict(session, x), images.numpy(), labels.numpy(),
                                suite, 0.08, folder=tmp_path / file.stem, model_key=file.name)
        assert found.clean.correct == pytest.approx(19, abs=int(file == small))
        assert found.worst.correct == pytest.approx(expected.worst.correct, abs=2 * int(file == small))
    assert 2 < expected.worst.correct < 17
    with pytest.raises(UserError, match="only if model_key names the model"):
        robust_accuracy(lambda x: onnx_predict(session, x), images.numpy(), labels, suite, 0.08, folder=tmp_path)


def test_bad_lists_of_attacks() -> None:
    network = random_network(1)
    images, labels = batch(network, 1, 4)
    with pytest.raises(UserError, match="needs at least one attack; known: fgsm, pgd"):
        robust_accuracy(network, images, labels, [])
    with pytest.raises(UserError, match="Each attack needs a name of its own, got pgd, pgd"):
        robust_accuracy(network, images, labels, ["pgd", attack_spec("pgd", steps=3)])
    with pytest.raises(UserError, match="needs at least one eps"):
        robust_curve(network, images, labels, ["pgd"], [])
    with pytest.raises(UserError, match="eps=4 is more than"):
        robust_accuracy(network, images, labels, ["pgd"], 4)


def test_a_second_model_goes_on_where_a_first_was_attacked() -> None:
    """Images left out count as misled, and what is drawn for the others does not depend on who was left out."""
    network = random_network(1)
    images, labels = batch(network, 1, 30)
    half = np.arange(30) % 2 == 0
    whole = robust_curve(network, images, labels, SUITE, [0.02, 0.04], batch_size=8)
    found = robust_curve(network, images, labels, SUITE, [0.02, 0.04], batch_size=8, among=[half, half])
    for one, other in zip(whole, found, strict=True):
        np.testing.assert_array_equal(other.robust, one.robust & half)
        assert other.clean == one.clean
        assert 0 < other.worst.correct < one.worst.correct
        assert other.worst.count == 30
