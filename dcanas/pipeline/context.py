"""The context of a running run: what its stages share, each part made when it is first needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from dcanas.basics.errors import UserError
from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.fan_out.tasks import require_engine
from dcanas.basics.files import write_json
from dcanas.basics.folder_lock import NAME as LOCK
from dcanas.basics.folder_lock import FolderLock, lock_folder
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.keys import key_of, plain
from dcanas.basics.launcher import read_launch
from dcanas.basics.plugins import loaded_plugins
from dcanas.costs import Networks
from dcanas.hardware import Device, load_device
from dcanas.pipeline.carried_data import FILE, CarriedDataset, carried_data, data_facts, finished_folder
from dcanas.pipeline.cost_book import CostBook
from dcanas.pipeline.distributed import ranks
from dcanas.pipeline.keyed_folder import keyed_folder
from dcanas.pipeline.logged import Logged
from dcanas.pipeline.own_files import files_named_in, run_space
from dcanas.pipeline.settings import Options, Settings, differences, store_settings, stored_settings
from dcanas.pretrained import Pretrained, PretrainedParts, load_pretrained
from dcanas.pretrained.settings import SIDES
from dcanas.report.kinds import read_result
from dcanas.report.metrics import MetricsLog
from dcanas.report.record import newest
from dcanas.search.methods import SearchMethod
from dcanas.search.searches import search_method
from dcanas.search.task import SearchTask
from dcanas.spaces import Space
from dcanas.training import Dataset, load_data
from dcanas.training.checks import check_recipe
from dcanas.training.ranks import ALONE, Ranks

CACHE = "cache"  # inside the run directory: decoded images too large for memory, and those given in Python


class Context:
    """Settings, run directory, devices with their cost books, and hooks.

    Args:
        command: command line that repeats the run, for the certificate.
        dataset: used in place of the one that `settings.data` names.
        writes: this is the only process that may write to the run directory, besides the run's own workers.

    Raises:
        UserError: the space, a device or a skeleton does not exist or cannot be used.
    """

    def __init__(self, settings: Settings, options: Options, command: str, hooks: Hooks = QUIET,
                 dataset: Dataset | None = None, writes: bool = False):
        self.settings, self.options, self.command, self.hooks = settings, options, command, hooks
        wanted = settings.pretrained
        self.pretrained: Pretrained | None = load_pretrained(wanted) if wanted.name != "auto" else None
        space = run_space(settings) if self.pretrained is None else PretrainedParts(self.pretrained, settings.data.size)
        self.space: Space = space.within(settings.space.search_skeleton)
        of_weights = self.pretrained.skeleton if self.pretrained else {}
        self.skeleton: dict[str, Any] = space.complete_skeleton(  # of the delivered network
            {**settings.space.final_skeleton, **of_weights})
        self.ranks: Ranks = ranks() if read_launch().count > 1 else ALONE
        self.devices: list[Device] = [load_device(name) for name in settings.device]
        self.method: SearchMethod = search_method(settings.search.name)
        self.books: dict[str, CostBook] = {}
        self._given, self._writes = dataset, writes
        self._lock: FolderLock | None = None  # of the only writer of the run directory; workers of a run have none

    @cached_property
    def source(self) -> Path | None:
        """The finished run to start from, if it is another than this."""
        if self.options.source is None:
            return None
        source = Path(self.options.source)
        same = not differences(plain(self.settings), stored_settings(source))
        return None if same and self.options.run.dir is None else source

    @cached_property
    def location(self) -> Path:
        """Path of the run directory, which need not exist yet."""
        if self.options.source is not None and self.source is None:
            return Path(self.options.source)
        if self.options.run.dir is not None:
            return Path(self.options.run.dir)
        key = key_of(self.settings, str(self.source.resolve())) if self.source else self.settings.key
        return Path(self.options.run.root) / f"{self.options.name}-{key}"

    @cached_property
    def folder(self) -> Path:
        """The run directory, made when it is first needed; one that belongs to other settings is refused."""
        folder = self.location
        if (folder / "settings.yaml").exists():
            stored = stored_settings(folder)
            different = differences(plain(self.settings), stored)
            if set(different) - self._more_than(stored):
                raise UserError(f"{folder} belongs to a run with other settings ({'; '.join(different.values())}); "
                                "choose another run.dir, or leave it out and every run gets its own.")
        elif folder.is_dir() and any(path.name not in (CACHE, LOCK) for path in folder.iterdir()):
            raise UserError(f"{folder} holds other files and is not a run directory; choose another run.dir.")
        elif folder.exists() and not folder.is_dir():
            raise UserError(f"{folder} is a file; run.dir must be a directory: choose another.")
        self.method.check(self.space, self.settings.search)  # what cannot be used is refused before anything is written
        for device in self.devices:
            self.book(device)
        engine = self.engine
        if self._writes:
            require_engine(engine)
        if not self.carried:
            check_recipe(self.settings.train, self.dataset, self.skeleton)
        if self._writes:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = lock_folder(folder, self.hooks.message)
        store_settings(folder, self.settings)
        return folder

    def _more_than(self, stored: dict[str, Any]) -> set[str]:
        """Return the settings of the search of which more is asked than before: what was found is kept beside."""
        before, now = stored["search"], plain(self.settings.search)
        return {f"search.{name}" for name in self.method.grows if before["name"] == now["name"]
                and before[name] < now[name]}

    def release(self) -> None:
        """Let others write to the run directory."""
        if self._lock is not None:
            self._lock.release()

    @contextmanager
    def stage(self, title: str, log: str = "") -> Iterator[Hooks]:
        """Enclose work that can stop between its steps; yield the hooks that it reports to.

        Args:
            log: name under which its history goes to `metrics.jsonl` and TensorBoard.
        """
        with self.hooks.stage(title, stoppable=True) as shown:
            yield Logged(shown, self.log, log) if log else shown

    def made_before(self, path: Path, title: str) -> dict[str, Any] | None:
        """Return the JSON file in which a stage stored its result earlier, and say so; None if there is none."""
        if not path.exists():
            return None
        self.hooks.message(f"{title}: done before ({path})")
        before: dict[str, Any] = read_result(path)
        return before

    @cached_property
    def log(self) -> MetricsLog:
        """Scalars of the run."""
        return MetricsLog(self.folder)

    @property
    def cache(self) -> Path:
        """Folder of decoded images, images given in Python, and groups of look-alikes."""
        return (self.source or self.location) / CACHE

    @cached_property
    def dataset(self) -> Dataset:
        """The images; with pretrained weights normalised as these ask for, and look-alikes on one side of the split."""
        cache, stated = self.cache, self.settings.data
        if self.pretrained is None or self.carried:
            return self._given or load_data(stated, cache)
        side = SIDES[0]  # each network has its own size
        dataset = self._given.at((side, side)) if self._given else load_data(replace(stated, size=side), cache)
        from dcanas.training.look_alikes import keep_together  # here: it takes scikit-learn, a second to import

        dataset = keep_together(dataset, stated, self.pretrained, cache)
        return replace(dataset, normalisation=self.pretrained.source.normalisation(dataset.shape[0]))

    def use_bundle(self) -> None:
        """Take the test images that the finished run `source` carries in its bundle in the place of the data.

        Nothing changes if it carries none, or if something is still to be made that other images are needed for: the
        int8 form, a comparison, attacks on validation images.
        """
        if self.options.source is None:
            return
        found = carried_data(Path(self.options.source), self.settings.device)
        limits = (name.rpartition(".")[2] for name in self.settings.budget)
        more = self.settings.int8 or self.settings.baseline or "robust_accuracy_min" in limits or \
            any(device.dtype == "int8" for device in self.devices)
        if found is not None and (self.source is None or not (more or len(found.test) < found.facts["test"])):
            self._given = found

    @property
    def carried(self) -> bool:
        """Whether the images are those that a finished run carries (see `use_bundle`)."""
        return isinstance(self._given, CarriedDataset)

    @cached_property
    def compute(self) -> torch.device:
        """The device of torch on which the run searches and trains."""
        wanted = self.options.run.compute
        if wanted == "cuda" and not torch.cuda.is_available():
            raise UserError("run.compute=cuda, but torch finds no CUDA device here; use run.compute=cpu.")
        return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")

    @cached_property
    def engine(self) -> Engine:
        """Where independent tasks run; the processes of `torchrun` have one each."""
        options, count = self.options.run, self.ranks.count
        gpus = torch.cuda.device_count() if self.compute.type == "cuda" else 0
        return Engine(options.engine, options.workers if count == 1 else 1, self.settings.run.task_threads, gpus,
                      options.engine_patience_s, options.trust_network)

    def book(self, device: Device) -> CostBook:
        """Return the costs, the budget and the feasibility of a device."""
        if device.name not in self.books:
            networks = Networks(self.space, self.dataset.shape, len(self.dataset.classes), self.skeleton)
            self.books[device.name] = CostBook(device, networks, self.settings.budget,
                                               lambda: self.folder / "latency" / device.name, self.settings.seed,
                                               self.hooks, self.dataset.classes)
        return self.books[device.name]

    def task(self, hooks: Hooks = QUIET, folder: Path | None = None) -> SearchTask:
        """Return the task of the search; folder: of its files, None for that of the run."""
        settings = self.settings
        start = None if self.source is None else self.source / "search"
        return SearchTask(self.space, self.dataset, tuple(self.book(device).target for device in self.devices),
                          settings.search, settings.train, settings.seed, settings.data.split_seed, self.skeleton,
                          settings.space.search_skeleton, folder or self.search_folder,
                          self.options.name if self.options.run.storage else "dcanas", plain(settings), self.compute,
                          hooks, self.ranks, start, self.options.run.storage,
                          self.options.run.storage_patience_s, self.engine)

    @cached_property
    def search_folder(self) -> Path:
        """Folder of the run's search; one that was copied from the source keeps its key."""
        folder = self.folder / "search"
        if self.carried and self.source is None:
            return newest(self.folder, "search*") or folder
        if self.source is not None and (folder / self.method.results[0]).exists():
            return folder
        settings = self.settings
        key = key_of(settings.space, settings.seed, settings.data.split_seed, self.dataset.fit_key, *self._weights,
                     *self.method.key(self.task(folder=folder)))
        return keyed_folder(self.folder, folder, key, self.hooks.message)

    def device_folder(self, device: Device) -> Path:
        """Return the folder of all results for a device; `data.json` in it says which data they are made with."""
        if self.carried and self.source is None:
            finished = finished_folder(self.folder, device.name)
            assert finished is not None  # it is where the images come from
            return finished
        key = key_of(read_result(self.search_folder / "key.json"), self.settings, device, self.dataset.fit_key,
                     self.dataset.test_key, *self.settings.train.files(), *self._weights)
        folder = keyed_folder(self.folder, self.folder / "derived" / device.name, key, self.hooks.message)
        if not (folder / FILE).exists():
            facts = self.dataset.facts if isinstance(self.dataset, CarriedDataset) else data_facts(self.dataset)
            write_json(folder / FILE, facts)
        return folder

    @property
    def _weights(self) -> list[Any]:
        """Hash of the pretrained weights, if there are some, and the largest image that their network may take."""
        return [self.pretrained.file.sha256, self.settings.data.size] if self.pretrained else []

    def message(self, folder: Path) -> dict[str, Any]:
        """Return the run as JSON types for another process that works on `folder`; see `remote_context`."""
        options = replace(self.options, run=replace(self.options.run, dir=str(self.folder)))
        return {"plugins": [plugin.typed for plugin in loaded_plugins()], "files": files_named_in(self.settings),
                "settings": plain(self.settings), "options": plain(options), "command": self.command,
                "folder": str(folder)}
