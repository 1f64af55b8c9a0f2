"""`dcanas doctor`: versions, devices, threads, write access, and what is missing with the line that installs it.

`dcanas doctor --report` prints the same as text for a bug report, without names of people and machines.
`dcanas doctor device=NAME` lists what broken measurements left on a device; `--clean` removes it.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from rich.table import Table

from dcanas import __version__
from dcanas.basics.errors import UserError
from dcanas.basics.machine import usable_cores
from dcanas.basics.passwords import without_passwords
from dcanas.basics.printable import printable
from dcanas.cli.terminal import make_console, plain

DEVICE, CLEAN, REPORT = "device=", "--clean", "--report"
Rows = list[tuple[str, str, str]]  # what, what was found, what is wrong with it


def main(command: str, arguments: Sequence[str]) -> int:
    if arguments and list(arguments) != [REPORT]:
        return _left_on(*_asked(arguments))
    versions = [("dcanas", __version__, ""), ("Python", platform.python_version(), "")]
    rows = [*versions, *_packages(), *_machine(), *_folders(), *_devices()]
    bad = sum(bool(problem) for _, _, problem in rows)
    console = make_console()
    if arguments:
        print(_report(rows))
    else:
        table = Table("what", "found", "", box=None, header_style="bold", pad_edge=False)
        for name, found, problem in rows:
            table.add_row(plain(name), plain(found), plain(problem))
        console.print(table)
        console.print(f"{bad} problem{'s' if bad > 1 else ''} found." if bad else "Nothing is missing.")
    return 2 if bad else 0


def _report(rows: Rows) -> str:
    """Return the rows as a block of text for a bug report: the home folder is ~, this machine has no name."""
    more = [("system", f"{platform.system()} {platform.release()}, {platform.machine()}", ""),
            ("environment", " ".join(f"{name}={value}" for name, value in sorted(os.environ.items())
                                     if name.startswith(("DCANAS_", "OMP_", "CUDA_"))) or "nothing set", "")]
    lines = [f"{name}: {found}{f' [{problem}]' if problem else ''}" for name, found, problem in [*more, *rows]]
    text = without_passwords("\n".join(map(printable, lines)))
    for hidden, shown in ((str(Path.home()), "~"), (platform.node(), "HOST")):
        if len(hidden) > 1:
            text = re.sub(rf"(?<!\w){re.escape(hidden)}(?!\w)", shown, text)
    return f"```\n{text}\n```"


def _asked(arguments: Sequence[str]) -> tuple[str, bool]:
    """Return the name of a device, and whether what was left on it is to be removed."""
    named = [text for text in arguments if text != CLEAN]
    if len(named) != 1 or not named[0].removeprefix(DEVICE) or not named[0].startswith(DEVICE):
        raise UserError(f"`dcanas doctor` takes nothing, {REPORT}, or device=NAME and {CLEAN}, got "
                        f"{' '.join(arguments)}.")
    return named[0].removeprefix(DEVICE), CLEAN in arguments


def _left_on(name: str, clean: bool) -> int:
    from dcanas.hardware import load_device
    from dcanas.hardware.transport.leftovers import list_leftovers, remove_leftovers

    device, console = load_device(name), make_console()
    parent, folders = list_leftovers(device)
    console.print(plain(f"Temporary folders of processes that are gone, in {parent} of {device.place}:"))
    for folder in folders:
        console.print(plain(f"  {folder}"))
    if not folders:
        console.print("  none")
        return 0
    if not clean:
        console.print(plain(f"`dcanas doctor device={name} {CLEAN}` removes them."))
        return 0
    removed = remove_leftovers(device, folders)
    console.print(f"{len(removed)} removed.")
    if kept := [folder for folder in folders if folder not in removed]:
        raise UserError(f"{', '.join(kept)} in {parent} could not be removed whole; remove it there by hand.")
    return 0


def _packages() -> Rows:
    rows = []
    for line in requires("dcanas") or []:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate():
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            rows.append((requirement.name, "missing", f'pip install "{requirement}"'))
            continue
        fits = requirement.specifier.contains(found, prereleases=True)
        rows.append((requirement.name, found, "" if fits else f'pip install "{requirement}"'))
    return rows


def _machine() -> Rows:
    import onnxruntime
    import torch

    cuda = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())) or "none"
    return [
        ("cores for this process", str(usable_cores()), ""),
        ("torch threads", str(torch.get_num_threads()), ""),
        ("CUDA devices", cuda, ""),
        ("ONNX Runtime providers", ", ".join(onnxruntime.get_available_providers()), ""),
        ("microcontrollers", _microcontrollers(), ""),
        ("load average", " ".join(f"{x:.1f}" for x in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown", ""),
    ]


def _microcontrollers() -> str:
    """Return what generated C can be proven with here; without it networks are made all the same."""
    from dcanas.export.c99.host import host_compiler
    from dcanas.hardware.microcontroller.image import PACKAGES
    from dcanas.hardware.microcontroller.proof import missing_tools

    missing = [*missing_tools(), *([] if host_compiler() else ["gcc"])]
    return f"C is generated but not proven: no {', '.join(missing)} ({PACKAGES})" if missing else "C is proven here"


def _folders() -> Rows:
    from dcanas.basics.resources import resource_folder

    rows = [(name, str(resource_folder(name)), "") for name in ("conf", "hardware_profiles")]
    for name, folder in (("runs are written to", Path.cwd()), ("temporary files", Path(tempfile.gettempdir()))):
        try:
            with tempfile.TemporaryFile(dir=folder):
                problem = ""
        except OSError as error:
            problem = f"{error.strerror}: start from another folder or set run.dir"
        rows.append((name, f"{folder} ({shutil.disk_usage(folder).free / 2**30:.1f} GiB free)", problem))
    return rows


def _devices() -> Rows:
    from dcanas.hardware import list_devices, load_device

    rows = []
    try:
        names = list_devices()
    except UserError as error:
        return [("devices", "none readable", str(error))]
    for name in names:
        try:
            rows.append((f"device {name}", load_device(name).description, ""))
        except UserError as error:
            rows.append((f"device {name}", "broken profile", str(error)))
    return rows
