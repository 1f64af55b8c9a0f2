"""The commands as data. This module imports no other, so help and completion are fast."""

from __future__ import annotations

from typing import NamedTuple

RUN = """The run directory is run.dir=DIR, by default runs/DATA-SPACE-HASH; the same command with the same settings
continues where it stopped, or shows the results.

    dcanas run                                              scikit-learn's digits; nothing to download
    dcanas run photos budget.latency_ms=8                   a folder of your own, one folder per class inside
    dcanas run budget.params=100000 budget.weight_bytes='500 kB'
    dcanas run device=[raspi4,jetson] baseline=true
    dcanas run -m seed=0,1,2                                three runs"""
SOURCE = """With source=DIR it starts from a finished run: the results of earlier stages are reused, so settings that
they depend on cannot change."""
SCORE = """The scores of every network go into a CSV file; against=accuracy|latency|robustness|FILE.csv also judges how
well they rank the networks.

    dcanas score n=50 data=cifar10 data.root=DIR against=accuracy"""
C99 = """As C for a microcontroller (docs/microcontrollers.md): to=c99 source=DIR|onnx=INT8_FILE [device=NAME] [out=DIR]
[arithmetic=float|integer] [frame=WIDTHxHEIGHT] [layout=plain|arduino]."""
ONNX = "Of any ONNX file: onnx=FILE device=NAME [operators=true] [cap_s=SECONDS]."
BENCH = "baselines=A,B limits=DEVICE.latency_ms:pN,... seeds=N reference=NAME files=FILE.py runs=DIR,DIR out=DIR"


class Command(NamedTuple):
    """A command: its module in `dcanas.cli`, a one-line summary, its usage, and further text of its help.

    groups: groups of settings in its help; None if the command takes no settings of a run.
    """

    module: str
    summary: str
    usage: str
    text: str = ""
    groups: tuple[str, ...] | None = None


COMMANDS = {
    "run": Command("run", "search, train, export, measure and certify a network", "[FOLDER|DATA] [key=value ...]", RUN,
                   ("", "run")),
    "feasibility": Command("feasibility", "share of a space within a budget, before anything is trained",
                           "[FOLDER|DATA] [key=value ...]",
                           "Measures nothing, and leaves out limits that need it, unless measure=true.",
                           ("", "space")),
    "search": Command("stages", "search under the limits of all devices", "[FOLDER|DATA] [key=value ...]",
                      "With source=DIR the search resumes from that run's supernet or trials, under other limits.",
                      ("search",)),
    "derive": Command("stages", "choose the architecture within the budget of each device",
                      "[source=DIR] [key=value ...]", f"{SOURCE}\nOne search serves many devices: device=[A,B].",
                      ("", "search")),
    "train": Command("stages", "train the derived architecture", "[source=DIR] [key=value ...]", SOURCE, ("train",)),
    "export": Command("stages", "export the trained network to ONNX and check it against torch",
                      "[source=DIR] [key=value ...]", f"{SOURCE}\n{C99}", ("",)),
    "profile": Command("stages", "measure latency on the device", "[source=DIR | onnx=FILE] [key=value ...]",
                       f"{SOURCE}\n{ONNX}", ("",)),
    "score": Command("score", "training-free scores of networks, and how well they rank",
                     "architecture='...' | list=FILE | n=N | source=DIR [key=value ...]", SCORE, ("space",)),
    "attack": Command("attack", "attack and corrupt the network of a finished run", "source=DIR [key=value ...]",
                      "The results are added to the run's certificate.", ("",)),
    "deploy": Command("deploy", "copy the bundle of a run to its device and run it there",
                      "source=DIR [device=NAME] [deploy.seconds=S]", "", ("deploy",)),
    "report": Command("report", "the certificate and report.html of a run, or a comparison or table of runs",
                      "source=DIR | source=[A,B] | source='runs/*' [to=FILE.html|FILE.csv]"),
    "verify": Command("verify", "whether the files of a run or a bundle are those that were certified", "DIR",
                      "Exit code 0 if they are, else 2. It finds rot and mix-ups, not forgery."),
    "reproduce": Command("reproduce", "repeat a finished run and report which results are equal",
                         "source=DIR [run.dir=DIR]", "The repetition lies beside the run, under its name with -again.",
                         ("run",)),
    "bench": Command("bench", "compare searches and simple baselines on published tables", "[key=value ...]",
                     BENCH),
    "front": Command("front", "accuracy or loss against costs on a device: what is not dominated, hypervolume, knee",
                     "search=nsga2|slices [search.front=[COST,COST]] [key=value ...]", "", ("search",)),
    "list": Command("listing", "list spaces, devices, searches and so on",
                    "spaces|data|devices|costs|searches|proxies|recipes|experiments|attacks"),
    "data": Command("data", "what is understood of a folder of images, and what is done to them", "[FOLDER|DATA] "
                    "[key=value ...]", "Prints layout, splits, classes, copies, bad files and more; trains nothing and "
                    "writes nothing.", ("data",)),
    "doctor": Command("doctor", "versions, devices, threads, write access, missing packages; what is left on a board",
                      "[--report | device=NAME [--clean]]"),
    "completion": Command("completion", "a script that completes commands and settings", "bash|zsh|fish",
                          "eval \"$(dcanas completion bash)\" in ~/.bashrc"),
}

HELP = f"""dcanas: budget in, certificate out.

Finds a neural network for an image task and a device within the limits you state, trains it, exports it to ONNX,
measures it on the device and certifies what was promised, predicted and measured.

Usage: dcanas COMMAND [key=value ...]

Commands (dcanas COMMAND --help says more):
{chr(10).join(f"  {name:<12} {command.summary}" for name, command in COMMANDS.items())}

Settings (of a run, in any order):
  budget.COST=LIMIT      an upper limit: params, macs, peak_bytes, weight_bytes, latency_ms, latency_p95_ms; a number in
                         that unit or with one ('500 kB', '8 ms', '30 fps'), or p1..p99, a percentile of the space.
                         Without any: default_budget (p40 of params and macs). budget=none sets no limit.
  FOLDER or data=NAME    images of your own, one folder per class, or a named set; digits (default) needs no download
  space=NAME  device=NAME  search=NAME  train=NAME  experiment=NAME     see `dcanas list`
  baseline=true          also train the best hand-made network within the budget, and recommend the better
  robustness=true        also attack and corrupt the delivered network
  seed=N  run.dir=DIR  source=DIR
  group.key=value        any other setting; `--cfg` prints all that the run reads, then stops
  -m, --multirun         run every combination of values A,B, range(), choice(), glob(), each in a directory of its own
  --config-dir DIR       presets of your own beside ours; --hydra-help lists the other flags
  --quiet, --verbose     only what to ship, or also tables and what is going on every few seconds
  -h, --help  --version

Exit codes: 0 done, 2 the input must be corrected, 1 a bug in dcanas, 130 stopped by Ctrl-C.
"""
