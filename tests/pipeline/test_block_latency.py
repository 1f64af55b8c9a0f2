"""Which measured networks the report's fit of latencies takes: the run's own, each once."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from dcanas.basics.files import write_json
from dcanas.hardware import Profile
from dcanas.hardware.measuring.profile import summarise
from dcanas.pipeline.block_latency import _measured
from dcanas.pipeline.configure import composed, configured
from dcanas.pipeline.context import Context
from dcanas.search.handmade import mobilenetv2
from dcanas.spaces import load_space


def profile(ms: float, runs: int) -> Profile:
    return summarise(np.full((3, 2, runs), round(ms * 1e6), dtype=np.int64), "m.onnx", "00ff", "local-cpu", {})


def test_members_of_the_run_count_once_and_other_networks_do_not(tmp_path) -> None:
    stated = {"run.dir": str(tmp_path / "run"), "run.threads": 1, "data.fraction": 0.05}
    run = Context(*configured(*composed({"space": "mbconv"}, stated)), "")
    space, rng, folder = run.space, np.random.default_rng(0), run.folder / "latency/local-cpu"
    one, two, three = (space.format(space.sample(rng)) for _ in range(3))
    handmade = next(mobilenetv2(32))
    foreign = load_space("mobilenetv2").format(handmade.architecture)
    assert space.parse(foreign)  # the notation alone does not tell it apart
    own = {"space": "mbconv", "skeleton": space.complete_skeleton(dict(run.skeleton))}
    for number, (text, measured, named) in enumerate([
            (one, profile(2.0, 25), own), (one, profile(3.0, 8), own), (two, profile(4.0, 8), own),
            (two, profile(5.0, 25), own), (three, profile(6.0, 8), {}),  # of an older version
            (three, profile(7.0, 25), {**own, "skeleton": {**own["skeleton"], "reference": 96}}),
            (foreign, profile(8.0, 25), {"space": "mobilenetv2", "skeleton": dict(handmade.skeleton)})]):
        write_json(folder / f"{number}.json", {**asdict(measured), "architecture": text, **named})
    write_json(folder / "table.json", {"of": "something else"})
    found = {space.format(arch): each.median_ms for arch, each in _measured(run, run.devices[0])}
    assert found == {one: 2.0, two: 5.0, three: 6.0}
