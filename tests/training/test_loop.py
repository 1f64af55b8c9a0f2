"""The training loop: learns, resumes to the bit, stops, and says what went wrong."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from recording import Recording
from torch import nn

from dcanas.basics.checkpoints import load_checkpoint
from dcanas.basics.errors import Stopped, UserError
from dcanas.training import DataSpec, Recipe, batch_bounds, load_data, predict, train
from dcanas.training.loop import SAVE_SECONDS
from dcanas.training.recipe_parts import Colour

RECIPE = Recipe(epochs=3, batch_size=64, learning_rate=0.05, warmup_epochs=1, rotation=5.0, cutout=0.25)
RICH = dataclasses.replace(RECIPE, optimiser="adamw", learning_rate=0.01, last_layer_rate=2.0, ema=0.9, mixup=0.4,
                           erasing=0.5, colour=Colour(auto_augment="cifar10"))


@pytest.fixture(scope="module")
def data():
    torch.set_num_threads(1)
    return load_data(DataSpec())


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
                         nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(128, 10))


def weights(trained: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in trained.state_dict().items()}


def assert_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


@pytest.fixture(scope="module")
def straight(data):
    """Weights and history of RECIPE trained in one go on the training split, seed 7."""
    trained = network()
    history = train(trained, data, data.train, RECIPE, 7)
    return weights(trained), history


@pytest.fixture(scope="module")
def rich(data):
    """The same of RICH: AdamW, averaged weights, mixed images, AutoAugment, erased rectangles."""
    trained = network()
    history = train(trained, data, data.train, RICH, 7)
    return weights(trained), history


def test_it_learns_the_digits(data, straight):
    trained = network()
    trained.load_state_dict(straight[0])
    right = predict(trained, data, data.validation).argmax(1) == data.labels[data.validation]
    assert right.mean() > 0.7  # chance is 0.1
    losses = [row["loss"] for row in straight[1]]
    assert losses == sorted(losses, reverse=True)
    assert [row["step"] for row in straight[1]] == [18, 36, 54]  # 1,149 images in batches of 64: 18 steps


def test_the_first_steps_equal_plain_sgd(data):
    """Two steps written out with torch alone: warm-up, momentum, decay of matrices only, clipped gradient."""
    recipe = Recipe(epochs=1, batch_size=100, learning_rate=0.5, warmup_epochs=0.9, clip_norm=0.5,
                    weight_decay=0.1, label_smoothing=0.2, crop_padding=0, rotation=0.0, zoom=0.0)
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    w, b = ours[1].weight.detach().clone(), ours[1].bias.detach().clone()
    fed = []
    ours[0].register_forward_hook(lambda module, inputs, output: fed.append(output.clone()))
    train(ours, data, data.train[:200], recipe, 3)
    moments = [torch.zeros_like(w), torch.zeros_like(b)]
    pixels = torch.from_numpy(data.images[data.train[:200]]).flatten(1).float() / 255
    seen = []
    for step, x in enumerate(fed):
        rows = [int((pixels == image).all(1).nonzero()[0]) for image in x]
        seen += rows
        y = torch.from_numpy(data.labels[data.train[:200]][rows])
        w.requires_grad_(), b.requires_grad_()
        loss = F.cross_entropy(x @ w.T + b, y, label_smoothing=0.2)
        gradients = torch.autograd.grad(loss, [w, b])
        norm = torch.cat([g.flatten() for g in gradients]).norm()
        gradients = [g * min(1, 0.5 / float(norm)) for g in gradients]
        rate = 0.5 * (step + 1) / 2.8  # 0.9 epochs of 2 steps, and the step after them
        updated = []
        for i, (p, g, decay) in enumerate(zip((w, b), gradients, (0.1, 0.0), strict=True)):
            g = g + decay * p.detach()
            moments[i] = g if step == 0 else 0.9 * moments[i] + g
            updated.append(p.detach() - rate * (g + 0.9 * moments[i]))
        w, b = updated
    assert sorted(seen) == list(range(200))  # every image once
    torch.testing.assert_close(ours[1].weight.detach(), w, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(ours[1].bias.detach(), b, rtol=1e-4, atol=1e-6)


def test_the_first_steps_equal_adamw_and_the_last_layer_has_its_own_rate(data):
    """Two steps of Loshchilov and Hutter (ICLR 2019, algorithm 2): decay of matrices only, beside the gradient's step.

    Moments by 0.9 and 0.999, divided by 1 - 0.9 ** t and 1 - 0.999 ** t; the last layer at five times the rate.
    """
    recipe = Recipe(epochs=1, batch_size=100, optimiser="adamw", learning_rate=0.01, last_layer_rate=5.0,
                    warmup_epochs=0.9, clip_norm=0.0, weight_decay=0.1, label_smoothing=0.0, crop_padding=0)
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    values = [p.detach().clone() for p in ours.parameters()]
    fed = []
    ours[0].register_forward_hook(lambda module, inputs, output: fed.append(output.clone()))
    train(ours, data, data.train[:200], recipe, 3)
    first, second = ([torch.zeros_like(p) for p in values] for _ in range(2))
    pixels = torch.from_numpy(data.images[data.train[:200]]).flatten(1).float() / 255
    for step, x in enumerate(fed, start=1):
        y = torch.from_numpy(data.labels[data.train[:200]][[int((pixels == i).all(1).nonzero()[0]) for i in x]])
        w1, b1, w2, b2 = (p.requires_grad_() for p in values)
        gradients = torch.autograd.grad(F.cross_entropy(F.relu(x @ w1.T + b1) @ w2.T + b2, y), values)
        for i, (p, g, factor) in enumerate(zip(values, gradients, (1, 1, 5, 5), strict=True)):
            rate = factor * 0.01 * step / 2.8  # 0.9 epochs of 2 steps, and the step after them
            first[i], second[i] = 0.9 * first[i] + 0.1 * g, 0.999 * second[i] + 0.001 * g ** 2
            move = first[i] / (1 - 0.9 ** step) / ((second[i] / (1 - 0.999 ** step)).sqrt() + 1e-8)
            values[i] = p.detach() * (1 - rate * (0.1 if p.ndim > 1 else 0.0)) - rate * move
    for got, wanted in zip(ours.parameters(), values, strict=True):
        torch.testing.assert_close(got.detach(), wanted, rtol=1e-4, atol=1e-6)


def test_same_inputs_same_weights_and_every_seed_its_own(data, straight):
    again, other = network(), network()
    assert train(again, data, data.train, RECIPE, 7) == straight[1]
    assert_equal(weights(again), straight[0])
    train(other, data, data.train, RECIPE, 8)
    assert not torch.equal(other.state_dict()["0.weight"], straight[0]["0.weight"])


def test_noise_for_a_test_split_changes_nothing(data, straight):
    images = data.images.copy()
    images[data.test] = np.random.default_rng(0).integers(0, 256, images[data.test].shape)
    trained = network()
    train(trained, dataclasses.replace(data, images=images), data.train, RECIPE, 7)
    assert_equal(weights(trained), straight[0])


def test_stopped_at_any_step_it_goes_on_to_the_same_bits(data, rich, tmp_path):
    for stop_at in (1, 20, 35, 36):  # first step, within an epoch, before and at its end
        with pytest.raises(Stopped, match=f"step {stop_at} of 54"):
            train(network(), data, data.train, RICH, 7, folder=tmp_path, hooks=Recording(stop_at))
    heard = Recording()
    trained = network(seed=99)  # what it starts from is in the checkpoint
    history = train(trained, data, data.train, RICH, 7, folder=tmp_path, hooks=heard)
    assert heard.steps == list(range(37, 55))
    assert heard.rows == [(54, history[-1])]
    assert heard.notes[-1].startswith("epoch 3, loss ")
    assert history == rich[1]
    assert_equal(weights(trained), rich[0])
    finished, never = network(seed=98), Recording()
    assert train(finished, data, data.train, RICH, 7, folder=tmp_path, hooks=never) == history
    assert not never.steps
    assert_equal(weights(finished), rich[0])


def test_epoch_by_epoch_it_is_the_same_training(data, rich, tmp_path):
    """RICH until epoch 1, then 2, then all: the weights in between are averages, and what goes on is not."""
    first = network()
    history = train(first, data, data.train, RICH, 7, folder=tmp_path, until=1)
    assert history == rich[1][:1]
    again = network(seed=99)
    assert train(again, data, data.train, RICH, 7, folder=tmp_path, until=1) == history
    assert_equal(weights(again), weights(first))
    _, state = load_checkpoint(tmp_path)
    assert_equal(weights(first), state["average"])
    assert not torch.equal(state["network"]["0.weight"], state["average"]["0.weight"])
    heard = Recording()
    assert train(network(), data, data.train, RICH, 7, folder=tmp_path, until=2, hooks=heard) == rich[1][:2]
    assert heard.steps == list(range(19, 37))
    with pytest.raises(UserError, match=r"are 2 epochs old, more than until=1"):
        train(network(), data, data.train, RICH, 7, folder=tmp_path, until=1)
    last = network()
    assert train(last, data, data.train, RICH, 7, folder=tmp_path) == rich[1]
    assert_equal(weights(last), rich[0])


def test_a_training_goes_on_from_the_first_epochs_of_another(data, rich, tmp_path):
    """On the same images and seed it is one training; on more images the step is counted in epochs of these."""
    train(network(), data, data.train, RICH, 7, folder=tmp_path / "begun", until=2)
    _, begun = load_checkpoint(tmp_path / "begun")
    last = network(seed=99)
    assert train(last, data, data.train, RICH, 7, begun=begun) == rich[1]
    assert_equal(weights(last), rich[0])
    heard = Recording()
    history = train(network(), data, data.fit_indices, RICH, 8, folder=tmp_path / "more", hooks=heard, begun=begun)
    assert history[:2] == rich[1][:2]
    assert [row["step"] for row in history] == [18, 36, 69]  # 1,438 images: 23 steps
    assert heard.steps == list(range(47, 70))
    again = network(seed=99)
    assert train(again, data, data.fit_indices, RICH, 8, folder=tmp_path / "more", begun=begun) == history
    with pytest.raises(UserError, match="belong to other settings or other data"):
        train(network(), data, data.fit_indices, RICH, 8, folder=tmp_path / "more")


def test_epochs_that_cannot_be_stopped_after(data, tmp_path):
    with pytest.raises(UserError, match=r"until=1\) needs a folder, from whose checkpoint it can go on"):
        train(network(), data, data.train, RECIPE, 7, until=1)
    for until in (0, 4):
        with pytest.raises(UserError, match=rf"until must be .* from 1 to train\.epochs=3, got {until}"):
            train(network(), data, data.train, RECIPE, 7, folder=tmp_path, until=until)


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_in_the_same_bits(data, rich, tmp_path):
    """A fresh process forks the trainings, so that torch is imported once; the first two are killed."""
    rng = np.random.default_rng()
    kills = [int(rng.integers(1, 36)), int(rng.integers(1, 18)), 0]  # steps after which to kill; 0: never
    program = f"""
import os, signal, sys, time
sys.path[:0] = {[str(folder) for folder in Path(__file__).parents[:2]]}
from pathlib import Path
from test_loop import *
folder = Path({str(tmp_path)!r})
torch.set_num_threads(1)
data = load_data(DataSpec())

def training(pipe):
    def report(step):
        os.write(pipe, step.to_bytes(2, "big"))
        time.sleep(0.005)
    trained = network()
    train(trained, data, data.train, RICH, 7, folder=folder / "checkpoints", hooks=Recording(watch=report))
    torch.save(weights(trained), folder / "weights.pt")

for kill_after in {kills}:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        training(write)
        os._exit(0)
    os.close(write)
    steps = []
    while (got := os.read(read, 2)):
        steps.append(int.from_bytes(got, "big"))
        if len(steps) == kill_after:
            time.sleep(0.003)
            os.kill(child, signal.SIGKILL)
            break
    status = os.waitpid(child, 0)[1]
    print(steps[0], os.WIFSIGNALED(status), flush=True)
"""
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    first, second, third = (line.split() for line in done.stdout.splitlines())
    assert first == ["1", "True"]
    assert second == [str(kills[0] // 18 * 18 + 1), "True"] or kills[0] % 18 == 0  # from the last whole epoch
    assert third[1] == "False"
    assert_equal(torch.load(tmp_path / "weights.pt", weights_only=True), rich[0])


def test_a_truncated_newest_checkpoint_falls_back_to_the_one_before(data, straight, tmp_path):
    train(network(), data, data.train, RECIPE, 7, folder=tmp_path)
    newest = sorted(tmp_path.glob("*.pt"))[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    heard = Recording()
    trained = network()
    with pytest.warns(UserWarning, match=newest.name):
        train(trained, data, data.train, RECIPE, 7, folder=tmp_path, hooks=heard)
    assert heard.steps[0] == 37
    assert_equal(weights(trained), straight[0])


def test_the_average_is_what_is_delivered(data):
    """Two epochs of 3 steps: the delivered weights are the average written out over the weights after every step."""
    recipe = Recipe(epochs=2, batch_size=64, learning_rate=0.1, warmup_epochs=0, crop_padding=0, ema=0.3)
    trained = network()
    average, steps = weights(trained), []

    def follow(step):
        share = 1 - min(0.3, (1 + step) / (10 + step))  # 2/11 and 3/12 in the first two steps
        steps.append(share)
        for name, value in trained.state_dict().items():
            average[name] = average[name] + share * (value - average[name]) if value.is_floating_point() else value

    train(trained, data, data.train[:192], recipe, 7, hooks=Recording(watch=follow))
    assert steps == pytest.approx([1 - 2 / 11, 0.75, 0.7, 0.7, 0.7, 0.7])  # 4/13 > 0.3
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(value, average[name], rtol=1e-5, atol=1e-7)
    plain = network()
    train(plain, data, data.train[:192], dataclasses.replace(recipe, ema=0.0), 7)
    assert not torch.equal(plain.state_dict()["0.weight"], trained.state_dict()["0.weight"])


def test_drop_path_ramps_from_zero_by_epoch(data):
    class Dropping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.drop_path = network(), 0.0

        def forward(self, x):
            return self.inner(x)

    model = Dropping()
    heard = Recording(watch=lambda step: model.drop_path)
    train(model, data, data.train[:128], Recipe(epochs=4, batch_size=64, drop_path=0.2), 0, hooks=heard)
    assert heard.watched == pytest.approx([0, 0, 0.05, 0.05, 0.1, 0.1, 0.15, 0.15])  # 0.2 * epoch / 4, as in DARTS


def test_bfloat16_on_request_and_only_then(data):
    kinds = {}
    for amp in ("off", "auto", "bf16"):
        model = network()
        model[-1].register_forward_hook(lambda module, inputs, output, amp=amp: kinds.update({amp: output.dtype}))
        train(model, data, data.train[:64], Recipe(epochs=1, batch_size=64, amp=amp), 0)
        assert model[-1].weight.dtype == torch.float32
    assert kinds == {"off": torch.float32, "auto": torch.float32, "bf16": torch.bfloat16}


def test_the_memory_layout_is_the_recipes(data):
    for channels_last in (True, False):
        model, seen = network(), []
        several = dataclasses.replace(data, images=np.repeat(data.images, 3, axis=1))
        model[0] = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        model[0].register_forward_pre_hook(lambda module, inputs, seen=seen: seen.append(inputs[0]))
        train(model, several, data.train[:64], Recipe(epochs=1, batch_size=64, channels_last=channels_last), 0)
        assert seen[0].is_contiguous(memory_format=torch.channels_last) is channels_last


def test_a_compiler_that_is_missing_is_named(data, monkeypatch):
    from torch._inductor.exc import InductorError

    def broken(network):
        def forward(x):
            raise InductorError(RuntimeError("No working C++ compiler found"), None)
        return forward

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(UserError, match=r"train\.compile=true does not work here .*C\+\+ compiler.*compile=false"):
        train(network(), data, data.train[:64], Recipe(epochs=1, batch_size=64, compile=True), 0)


def test_checkpoints_of_other_settings_are_refused(data, tmp_path):
    train(network(), data, data.train[:100], dataclasses.replace(RECIPE, epochs=1), 7, folder=tmp_path)
    once = dataclasses.replace(RECIPE, epochs=1)
    for recipe, seed, indices in ((RECIPE, 7, data.train[:100]), (once, 8, data.train[:100]),
                                  (once, 7, data.train[:99])):
        with pytest.raises(UserError, match=r"belong to other settings or other data.*run\.dir"):
            train(network(), data, indices, recipe, seed, folder=tmp_path)


def test_a_rate_that_is_too_high_is_named_and_the_good_checkpoint_stays(data, tmp_path):
    class Exploding(nn.Module):
        """Its output is infinite from the 30th call on."""

        def __init__(self) -> None:
            super().__init__()
            self.inner, self.calls = network(), 0

        def forward(self, x):
            self.calls += 1
            return self.inner(x) * (torch.inf if self.calls >= 30 else 1)

    exploding = Exploding()
    with pytest.raises(UserError, match=r"became (nan|inf).* at step 30 of 54, epoch 2; .*rate=0\.05"):
        train(exploding, data, data.train, RECIPE, 7, folder=tmp_path)
    (kept,) = tmp_path.glob("*.pt")
    assert "step-00000018" in kept.name
    assert all(value.isfinite().all() for value in exploding.state_dict().values())


def test_exhausted_memory_gives_advice(data):
    class Greedy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, x):
            return self.weight * torch.empty(1 << 46)  # 256 TiB

    with pytest.raises(UserError, match=r"Memory ran out .* train\.batch_size=64; lower"):
        train(Greedy(), data, data.train, RECIPE, 0)


def test_a_weighted_loss_lifts_the_rare_class(data):
    """Two classes at 40 : 1, few steps: unweighted, the rare one drowns."""
    common = data.train[data.labels[data.train] == 8][:80]
    rare = data.train[data.labels[data.train] == 1][:2]
    recall = {}
    for weighted in (False, True):
        recipe = Recipe(epochs=4, batch_size=41, learning_rate=0.02, warmup_epochs=0, weighted_loss=weighted)
        torch.manual_seed(0)
        trained = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        train(trained, data, np.concatenate([common, rare]), recipe, 0)
        ones = data.validation[data.labels[data.validation] == 1]
        logits = predict(trained, data, ones)
        recall[weighted] = float((logits[:, 1] > logits[:, 8]).mean())
    assert recall[True] > recall[False] + 0.3


def test_batches_hold_every_image_and_never_a_single_one():
    assert batch_bounds(10, 4) == [(0, 4), (4, 8), (8, 10)]
    assert batch_bounds(9, 4) == [(0, 4), (4, 9)]
    assert batch_bounds(3, 64) == [(0, 3)]
    assert batch_bounds(3, 2) == [(0, 3)]
    assert batch_bounds(11, 4, least=4) == [(0, 4), (4, 11)]


def test_long_epochs_are_saved_in_between(data, tmp_path, monkeypatch):
    assert SAVE_SECONDS <= 60
    monkeypatch.setattr("dcanas.training.loop.SAVE_SECONDS", 0.0)
    heard = Recording(watch=lambda step: sorted(f.name[:13] for f in tmp_path.glob("*.pt")))
    train(network(), data, data.train[:300], dataclasses.replace(RECIPE, epochs=1), 0, folder=tmp_path, hooks=heard)
    assert heard.watched[3] == ["step-00000002", "step-00000003"]
