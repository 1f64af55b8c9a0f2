"""How long a run is expected to take: the arithmetic, and that only a long one says so."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dcanas.basics.files import write_json
from dcanas.basics.hooks import Hooks
from dcanas.pipeline import duration
from dcanas.pipeline.configure import composed, configured
from dcanas.pipeline.context import Context
from dcanas.pipeline.duration import announce_duration, in_words, training_throughput


class Told(Hooks):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


def made(folder, choices=None, **changes) -> tuple[Context, Told]:
    stated = {key.replace("__", "."): value for key, value in changes.items()}
    settings, options = configured(*composed(choices or {}, {"run.dir": str(folder), "run.threads": 1, **stated}))
    told = Told()
    return Context(settings, options, "dcanas run", told), told


def test_the_arithmetic(tmp_path, monkeypatch) -> None:
    """40,000 images, 30 epochs, 2 million multiply-accumulates each, at a billion a second: 40 minutes."""
    monkeypatch.setattr(duration, "_left", lambda run, macs: (0.0, 40_000 * 30 * 2e6))
    monkeypatch.setattr(duration, "training_throughput", lambda *arguments: 1e9)
    run, told = made(tmp_path / "run")
    announce_duration(run)
    assert "about 40 minutes on this machine, 0 % of it for the search" in told.messages[0]


def test_parts_of_more_than_a_minute_say_so_beforehand(tmp_path, monkeypatch) -> None:
    """Five minutes of training at a billion multiply-accumulates a second, half a minute of search."""
    monkeypatch.setattr(duration, "_left", lambda run, macs: (30 * 1e9, 300 * 1e9))
    monkeypatch.setattr(duration, "training_throughput", lambda *arguments: 1e9)
    run, told = made(tmp_path / "run")
    announce_duration(run)
    assert told.messages == ["Expected on this machine: the final training about 5 min."]


@pytest.mark.parametrize(("minutes", "words"), [
    (20, "about 20 minutes"), (37, "about 40 minutes"), (94, "about 90 minutes"), (95, "about 2 hours"),
    (170, "about 3 hours"), (36 * 60 - 1, "about 36 hours"), (36 * 60, "about 2 days"), (14_400, "about 10 days")])
def test_durations_in_words(minutes, words) -> None:
    assert in_words(minutes) == words


@pytest.mark.parametrize(("choices", "changes", "search", "training"), [
    ({}, {"train__epochs": 10, "search__finalist_epochs": 0, "search__epochs": 1}, None, 10),
    ({"search": "random"}, {"search__evaluations": 20, "search__epochs": 3, "search__finalists": 2,
                            "search__finalist_epochs": 5}, 20 * 3 + 2 * 5, 25),
    ({"search": "zero_shot"}, {"search__tried": 5, "search__tried_epochs": 4}, (5 + 3) * 4 + 3 * 4 + 2 * 4, 25)])
def test_what_is_left_is_images_times_epochs_times_macs(tmp_path, choices, changes, search, training) -> None:
    """1,438 of the 1,797 digits are learnt from in the end, 1,149 by the search. Of five that are tried for 4 epochs,
    three random members beside them, three go on to 8 and two to 12, half of the recipe's 25."""
    run, _ = made(tmp_path / "run", choices, **changes)
    left = duration._left(run, 1e6)
    assert left[1] == 1438 * training * 1e6
    if search is not None:
        assert left[0] == 1149 * search * 1e6
    else:  # a supernet of one cell per stage holds 30 candidates, 12 of them convolutions: more than one network
        assert left[0] > 1149 * 1e6


@pytest.mark.parametrize(("choices", "changes", "trainings"), [
    ({}, {}, 3 / 5 + 2),
    ({"space": "mbconv", "search": "random"}, {"pretrained__name": "efficientnet_lite0", "data__fraction": 0.05},
     3 / 5 + 5 + 1 + 2 * 3),
    ({}, {"device": ["local-cpu", "raspi4"]}, 2 * (3 / 5 + 2))])
def test_the_comparison_is_trained_for_too(tmp_path, choices, changes, trainings) -> None:
    """Families for a fifth of the epochs; cuts after stages 3 to 7, one family, two networks on three splits; a final
    training for every device."""
    run, _ = made(tmp_path / "run", choices, baseline=True, train__epochs=10, **changes)
    learnt, kept = len(run.dataset.train), len(run.dataset.validation)
    final = len(run.devices) * (learnt + kept) * 10 * 1e6
    assert duration._comparison(run, 1e6) == pytest.approx(learnt * trainings * 10 * 1e6 + final)
    without, _ = made(tmp_path / "without", choices, train__epochs=10, **changes)
    assert duration._comparison(without, 1e6) == 0


def test_a_comparison_that_was_made_is_not_counted_again(tmp_path) -> None:
    run, _ = made(tmp_path / "run", baseline=True, train__epochs=10)
    folder = run.folder / "derived" / "local-cpu" / "baseline"
    write_json(folder / "comparison.json", {"recommended": "searched", "baseline": {
        "name": "ResNet-8, width 8", "space": "resnet", "architecture": "8", "skeleton": {}}})
    assert duration._comparison(run, 1e6) == 1438 * 10 * 1e6
    write_json(folder / "train.json", {})
    assert duration._comparison(run, 1e6) == 0
    (folder / "train.json").unlink()
    write_json(folder / "comparison.json", {"baseline": None, "recommended": "searched"})
    assert duration._comparison(run, 1e6) == 0


def test_a_run_with_a_comparison_names_its_share_and_how_to_leave_it_out(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(duration, "training_throughput", lambda *arguments: 1e9)
    monkeypatch.setattr(duration, "_left", lambda run, macs: (1e12, 2e12))
    monkeypatch.setattr(duration, "_comparison", lambda run, macs: 1e12)
    run, told = made(tmp_path / "run")
    announce_duration(run)
    assert ("about 70 minutes on this machine, 25 % of it for the search and the choice among its candidates, 25 % for "
            "the comparison, the rest for the final training; baseline=false, fewer epochs") in told.messages[0]


def test_a_long_run_says_so_and_what_shortens_it_and_draws_nothing(tmp_path) -> None:
    run, told = made(tmp_path / "run", train__epochs=100_000)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    announce_duration(run)
    assert torch.equal(torch.rand(3), expected)
    (message,) = told.messages
    assert message.startswith("This run is expected to take about ")
    assert " % of it for the search and the choice among its candidates, the rest for the final training; " in message


def test_a_short_run_and_the_end_of_a_long_one_say_nothing(tmp_path) -> None:
    run, told = made(tmp_path / "short", train__epochs=1, search__epochs=1, search__finalist_epochs=0)
    announce_duration(run)
    run, more = made(tmp_path / "long", train__epochs=100_000)
    write_json(run.folder / "search" / "scores.json", {})
    write_json(run.folder / "derived" / "local-cpu" / "train.json", {})
    announce_duration(run)
    assert told.messages == more.messages == []


def test_a_measured_step_is_large_enough_and_no_larger_than_the_batch(monkeypatch) -> None:
    """2e9 multiply-accumulates a step: 20 images of 1e8, all 64 of 1e6; one step to begin with and one measured."""
    monkeypatch.setattr(duration, "SECONDS", 0.0)

    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 3)
            self.seen: list[int] = []

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen.append(len(x))
            return self.linear(x.flatten(1))

    for macs, images in ((1e8, 20), (1e6, 64), (1e12, 2)):
        network = Counting()
        assert training_throughput(network, (1, 2, 2), macs, 64, torch.device("cpu")) > 0
        assert network.seen == [images, images]
