"""The commands and the general help, as data: importing this imports nothing else."""

from __future__ import annotations

COMMANDS = {
    "run": ("run", "the whole way: feasibility, search, derive, train, export, measure, certificate"),
    "feasibility": ("feasibility", "what a budget leaves of a space, before anything is trained"),
    "search": ("stages", "search for alphas under the budget"),
    "derive": ("stages", "choose the architecture within the budget (source=DIR: from a finished search)"),
    "train": ("stages", "train the derived architecture (source=DIR: the one derived there)"),
    "export": ("stages", "export the trained network to ONNX and check it against torch"),
    "profile": ("stages", "measure latency on the device (onnx=FILE: of any ONNX file)"),
    "score": ("score", "training-free scores of networks (architecture=, list=FILE, n=N), judged against=accuracy|..."),
    "attack": ("attack", "what a finished run's network withstands (source=DIR): attacks, corruptions"),
    "deploy": ("deploy", "copy the bundle of a run to its device and try it there (source=DIR device=NAME)"),
    "report": ("report", "certificate and report.html of a run (source=DIR); source=[A,B] compares runs on one page"),
    "reproduce": ("reproduce", "run a finished run's settings again (source=DIR) and tell what came out equal"),
    "bench": ("bench", "the referee: strategies x limits x seeds on published tables, blunt rules beside them"),
    "front": ("front", "accuracy against costs on a device (search=nsga2): non-dominated set, hypervolume, knee"),
    "list": ("listing", "what there is: list spaces|data|devices|costs|searches|proxies|recipes|experiments"),
    "doctor": ("doctor", "versions, devices, threads, write access, and what is missing"),
    "completion": ("completion", "a script that completes commands and settings: completion bash|zsh|fish"),
}

HELP = f"""dcanas: budget in, certificate out.

Finds a neural network for an image task and a device within the limits you state, trains it, exports it to ONNX,
measures it on the device and certifies what was promised, predicted and measured.

Usage: dcanas COMMAND [key=value ...]

Commands:
{chr(10).join(f"  {name:<12} {text}" for name, (_, text) in COMMANDS.items())}

Options (any command, in any order):
  budget.COST=LIMIT      an upper limit: params, macs, peak_bytes, weight_bytes, latency_ms, latency_p95_ms; a number in
                         that unit, or p1..p99 for that percentile of the space. Without any: default_budget (p40 of
                         params and macs). budget=none sets no limit.
  data=NAME              digits (default, nothing to download), folder (data.root=DIR), or a published set: `list data`
  space=NAME  device=NAME  search=NAME  train=NAME  experiment=NAME     see `dcanas list`
  baseline=true          also train the best hand-made network within the budget, and recommend the better
  robustness=true        also attack and corrupt the delivered network, as attacks=[...] eps_255=[...] norm=linf|l2 say;
                         budget.robust_accuracy_min=SHARE makes what is left a limit, train=fast_at trains for it
  seed=N  run.dir=DIR  source=DIR
  group.key=value        any other setting; `--cfg` prints all of them and stops
  -m, --multirun         run every combination of comma-separated values, each in a directory of its own
  -h, --help  --version

Examples:
  dcanas run
  dcanas run budget.params=100000 budget.macs=1.2e6
  dcanas run data=folder data.root=photos data.size=32 budget.latency_ms=2
  dcanas feasibility space=nasbench201 data=cifar10 budget.params=3e5
  dcanas score n=50 data=cifar10 data.root=DIR against=accuracy
  dcanas run -m seed=0,1,2

The same command with the same settings continues where it stopped or shows what is done.
Exit codes: 0 done, 2 something to correct in what was asked, 1 a fault of dcanas, 130 stopped by Ctrl-C.
"""
