"""Everything a run's result depends on, as plain frozen values."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.keys import key_of, plain
from dcanas.costs import Budget
from dcanas.robustness.threat import ThreatModel
from dcanas.search.ask_tell.study_settings import StudySettings
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.gradient.gradient_settings import SearchSettings
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings
from dcanas.training import DataSpec, Recipe


@dataclass(frozen=True)
class SpaceSettings:
    """The space and its two skeletons (see `Space.build`); for one of the user's own, its file and the file's hash."""

    name: str
    final_skeleton: dict[str, Any] = field(default_factory=dict)
    search_skeleton: dict[str, Any] = field(default_factory=dict)
    file: str | None = None
    file_sha256: str | None = None


@dataclass(frozen=True)
class Settings:
    """A run's settings; `budget` holds numbers in the costs' units or percentiles such as "p45".

    baseline: also train the best hand-made network within the budget and recommend the better.
    robustness: attack and corrupt the delivered network too, as `attacks`, `eps_255`, `norm`, `attack_images` say.
    int8: also quantise to int8 and deliver the better file (a device whose dtype is int8 always gets int8).

    Raises `UserError` for a seed below 0, no device or one twice, and limits that mean nothing in this run.
    """

    seed: int
    device: tuple[str, ...]
    budget: dict[str, float | str]
    space: SpaceSettings
    data: DataSpec
    search: SearchSettings | ElasticSettings | ZeroShotSettings | StudySettings  # which one, search.name says
    train: Recipe
    baseline: bool = False
    robustness: bool = False
    attacks: tuple[str, ...] = ()
    eps_255: tuple[float, ...] = (8.0,)
    norm: str = "linf"
    attack_images: int | None = 1000
    int8: bool = False

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UserError(f"seed must be a whole number from 0, got {self.seed}.")
        if not self.device or len(set(self.device)) < len(self.device):
            raise UserError(f"device must be NAME or [A,B] with different names, got [{', '.join(self.device)}].")
        for name, limit in self.budget.items():
            owner = name.rpartition(".")[0]
            if owner and owner not in self.device:
                raise UserError(f"budget.{name} speaks of device {owner!r}, but the run is for "
                                f"{', '.join(self.device)}; add it to device=[...] or drop the limit.")
            if name.rpartition(".")[2] == "robust_accuracy_min" and not (isinstance(limit, float) and 0 < limit < 1):
                raise UserError(f"budget.{name} is a share between 0 and 1, such as 0.4 for 40 %, got {limit!r}.")
            if isinstance(limit, str) and not re.fullmatch(r"p[1-9]\d?", limit):
                raise UserError(f"budget.{name} must be a positive number or a percentile p1 to p99, got {limit!r}.")
            Budget({name: 1.0 if isinstance(limit, str) else limit})  # refuses what is no cost or no limit
        _ = self.threat

    @property
    def key(self) -> str:
        return key_of(self)

    @property
    def threat(self) -> ThreatModel:
        return ThreatModel(self.attacks, self.eps_255, self.norm, self.attack_images)


@dataclass(frozen=True)
class DeployOptions:
    """How a bundle is tried on its device (see `hardware.deployment`)."""

    seconds: float = 60.0
    images: str | None = None
    folder: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= 24 * 3600:
            raise UserError(f"deploy.seconds must be a number of seconds, at most a day, got {self.seconds:g}.")


@dataclass(frozen=True)
class RunOptions:
    """Where and how a run is done; none of it changes a result.

    asked: values of the command's own keys (`conf/command/<command>.yaml`).
    """

    name: str
    dir: str | None = None
    root: str = "runs"
    compute: str = "auto"
    threads: int | None = None
    progress: str = "auto"
    source: str | None = None
    storage: str | None = None
    workers: int = 1
    asked: dict[str, Any] = field(default_factory=dict)
    deploy: DeployOptions = DeployOptions()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise UserError("name must be a text that is not empty: it begins the name of the run's directory.")
        for name, allowed in (("compute", ("auto", "cpu", "cuda")), ("progress", ("auto", "bars", "plain", "none"))):
            if getattr(self, name) not in allowed:
                raise UserError(f"run.{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}.")
        if isinstance(self.workers, bool) or not 1 <= self.workers <= 256:
            raise UserError(f"run.workers must be a whole number from 1 to 256, got {self.workers!r}.")
        if self.threads is not None and (isinstance(self.threads, bool) or self.threads < 1):
            raise UserError(f"run.threads must be a whole number from 1, got {self.threads!r}.")


def from_mapping(kind: type, values: Any, where: str = "") -> Any:
    """Return `values` (nested dictionaries) as the dataclass `kind`; raises `UserError` naming key, type and value."""
    if not isinstance(values, Mapping):
        raise UserError(f"{where or 'the settings'} must hold keys and values, got {values!r}.")
    hints = get_type_hints(kind)
    names = [f.name for f in fields(kind)]
    for name in values:
        if name not in names:
            raise unknown("setting", _join(where, str(name)), [_join(where, n) for n in names])
    return kind(**{name: _convert(hints[name], value, _join(where, name)) for name, value in values.items()})


def differences(mine: Any, theirs: Any, where: str = "") -> dict[str, str]:
    """Return for every setting that differs, by key, what is there and what is asked."""
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        return {key: text for name in dict.fromkeys([*mine, *theirs])
                for key, text in differences(mine.get(name), theirs.get(name), _join(where, str(name))).items()}
    return {} if plain(mine) == plain(theirs) else {where: f"{where}: {theirs} there, {mine} asked"}


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        kinds: dict[str, Any] = {vars(option)["name"]: option for option in arguments if is_dataclass(option)}
        if kinds and isinstance(value, Mapping):
            name = str(value.get("name"))
            if name not in kinds:
                raise unknown(where, name, kinds)
            return from_mapping(kinds[name], value, where)
        if value is None and type(None) in arguments:
            return None
        for option in arguments:
            if option is not type(None) and _fits(option, value):
                return _convert(option, value, where)
        raise UserError(f"{where} must be {' or '.join(_name(a) for a in arguments)}, got {value!r}.")
    if is_dataclass(hint):
        return from_mapping(hint, value, where)  # type: ignore[arg-type]
    if origin is tuple:
        items = value if isinstance(value, (list, tuple)) else [value]
        return tuple(_convert(arguments[0], item, where) for item in items)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise UserError(f"{where} must hold keys and values, got {value!r}.")
        return {str(k): _convert(arguments[1], v, f"{where}.{k}") for k, v in value.items()}
    if hint is Any or _fits(hint, value):
        return float(value) if hint is float else value
    raise UserError(f"{where} must be {_name(hint)}, got {value!r}.")


def _fits(kind: Any, value: Any) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(kind, type) and isinstance(value, kind)


def _name(kind: Any) -> str:
    return {float: "a number", int: "a whole number", bool: "true or false", str: "a text",
            type(None): "null"}.get(kind, str(kind))
