"""Device profiles: found, read, and refused in one sentence that names file and key."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dcanas.basics.errors import UserError
from dcanas.basics.keys import key_of
from dcanas.basics.resources import resource_folder
from dcanas.hardware import Device, list_devices, load_device
from dcanas.hardware.devices.device import Microcontroller, Ssh
from dcanas.hardware.microcontroller.image import Region
from dcanas.hardware.microcontroller.proof import board_of


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The user's own folder, empty."""
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path))
    return tmp_path


def shipped() -> dict:
    return yaml.safe_load((resource_folder("hardware_profiles") / "local-cpu.yaml").read_text(encoding="utf-8"))


def write(folder: Path, name: str = "mine", **changes) -> Path:
    content = {**shipped(), "name": name, **changes}
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not ...}), encoding="utf-8")
    return path


def test_the_shipped_device():
    device = load_device("local-cpu")
    assert (device.runtime.name, device.runtime.opset, device.runtime.ir_version) == ("onnxruntime", 18, 8)
    assert (device.provider, device.threads, device.dtype, device.connection) == \
        ("CPUExecutionProvider", 1, "fp32", "local")
    assert device.memory_bytes is None
    assert device.source("params") == device.source("peak_bytes") == "counted"
    assert device.source("latency_p95_ms") == "measured"
    with pytest.raises(UserError, match="Unknown cost of device local-cpu 'latency'; did you mean 'latency_ms'"):
        device.source("latency")
    assert key_of(device) == key_of(load_device("local-cpu"))  # usable in a stage's key


def test_a_board_behind_ssh(folder):
    write(folder, connection={"ssh": "pi@raspi4.local", "python": "~/venv/bin/python"},
          board={"machine": "aarch64", "cores": 4})
    device = load_device("mine")
    assert device.connection == Ssh("pi@raspi4.local", "~/venv/bin/python", None, 60.0)
    assert (device.board.machine, device.board.cores, device.board.governor) == ("aarch64", 4, None)
    assert device.place == "ssh pi@raspi4.local"
    write(folder, connection={"ssh": "other"})
    assert key_of(device) != key_of(load_device("mine"))


def test_the_users_own_folder_comes_first(folder):
    write(folder, "mine", threads=4, memory_bytes=2**20)
    write(folder, "local-cpu", threads=2)
    (folder / "notes.txt").write_text("not a device")
    assert {"local-cpu", "mine", "raspi4"} < set(list_devices())
    assert "notes" not in list_devices()
    assert (load_device("mine").threads, load_device("mine").memory_bytes) == (4, 2**20)
    assert load_device("local-cpu").threads == 2
    assert key_of(load_device("mine")) != key_of(load_device("local-cpu"))


def test_own_folder_without_the_variable(tmp_path, monkeypatch):
    monkeypatch.delenv("DCANAS_DEVICES", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "board" not in list_devices()
    (tmp_path / ".config/dcanas/devices").mkdir(parents=True)
    write(tmp_path / ".config/dcanas/devices", "board")
    assert "board" in list_devices()


def test_unknown_device_names_the_nearest():
    with pytest.raises(UserError, match=r"^Unknown device 'local_cpu'; did you mean 'local-cpu'\?$"):
        load_device("local_cpu")
    with pytest.raises(UserError, match="Unknown device"):
        load_device("../local-cpu")


@pytest.mark.parametrize(("changes", "words"), [
    ({"thread": 1}, "Unknown key 'thread'; did you mean 'threads'?"),
    ({"threads": ...}, "threads is missing; expected a whole number from 1 to 1024."),
    ({"threads": 0}, "threads must be a whole number from 1 to 1024, got 0."),
    ({"threads": True}, "threads must be a whole number from 1 to 1024, got True."),
    ({"threads": "1"}, "threads must be a whole number from 1 to 1024, got '1'."),
    ({"memory_bytes": 512}, "memory_bytes must be a whole number of bytes, at least 1024, or null"),
    ({"flash_bytes": 1.5e6}, "flash_bytes must be a whole number of bytes"),
    ({"dtype": "float"}, "dtype must be fp32 or int8, got 'float'."),
    ({"connection": "ssh"},
     "connection must be local, a block {ssh: HOST} or, for a microcontroller, {serial: PORT}, or null if no board can "
     "be reached, got 'ssh'."),
    ({"connection": {"serial": "/dev/ttyACM0"}, "costs": {"params": "counted"}},
     "connection: {serial: PORT} is that of a microcontroller (runtime.name: c99)"),
    ({"connection": {"serial": "/dev/ttyACM0", "baud": 5}}, "connection.baud must be a number of bits per second"),
    ({"connection": {"ssh": "-oProxyCommand=x"}}, "connection.ssh must be a host as ssh takes it"),
    ({"connection": {"shh": "pi@board"}}, "Unknown key 'connection.shh'; did you mean 'connection.ssh'?"),
    ({"connection": {"python": "python3"}}, "connection.ssh is missing"),
    ({"connection": {"ssh": "pi", "timeout_s": 0}}, "connection.timeout_s must be a number of seconds from 1 to 3600"),
    ({"board": {"machine": 64}}, "board.machine must be what `uname -m` says there, such as aarch64, got 64."),
    ({"provider": "cpu"}, "provider must be an ONNX Runtime execution provider such as CPUExecutionProvider"),
    ({"name": "other"}, "name must be the file's own name 'mine', got 'other'."),
    ({"description": ""}, "description must be a text, got ''."),
    ({"costs": {}}, "costs must be a block of cost names and their sources, got {}."),
    ({"costs": {"params": "measured"}}, "costs.params must be counted, got 'measured'."),
    ({"costs": {"latency_ms": "guessed"}},
     "costs.latency_ms must be measured or looked up or predicted or a Python file beside this profile, got 'guessed'"),
    ({"costs": {"latency": "measured"}}, "Unknown key 'costs.latency'; did you mean 'costs.latency_ms'?"),
    ({"runtime": "onnxruntime"}, "runtime must be a block with name, version, opset, ir_version"),
    ({"runtime": {"name": "onnxruntime", "version": 1.14, "opset": 18, "ir_version": 8}},
     'runtime.version must be a version in quotes such as "1.14", or null if it is not known, got 1.14.'),
    ({"runtime": {"name": "tvm", "version": "2.1", "opset": 18, "ir_version": 8}},
     "runtime.name must be one of onnxruntime, tflite, "),
    ({"runtime": {"name": "tflite", "version": "2.1", "opset": 18, "ir_version": 8}},
     "costs.latency_ms is measured, which needs connection: local or {ssh: HOST} and runtime.name: onnxruntime"),
    ({"runtime": {"name": "onnxruntime", "version": None, "opset": 18, "ir_version": 8}},
     "a device that runs ONNX Runtime needs runtime.version."),
    ({"connection": None}, "costs.latency_ms is measured, which needs connection: local"),
    ({"costs": {"latency_ms": "looked up"}}, "costs.latency_ms is looked up, which needs table: the device's name"),
    ({"sources": {"memory": "a page"}}, "Unknown figure under sources 'memory'; did you mean 'memory_bytes'?"),
    ({"sources": ["a page"]}, "sources must be a block of figures and where each was read"),
    ({"runtime": {"name": "onnxruntime", "version": "1.14", "opset": 180, "ir_version": 8}},
     "runtime.opset must be a whole number from 7 to 64, got 180."),
    ({"runtime": {"name": "onnxruntime", "version": "1.14", "opset": 18}}, "runtime.ir_version is missing"),
])
def test_a_wrong_profile_is_refused_by_file_and_key(folder, changes, words):
    path = write(folder, "mine", **{k: v for k, v in changes.items() if k != "name"})
    if "name" in changes:
        path.write_text(path.read_text().replace("name: mine", f"name: {changes['name']}"))
    with pytest.raises(UserError) as caught:
        load_device("mine")
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_profile(folder, monkeypatch):
    (folder / "broken.yaml").write_text("name: [1,\nthreads: 2")
    with pytest.raises(UserError, match=r"broken\.yaml is not valid YAML \([^\n]+\); correct it\.$"):
        load_device("broken")
    (folder / "empty.yaml").write_text("")
    with pytest.raises(UserError, match=r"empty\.yaml must hold the keys name, .* got NoneType\.$"):
        load_device("empty")
    (folder / "code.yaml").write_text("!!python/object/apply:os.system ['touch hacked']")
    with pytest.raises(UserError, match="not valid YAML"):
        load_device("code")
    monkeypatch.setenv("DCANAS_DEVICES", str(folder / "absent"))
    with pytest.raises(UserError, match=re.escape(f"DCANAS_DEVICES names {folder / 'absent'}")):
        list_devices()


def test_importing_the_room_does_not_import_torch():
    code = "import sys, dcanas.hardware; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_device_is_a_frozen_value():
    device = load_device("local-cpu")
    assert isinstance(device, Device)
    assert hash(device) == hash(load_device("local-cpu"))
    with pytest.raises(AttributeError):
        device.threads = 2  # type: ignore[misc]


SHIPPED = ("edgetpu", "esp32s3", "eyeriss", "fpga-zc706", "jetson-tx2", "local-cpu", "nano33ble", "nrf5340", "pixel3",
           "raspi4", "raspi5", "rp2040", "stm32f411", "stm32h743", "xeon-gold-6226", "xeon-silver-4114")


def test_every_figure_of_a_shipped_device_has_its_source():
    assert tuple(list_devices()) == SHIPPED
    for name in SHIPPED[:5] + SHIPPED[6:]:
        device = load_device(name)
        figures = [f for f in ("memory_bytes", "flash_bytes") if getattr(device, f) is not None]
        figures += ["threads", *(cost for cost, source in device.costs.items() if source == "looked up")]
        figures += ["dtype"] if device.dtype == "int8" else []
        assert not [f for f in figures if f not in device.sources], name
        assert device.connection is None  # no board is claimed to be reachable


def test_microcontrollers_have_limits_in_int8():
    for name in ("nano33ble", "nrf5340", "rp2040", "stm32f411", "stm32h743"):
        device = load_device(name)
        assert device.dtype == "int8"
        assert device.memory_bytes is not None
        assert device.flash_bytes is not None
        assert device.memory_bytes < device.flash_bytes <= 2 * 2**20
    assert load_device("jetson-tx2").provider == "TensorrtExecutionProvider"


def test_a_processor_says_what_a_program_may_use():
    """nano33ble: of 1 MiB flash from 0 Arduino's boot loader keeps the first 64 KiB; all 256 KiB of RAM."""
    device = load_device("nano33ble")
    assert isinstance(device, Microcontroller)
    board = board_of(device)
    assert (board.core.name, board.core.arithmetic) == ("cortex-m4", "float")
    assert (board.flash, board.ram) == (Region(65536, 1048576 - 65536), Region(0x20000000, 262144))


@pytest.mark.parametrize(("change", "words"), [
    ({"processor": {"core": "cortex-m5", "flash_address": 0, "ram_address": 0}}, "processor.core must be one of"),
    ({"processor": {"core": "cortex-m4", "flash_address": 0}}, "processor.ram_address is missing; expected an address"),
    ({"processor": {"core": "cortex-m4", "flash_address": -1, "ram_address": 0}}, "processor.flash_address must be an"),
    ({"runtime": {"name": "tflite-micro", "version": None, "opset": 18, "ir_version": 8}}, "belong together"),
    ({"dtype": "fp32"}, "c99 needs dtype: int8"),
])
def test_a_wrong_processor_is_refused_by_key(tmp_path, monkeypatch, change, words):
    content = yaml.safe_load((resource_folder("hardware_profiles") / "nano33ble.yaml").read_text())
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**content, "name": "mine", **change}))
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path))
    with pytest.raises(UserError, match=words):
        load_device("mine")
