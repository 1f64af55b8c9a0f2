"""Run and time ONNX files: numpy and onnxruntime alone, Python 3.8 or newer. This file measures on this machine and,
sent over SSH as it is, on boards.

Protocol. Each file is opened twice, as two independent sessions (repeats) with the device's threads, one operator at a
time, spinning allowed. Every session warms up until its times stop falling. Then rounds: in each, every session of
every file is visited once, in random order, for a block of runs, so that whatever the machine does meanwhile hits all
alike; the first run of a block, which refills the caches others emptied, is not counted. No block is ever left out; no
round but the first three begins when the time that measuring may take is up.

On a board, `serve` reads requests from standard input (one JSON line each, followed by the bytes of a file where it
has a `size`) and answers on standard output with lines of JSON behind a token, until its input ends. An input that ends
while it works ends the work too, and removes the temporary folder.
"""

from __future__ import annotations

import errno
import gc
import hashlib
import importlib.util
import json
import math
import os
import platform
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

MISSING = ""
try:
    import numpy as np
    import onnxruntime
except ImportError as error:  # told to whoever asks, see `look`
    MISSING = (str(error).strip().splitlines() or ["an import failed"])[-1]

REPEATS = 2
BLOCK_S = 0.02
MIN_RUNS, MAX_RUNS = 3, 200  # per block
MIN_ROUNDS = 12  # fewer say nothing about how the machine changes
WARMUP_BLOCK_S, WARMUP_TOLERANCE = 0.01, 0.02
LEAST_ROUNDS = 3  # are made even where the time is up
CAP_S, CAP_TIMES = 60.0, 2.0  # that measuring may take where nobody says: a minute, or twice what is planned
LARGEST_INPUT = 1 << 26  # numbers
STATE_S = 1.0  # between two looks at temperature and clock
STAGES_S = 3.0  # for the parts of classifying an image file
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # numbers of errors for want of room
INFER_S = 600.0  # for `infer.py` to classify a few images
MARK = ".dcanas-worker"  # in a temporary folder: which process made it
GRACE_S = 1.0  # for a worker whose input has ended to come to its end by itself
FLAGS = "devices/platform/soc/soc:firmware/get_throttled"  # of a Raspberry Pi's firmware


class WorkerError(Exception):
    """What cannot be run or measured; the text is one sentence."""


def open_session(path, threads=1, provider="CPUExecutionProvider"):
    """Return a session with `threads` threads inside an operator and one operator at a time.

    A file with int8 weights of 8 bits is run as it is written: the integer kernels that it would be fused into saturate
    on x86 processors without VNNI.
    Raises `WorkerError` with the runtime's reason where the file or the provider cannot be used: a provider that is
    missing is never replaced by another.
    """
    available = onnxruntime.get_available_providers()
    if provider not in available:
        raise WorkerError(f"This onnxruntime {onnxruntime.__version__} has no {provider}; it offers "
                          f"{', '.join(available)}: change the device's provider or install its package.")
    if not Path(path).is_file():
        raise WorkerError(f"There is no ONNX file at {path}.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.log_severity_level = 4  # what goes wrong comes as an exception
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
        if session.get_modelmeta().custom_metadata_map.get("weight_bits") == "8":
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:  # the runtime's exceptions share no base class
        raise WorkerError(f"ONNX Runtime {onnxruntime.__version__} cannot load {path}: {_reason(error)}.") from error
    if session.get_providers()[0] != provider:
        raise WorkerError(f"ONNX Runtime could not start {provider} for {path} and would have fallen back to "
                          f"{session.get_providers()[0]}; check the provider's installation.")
    return session


class Bench:
    """Files under measurement, side by side.

    files: {label: path}; seconds: of counted runs per file (more where a network is so slow that 12 rounds take
    longer); seed: of the input images and the order of visits; tell: called between blocks, for whoever waits; cap_s:
    most seconds that measuring takes, all calls and files together, warming up excepted.
    """

    def __init__(self, files, threads, provider, seconds, seed, tell=lambda: None, cap_s=None):
        self.rng = np.random.default_rng(seed)
        self.cap_s = cap_s
        self.seconds, self.tell = seconds, tell
        self.done, self.planned = 0, 0  # blocks of runs of the measurement under way; none planned: warming up
        self.subjects = {label: self._open(path, threads, provider) for label, path in files.items()}
        self.prepared = False

    def measure(self, labels):
        """Measure these files for as long as one measurement lasts (the first call warms up before).

        Returns {"samples": {label: [rounds][repeats][runs] nanoseconds}, "states": [...], "left_s": seconds that
        further calls may take}.
        """
        self.prepare()
        collecting = gc.isenabled()
        gc.disable()  # Python's garbage collector is no part of the network
        try:
            start = time.monotonic()
            found = self._rounds(labels, start + self.left_s)
            self.left_s -= time.monotonic() - start
            return {**found, "left_s": self.left_s}
        finally:
            if collecting:
                gc.enable()

    def prepare(self):
        """Warm all files up and plan their measurement, once."""
        if self.prepared:
            return
        for subject in self.subjects.values():
            self._prepare(subject)
        self.prepared = True
        if self.cap_s is None:
            self.cap_s = cap([subject["planned_s"] for subject in self.subjects.values()])
        self.left_s = self.cap_s

    def facts(self):
        """Return per file what its measurement was like."""
        return {label: {**{name: subject[name] for name in ("sha256", "input_shape", "runs", "rounds", "warm_up")},
                        "cap_s": self.cap_s}
                for label, subject in self.subjects.items()}

    def _open(self, path, threads, provider):
        sessions = []
        for _ in range(REPEATS):
            sessions.append(open_session(path, threads, provider))
            self.tell()
        entry = sessions[0].get_inputs()[0]
        shape = list(entry.shape)
        if len(sessions[0].get_inputs()) != 1 or entry.type != "tensor(float)" or \
                not all(isinstance(size, int) for size in shape):
            raise WorkerError(f"{path} must have one float input of fixed shape, got {entry.type} {shape}; "
                              "export it with a fixed batch of 1.")
        if math.prod(shape) > LARGEST_INPUT:
            raise WorkerError(f"{path} takes an input of {math.prod(shape):,} numbers, more than the "
                              f"{LARGEST_INPUT:,} that are measured; export it for smaller images.")
        feed = {entry.name: self.rng.random(shape, dtype=np.float32)}
        return {"path": path, "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(),
                "input_shape": shape, "run": [partial(session.run, None, feed) for session in sessions]}

    def _prepare(self, subject):
        """Warm both sessions up and set how many runs a block and how many rounds a measurement has."""
        try:
            warm = [_warm_up(run, max(0.1, self.seconds / 4), self.tell) for run in subject["run"]]
        except Exception as error:  # the runtime's exceptions share no base class
            raise WorkerError(f"ONNX Runtime cannot run {subject['path']}: "
                              f"{str(error).splitlines()[0]}.") from error
        runs, rounds, planned_s = plan(warm, self.seconds)
        subject.update(warm_up=warm, runs=runs, rounds=rounds, planned_s=planned_s)

    def _rounds(self, labels, deadline):
        chosen = [self.subjects[label] for label in labels]
        samples: list[list[Any]] = [[] for _ in chosen]
        states = [state()]
        self.done, self.planned = 0, REPEATS * sum(s["rounds"] for s in chosen)
        for number in range(max(s["rounds"] for s in chosen)):
            if number >= LEAST_ROUNDS and time.monotonic() > deadline:
                break
            active = [i for i, s in enumerate(chosen) if number < s["rounds"]]
            found = {i: [None] * REPEATS for i in active}
            visits = [(i, repeat) for i in active for repeat in range(REPEATS)]
            for k in self.rng.permutation(len(visits)):
                i, repeat = visits[k]
                run = chosen[i]["run"][repeat]
                run()
                found[i][repeat] = [_time(run) for _ in range(chosen[i]["runs"])]
                self.done += 1
                self.tell()
            for i in active:
                samples[i].append(found[i])
            if time.monotonic() - states[-1]["at_s"] > STATE_S:
                states.append(state())
        return {"samples": {label: samples[i] for i, label in enumerate(labels)}, "states": [*states, state()]}


def plan(warm_up, seconds):
    """Return runs per block, rounds and the seconds that they take, for a file that was warmed up so."""
    run_s = sum(warm["last_block_ms"] for warm in warm_up) / REPEATS / 1e3
    runs = min(max(round(BLOCK_S / run_s), MIN_RUNS), MAX_RUNS)
    rounds = max(MIN_ROUNDS, round(seconds / (REPEATS * (runs + 1) * run_s)))
    return runs, rounds, rounds * REPEATS * (runs + 1) * run_s


def cap(planned_s):
    """Return the most seconds that measuring takes where nobody says, for files that are planned to take so long."""
    return max(CAP_S, CAP_TIMES * sum(planned_s))


def _warm_up(run, cap_s, tell):
    """Run until two blocks in a row are no faster than the best before them, or time is up."""
    start = time.perf_counter()
    medians = []
    runs = 0
    while True:
        times: list[int] = []
        while len(times) < MIN_RUNS or sum(times) < WARMUP_BLOCK_S * 1e9:
            times.append(_time(run))
        tell()
        runs += len(times)
        medians.append(float(np.median(times)) / 1e6)
        stable = len(medians) >= 4 and min(medians[-2:]) >= min(medians[:-2]) * (1 - WARMUP_TOLERANCE)
        if stable or time.perf_counter() - start > cap_s:
            return {"runs": runs, "stable": stable, "last_block_ms": medians[-1]}


def _time(run):
    start = time.perf_counter_ns()
    run()
    return time.perf_counter_ns() - start


def look():
    """Return what this machine is and has; None for what is not told here."""
    facts = {
        "cpu": _cpu_model(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "governor": _first_line(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "clock_ns": max(1, round(time.get_clock_info("perf_counter").resolution * 1e9)),
    }
    if not MISSING:
        facts["onnxruntime"], facts["numpy"] = onnxruntime.__version__, np.__version__
        facts["providers"] = onnxruntime.get_available_providers()
    return facts


def state(root="/sys"):
    """Return load, highest temperature and clock, and the firmware's flags, now; None for what is not told here."""
    heat = _numbers(root, "class/thermal/thermal_zone*/temp")
    clock = _numbers(root, "devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
    flags = _first_line(Path(root) / FLAGS)
    return {
        "at_s": time.monotonic(),
        "load": [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "celsius": max(heat) / 1e3 if heat else None,
        "mhz": max(clock) / 1e3 if clock else None,  # of the fastest core: the others may be idle
        "flags": int(flags, 16) if flags and re.fullmatch(r"(0x)?[0-9a-fA-F]{1,8}", flags) else None,
    }


def _cpu_model():
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            for line in file:
                if line.partition(":")[0].strip() in ("model name", "Model"):
                    return line.partition(":")[2].strip()
    except (OSError, UnicodeDecodeError):
        pass
    return platform.processor() or None


def _first_line(path):
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _numbers(root, pattern):
    lines = [_first_line(path) for path in Path(root).glob(pattern)]
    return [int(line) for line in lines if line and re.fullmatch(r"\d{1,9}", line)]


def _reason(error):
    """Return the first line of the runtime's message without its codes and places in its source."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    text = text.rpartition(" : ")[2].rpartition(" failed:")[2]
    return re.sub(r"^/\S+:\d+ .*?\) (?=[A-Z])", "", text).rstrip(". ")


class Server:
    """Answers requests: a folder to write to, files put there, measurements of them."""

    def __init__(self, say):
        self.say = say
        self.folder: Path = Path()  # of the files
        self.temporary: Path | None = None  # the same, if it was made here to be removed at the end
        self.bench: Any = None
        self.child: Any = None
        self.told = 0.0

    def do(self, request, content):
        """Return the answer to one request; content: of the file it brings, still to be read."""
        return getattr(self, "do_" + request["do"])(request, content)

    def do_look(self, request, content):
        return {**look(), "missing": MISSING, "state": state()}

    def do_open(self, request, content):
        """Make the folder that files go to: a named one that stays, or one that is removed at the end."""
        usual = Path.home() if request["name"] else tempfile.gettempdir()
        try:
            parent = Path(request["folder"] or usual).expanduser().resolve()
            parent.mkdir(parents=True, exist_ok=True)
            if request["name"]:
                self.folder = parent / request["name"]
                self.folder.mkdir(exist_ok=True)
            else:
                self.folder = self.temporary = Path(tempfile.mkdtemp(prefix="dcanas-", dir=str(parent)))
        except (OSError, RuntimeError) as error:
            if getattr(error, "errno", None) in FULL:
                raise
            raise WorkerError(f"the folder {request['folder'] or usual} cannot be made or written "
                              f"({getattr(error, 'strerror', None) or error}); set connection.folder in its profile to "
                              "one that can.") from error
        if self.temporary is not None:
            (self.temporary / MARK).write_text(json.dumps(_self_described()), encoding="ascii")
        return {"folder": str(self.folder)}

    def do_left(self, request, content):
        """List the temporary folders of workers that are gone, and remove those that are named."""
        parent = Path(request["folder"] or tempfile.gettempdir()).expanduser().resolve()
        folders = sorted(path for path in parent.glob("dcanas-*")
                         if re.fullmatch(r"dcanas-\w+", path.name) and abandoned(path))
        for path in folders:
            if path.name in request["remove"]:
                shutil.rmtree(str(path), ignore_errors=True)
        return {"folder": str(parent), "left": [path.name for path in folders if path.is_dir()][:1000]}

    def do_store(self, request, content):
        """Write a file into the folder, whole or not at all, and tell the checksum of what lies there."""
        path = self.folder / request["name"]
        part = path.with_name(path.name + ".part")
        with part.open("wb") as file:
            for chunk in content:
                file.write(chunk)
                self.alive()
            file.flush()
            os.fsync(file.fileno())
        found = hashlib.sha256(part.read_bytes()).hexdigest()
        if found != request["sha256"]:
            part.unlink()
            raise WorkerError(f"{path.name} did not arrive as it was sent.")
        part.replace(path)
        return {"sha256": found}

    def do_bench(self, request, content):
        files = {label: str(self.folder / name) for label, name in request["files"].items()}
        self.bench = None
        self.bench = Bench(files, request["threads"], request["provider"], request["seconds"], request["seed"],
                           self.tell, request["cap_s"])
        return {"opened": len(files)}

    def do_prepare(self, request, content):
        self.bench.prepare()
        return {"facts": self.bench.facts(), "left_s": self.bench.left_s}

    def do_measure(self, request, content):
        return {**self.bench.measure(request["labels"]), "facts": self.bench.facts()}

    def do_classify(self, request, content):
        """Run `infer.py` of the bundle in the folder on image files, as its user would, and time its parts.

        Returns `rows` (what infer.py printed as JSON), `logits` per file, and per part the nanoseconds of each run;
        None for all of them without Pillow, which infer.py needs to open files.
        """
        if importlib.util.find_spec("PIL") is None:
            return {"rows": None, "logits": None, "stages": None}
        files = [str(self.folder / name) for name in request["files"]]
        rows = self._infer(files)
        spec: Any = importlib.util.spec_from_file_location("infer", str(self.folder / "infer.py"))
        infer = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(infer)
        preprocessing = json.loads((self.folder / "preprocessing.json").read_text(encoding="utf-8"))
        session = open_session(str(self.folder / "model.onnx"), request["threads"], request["provider"])
        name = session.get_inputs()[0].name
        stages: dict[str, list[int]] = {"decode": [], "preprocess": [], "network": []}
        logits, until = [], 0.0
        while not until or time.monotonic() < until:
            for file in files:
                times = [time.perf_counter_ns()]
                image = infer.open_image(file)
                image.load()
                times.append(time.perf_counter_ns())
                pixels = infer.to_input(infer.fit(image, preprocessing)[None])
                times.append(time.perf_counter_ns())
                answer = session.run(None, {name: pixels})[0]
                times.append(time.perf_counter_ns())
                if until:  # the first turn warms up
                    for number, stage in enumerate(stages):
                        stages[stage].append(times[number + 1] - times[number])
                else:
                    logits.append([float(value) for value in answer[0]])
                self.alive()
            until = until or time.monotonic() + STAGES_S
        return {"rows": rows, "logits": logits, "stages": stages}

    def do_sustain(self, request, content):
        """Run the network without a pause, and tell for every second how long the runs of it took."""
        session = open_session(str(self.folder / "model.onnx"), request["threads"], request["provider"])
        entry = session.get_inputs()[0]
        feed = {entry.name: np.random.default_rng(0).random(entry.shape, dtype=np.float32)}
        every: list[Any] = []
        states = [state()]
        end = time.monotonic() + request["seconds"]
        while time.monotonic() < end:
            part: list[int] = []
            until = min(time.monotonic() + 1.0, end)
            while time.monotonic() < until or not part:
                part.append(_time(lambda: session.run(None, feed)))
            every.append(np.array(part, dtype=np.int64))
            states.append(state())
            self.alive()
        times = np.concatenate(every)
        return {"runs": len(times), "median_ns": int(np.median(times)), "p95_ns": int(np.percentile(times, 95)),
                "slowest_ns": int(times.max()), "medians_ns": [int(np.median(second)) for second in every],
                "states": states}

    def _infer(self, files):
        """Return what `infer.py --json` prints for image files, in a process of its own."""
        process = self.child = subprocess.Popen([sys.executable, "infer.py", "--json", *files], cwd=str(self.folder),
                                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until = time.monotonic() + INFER_S
        while True:
            try:
                out, err = process.communicate(timeout=1.0)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() > until:
                    process.kill()
                    raise WorkerError(f"infer.py took more than {INFER_S:g} s.") from None
                self.alive()
        if process.returncode:
            last = (err.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"])[-1]
            raise WorkerError(f"infer.py failed with exit code {process.returncode} ({last}).")
        return json.loads(out.decode("utf-8"))

    def tell(self):
        """Tell at times how far the measurement is."""
        self.alive(**({} if self.bench is None else {"done": self.bench.done, "planned": self.bench.planned}))

    def alive(self, **how_far):
        """Tell at times that the work goes on, and how far it is."""
        now = time.monotonic()
        if now - self.told > STATE_S:
            self.told = now
            self.say({"alive": True, **how_far})

    def close(self):
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
        if self.temporary is not None:
            shutil.rmtree(str(self.temporary), ignore_errors=True)


def serve(token):
    """Answer the requests on standard input until it ends. What libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)

    def say(value):
        answers.write(f"{token} {json.dumps(value)}\n")
        answers.flush()

    server = Server(say)
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, lambda number, frame: sys.exit(128 + number))
    threading.Thread(target=watch, args=(server,), daemon=True).start()
    try:
        for line in iter(sys.stdin.buffer.readline, b""):
            request = json.loads(line)
            content = _Content(request.get("size", 0))
            try:
                answer = server.do(request, content)
            except WorkerError as error:
                answer = {"error": "unusable", "text": str(error)}
            except MemoryError:
                answer = {"error": "memory", "text": "the memory is full"}
            except OSError as error:
                answer = {"error": "full" if error.errno in FULL else "system", "text": error.strerror or str(error)}
            content.drain()
            say(answer)
    except BrokenPipeError:
        pass  # nobody listens any more
    finally:
        server.close()


def watch(server):
    """End this process if its input closes while it works: nobody waits for the answer any more."""
    if not hasattr(select, "poll"):
        return
    closed = select.poll()
    closed.register(0, select.POLLHUP | getattr(select, "POLLRDHUP", 0))
    closed.poll()
    time.sleep(GRACE_S)
    server.close()
    os._exit(1)


def abandoned(path):
    """Return whether a folder, no link, is a temporary one of ours, made on this machine by a process that is gone."""
    mark = path / MARK
    try:
        if path.is_symlink() or mark.is_symlink() or not mark.is_file() or (
                hasattr(os, "getuid") and path.stat().st_uid != os.getuid()):
            return False
        maker = json.loads(mark.read_bytes()[:1000].decode("ascii"))
        pid = int(maker["pid"])
        if pid <= 0 or maker["node"] != platform.node():
            return False
        if maker["started"] is not None:
            return maker["started"] != _started(pid)
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        pass
    return False


def _self_described():
    return {"pid": os.getpid(), "node": platform.node(), "started": _started(os.getpid())}


def _started(pid):
    """Return when a process began, told apart from that of any other of the same number; None if it is gone."""
    line, boot = _first_line(Path("/proc") / str(pid) / "stat"), _first_line(Path("/proc/sys/kernel/random/boot_id"))
    return boot + " " + line.rpartition(")")[2].split()[19] if line and boot else None


class _Content:
    """The bytes of a file on standard input, in chunks."""

    def __init__(self, size):
        self.left = size

    def __iter__(self):
        while self.left:
            chunk = sys.stdin.buffer.read(min(self.left, 1 << 20))
            if not chunk:
                raise EOFError("the input ended within a file")
            self.left -= len(chunk)
            yield chunk

    def drain(self):
        """Read what nobody wanted: the next request comes after it."""
        for _ in self:
            pass
