"""Everything a run's result depends on, and where and how it is done, as plain frozen values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.fan_out.engine import check_engine
from dcanas.basics.fields import Checked, Declared, check, choice, join, number, setting
from dcanas.basics.files import read_yaml, write_text
from dcanas.basics.keys import key_of, plain
from dcanas.basics.manifest import note_files, read_manifest
from dcanas.basics.mapping import from_mapping
from dcanas.basics.own_file import GROUPS, OwnFile, stated_module
from dcanas.basics.plugins import missing_plugins
from dcanas.costs.budget import Budget
from dcanas.pipeline.own_plugins import load_named
from dcanas.pretrained.settings import PretrainedSettings
from dcanas.robustness.threat import NORMS, ThreatModel
from dcanas.search.searches import settings_class
from dcanas.training.recipe import Recipe
from dcanas.training.spec import DataSpec

REMADE = ("search", "derive", "train", "profile", "robustness", "compare")  # what is cheaper is made again by itself
UNRECORDED = ("run.threads", "run.processes")  # by older versions


@dataclass(frozen=True)
class SpaceSettings(OwnFile):
    """The space and its two skeletons (see `Space.build`); for one of the user's own, its file and the file's hash."""

    name: str = setting("nasbench201", "name of the space")
    final_skeleton: dict[str, Any] = field(default_factory=dict, metadata={"setting": Declared(
        "size of the delivered network, to which all limits refer")})
    search_skeleton: dict[str, Any] = field(default_factory=dict, metadata={"setting": Declared(
        "size of the supernet")})


@dataclass(frozen=True)
class ProxySettings(OwnFile):
    """Proxies of the user's own (`proxies.file`)."""


@dataclass(frozen=True)
class Parallelism(Checked):
    """Threads and processes that share the computation: they change the order of additions, so results differ a little.

    Both are None in a run of an older version, which can be continued with any number.
    """

    group = "run"
    threads: int | None = number(None, 1, None, "threads of each process; null: all cores that this machine offers "
                                                "when the run begins, and then always as many")
    processes: int | None = None  # that torchrun started together
    task_threads: int = number(1, 1, 1024, "threads of each of the independent tasks that run.workers share")


def _proxies_class(values: Mapping[str, Any]) -> type:
    stated_module(values, "proxies")
    return ProxySettings


def _search_class(values: Mapping[str, Any]) -> type:
    stated_module(values, "search")
    return settings_class(str(values.get("name")))


@dataclass(frozen=True)
class Settings:
    """A run's settings; `budget` holds numbers in the costs' units or percentiles such as "p45".

    Raises:
        UserError: a value is not allowed, or a limit does not apply to this run.
    """

    seed: int = number(0, 0, None, "seed of search, training and measurement; the splits have data.split_seed")
    device: tuple[str, ...] = setting(("local-cpu",), "NAME or [A,B]: the devices that the network is for")
    budget: dict[str, float | str] = field(default_factory=dict, metadata={"setting": Declared(
        "limits by cost: a number in the cost's unit, or p1 to p99, a percentile over the space; none: no limit")})
    space: SpaceSettings = SpaceSettings()
    data: DataSpec = field(default_factory=DataSpec)
    proxies: ProxySettings = field(default_factory=ProxySettings, metadata={"setting": Declared(
        "proxies of your own", kind=_proxies_class)})
    search: Any = field(default=None, metadata={"setting": Declared(
        "settings of the search's own class", kind=_search_class)})
    pretrained: PretrainedSettings = field(default_factory=PretrainedSettings)
    train: Recipe = field(default_factory=Recipe)
    baseline: bool = setting(False, "also train the best hand-made network within the budget and recommend the better")
    robustness: bool = setting(False, "also attack and corrupt the delivered network, for the certificate")
    attacks: tuple[str, ...] = setting((), "fgsm, pgd, apgd_ce, apgd_dlr, apgd_t, square, in order; []: as suits the "
                                           "number of classes")
    eps_255: tuple[float, ...] = setting((8.0,), "largest change, or [A,B] several, in 1/255 of the range of a pixel")
    norm: str = choice("linf", NORMS, "norm of that change")
    attack_images: int | None = number(1000, 1, None, "at most so many images of the test split; null: all")
    int8: bool = setting(False, "also quantise to int8, compare on the device and on validation images, and deliver "
                                "the better")
    run: Parallelism = Parallelism()
    plugins: dict[str, str] = field(default_factory=dict, metadata={"absent_if_empty": True, "setting": Declared(
        "[my.py,package.module]: code of your own that adds data sets, recipes, runtimes and more; what the settings "
        "use of it is recorded by name, with its hash")})

    def __post_init__(self) -> None:
        check(self, "")
        if not self.device or len(set(self.device)) < len(self.device):
            raise UserError(f"device must be NAME or [A,B] with different names, got [{', '.join(self.device)}].")
        for name, limit in self.budget.items():
            owner = name.rpartition(".")[0]
            if owner and owner not in self.device:
                raise UserError(f"budget.{name} names device {owner!r}, but the run is for "
                                f"{', '.join(self.device)}; add it to device=[...] or drop the limit.")
            if name.rpartition(".")[2] == "robust_accuracy_min" and not (isinstance(limit, float) and 0 < limit < 1):
                raise UserError(f"budget.{name} is a share between 0 and 1, such as 0.4 for 40 %, got {limit!r}.")
            if isinstance(limit, str) and not re.fullmatch(r"p[1-9]\d?", limit):
                raise UserError(f"budget.{name} must be a positive number or a percentile p1 to p99, got {limit!r}.")
            Budget({name: 1.0 if isinstance(limit, str) else limit})  # refuses an unknown cost and an impossible limit
        if self.pretrained.name not in ("auto", "none") and self.space.name != "mbconv":
            raise UserError(f"pretrained={self.pretrained.name} gives weights of networks in space=mbconv, not in "
                            f"{self.space.name}; set space=mbconv, or give train.init=FILE for weights of the searched "
                            "network itself.")
        if self.pretrained.name not in ("auto", "none") and self.train.init is not None:
            raise UserError(f"pretrained={self.pretrained.name} and train.init={self.train.init} both give the first "
                            "weights; drop one of them.")
        _ = self.threat

    @property
    def key(self) -> str:
        return key_of(self)

    @property
    def threat(self) -> ThreatModel:
        return ThreatModel(self.attacks, self.eps_255, self.norm, self.attack_images)


@dataclass(frozen=True)
class DeployOptions(Checked):
    """How a bundle is tried on its device (see `hardware.measuring.deployment`)."""

    group = "deploy"
    seconds: float = number(60.0, 1e-3, 24 * 3600, "seconds of running the network without a pause")
    images: str | None = setting(None, "folder of image files to classify there; null: test images of the bundle")
    folder: str | None = setting(None, "folder on the device for the bundle's own; null: the profile's, or the home "
                                       "directory")


@dataclass(frozen=True)
class RunOptions(Checked):
    """Settings in the group `run` that do not change a result."""

    group = "run"
    dir: str | None = setting(None, "run directory; null: ROOT/NAME-HASH, by the hash of the settings")
    root: str = setting("runs", "folder of the run directories")
    compute: str = choice("auto", ("auto", "cpu", "cuda"), "cuda or cpu; auto: cuda if there is a CUDA device")
    progress: str = choice("auto", ("auto", "bars", "plain", "none"), "auto: bars on a terminal, plain lines elsewhere")
    storage: str | None = setting(None, "of a study: sqlite:///FILE, or for many machines postgresql://USER@HOST/NAME")
    storage_patience_s: float = number(600.0, 0, 7 * 24 * 3600, "seconds that the storage of a study may be away")
    engine: str = setting("local", "where independent tasks run: local, processes of this machine, or "
                                   "dask:tls://HOST:PORT, the workers of a Dask scheduler")
    workers: int | None = number(None, 1, 1024, "tasks at once; null: of a study one, else as many as cores or GPUs "
                                                "allow")
    engine_patience_s: float = number(300.0, 0, 7 * 24 * 3600, "seconds that the scheduler may be away")
    trust_network: bool = setting(False, "whether a scheduler on another machine is used without TLS")
    remake: str = choice("none", ("none", *REMADE), "stage whose damaged results are made again, if that takes "
                         "long")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_engine(self.engine, self.trust_network)


@dataclass(frozen=True)
class Options:
    """Where and how a run is done; none of it changes a result.

    Attributes:
        own: options that only the command has, as its class in `command_options`; None if it has none.
        notes: sentences about the settings, shown when the run begins.
    """

    name: str = setting(None, "beginning of the run directory's name; null: DATA-SPACE")
    source: str | None = setting(None, "directory of a finished run to start from")
    run: RunOptions = RunOptions()
    deploy: DeployOptions = DeployOptions()
    own: Any = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise UserError("name must not be empty: it begins the name of the run's directory.")


def differences(mine: Any, theirs: Any, where: str = "") -> dict[str, str]:
    """Return a sentence for every setting that differs, by key; a run that recorded no threads has any number.

    Args:
        mine: what is asked, nested.
        theirs: what is there.
        where: key of both; empty: all settings.
    """
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        return {key: text for name in dict.fromkeys([*mine, *theirs])
                for key, text in differences(mine.get(name), theirs.get(name), join(where, str(name))).items()}
    same = plain(mine) == plain(theirs) or (theirs is None and where in UNRECORDED) or (
        isinstance(theirs, str) and isinstance(mine, str) and _is_path(mine) and mine == str(Path(theirs).absolute()))
    return {} if same else {where: f"{where}: {theirs} there, {mine} asked"}


def _is_path(text: str) -> bool:
    """Return whether a setting's text is an absolute path; older versions recorded paths as they were typed."""
    return Path(text).is_absolute()


def stored_settings(folder: Path) -> dict[str, Any]:
    """Return the settings that a run directory was made with, as JSON types.

    A setting that did not exist yet when the run was made has its default, which is what the run did.

    Raises:
        UserError: it is not a run directory, its settings are damaged, or a newer version made it.
    """
    from dcanas.report.record import check_version

    path = folder / "settings.yaml"
    if not path.is_file():
        raise UserError(f"{folder} is not a run directory: it has no settings.yaml.")
    check_version(folder)
    try:
        values = read_yaml(path)
    except UserError:
        values = None
    if not isinstance(values, dict):
        raise UserError(f"{path} is damaged; the run cannot be continued from it, choose another directory.")
    if any(result.damaged(folder) for result in read_manifest(folder) if result.done == path.name):
        raise UserError(f"{path} was changed since the run was made (its SHA-256 is another); restore it, or choose "
                        "another directory.")
    if values.get("plugins") or any(isinstance(its, dict) and its.get("file") for its in map(values.get, GROUPS)):
        load_named(None, {})
    try:
        stored: dict[str, Any] = plain(from_mapping(Settings, values))
    except UserError:
        require_plugins(folder, values)  # which may have been what is unknown
        raise
    return stored


def require_plugins(folder: Path, stored: Mapping[str, Any]) -> None:
    """Raise `UserError` if a run was made with plug-ins that the user of this process has not named.

    A run directory may come from elsewhere: what it names is never run by itself.
    """
    missing = missing_plugins(stored.get("plugins") or {})
    if missing:
        raise UserError(f"The run in {folder} was made with {', '.join(missing)}, Python code that is run only if you "
                        f"name it: type plugins=[{','.join(missing)}] with the paths of the files, or set "
                        "DCANAS_PLUGINS.")


def store_settings(folder: Path, settings: Settings) -> None:
    """Write the settings of a run into its directory."""
    import yaml  # here: composing settings for the shell's completion takes none

    path, content = folder / "settings.yaml", yaml.safe_dump(plain(settings), sort_keys=False, allow_unicode=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != content:
        write_text(path, content)
        note_files(folder, path, "run")


