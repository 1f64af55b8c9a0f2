"""Whether the machine kept its speed: temperature, clock and flags as Linux tells them."""

from __future__ import annotations

import numpy as np

from dcanas.export import worker
from dcanas.hardware.devices.machine import during, throttling
from dcanas.hardware.measuring.profile import summarise


def states(celsius, mhz, flags=None):
    return [{"at_s": float(i), "load": [0.1, 0.1, 0.1], "celsius": c, "mhz": m, "flags": flags}
            for i, (c, m) in enumerate(zip(celsius, mhz, strict=True))]


def test_the_state_is_read_from_the_system(tmp_path):
    (tmp_path / "class/thermal/thermal_zone0").mkdir(parents=True)
    (tmp_path / "class/thermal/thermal_zone0/temp").write_text("48312\n")
    (tmp_path / "class/thermal/thermal_zone1").mkdir()
    (tmp_path / "class/thermal/thermal_zone1/temp").write_text("nonsense\n")
    for core, khz in (("cpu0", "600000"), ("cpu11", "1500000")):
        (tmp_path / f"devices/system/cpu/{core}/cpufreq").mkdir(parents=True)
        (tmp_path / f"devices/system/cpu/{core}/cpufreq/scaling_cur_freq").write_text(khz)
    (tmp_path / worker.FLAGS).parent.mkdir(parents=True)
    (tmp_path / worker.FLAGS).write_text("50005\n")
    found = worker.state(tmp_path)
    assert (found["celsius"], found["mhz"], found["flags"]) == (48.312, 1500.0, 0x50005)
    empty = worker.state(tmp_path / "nothing")
    assert (empty["celsius"], empty["mhz"], empty["flags"]) == (None, None, None)


def test_throttling_is_told():
    assert throttling(during(states([50, 60, 70], [1500, 1500, 1500]))) == ""
    assert throttling(during(states([50, 85, 84], [1500, 1500, 1000]))) == \
        "its clock fell from 1500 to 1000 MHz at up to 85 °C"
    assert throttling(during(states([None], [None]))) == ""
    assert throttling(during(states([70], [1500], flags=0x50000))) == ""  # it was once, it is not now
    assert throttling(during(states([81], [1500], flags=0x4))) == "its firmware throttled it (flags 0x4) at up to 81 °C"


def test_a_throttled_measurement_is_called_noisy():
    samples = np.full((20, 2, 10), 1_000_000, dtype=np.int64)
    quiet = summarise(samples, "m", "00", "board", during(states([50, 60], [1500, 1500])))
    slowed = summarise(samples, "m", "00", "board", during(states([50, 82], [1500, 600])))
    assert (quiet.noisy, quiet.remark) == (False, "")
    assert slowed.noisy
    assert slowed.remark == ("The machine was slowed down: its clock fell from 1500 to 600 MHz at up to 82 °C; cool it "
                             "and measure again.")


def test_drift_is_told():
    samples = np.full((30, 2, 10), 1_000_000, dtype=np.int64)
    samples[20:] = 1_080_000  # the last third
    found = summarise(samples, "m", "00", "board", {})
    assert "the last third of rounds was 8.0% slower than the first" in found.remark
