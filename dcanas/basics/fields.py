"""Settings declared once: the dataclass field holds default, range, help and when the setting applies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, ClassVar, get_args, get_type_hints

from dcanas.basics.errors import UserError, nearest


@dataclass(frozen=True)
class Declared:
    """What a field says of its setting.

    Attributes:
        help: one line for lists of settings.
        low, high: smallest and largest number; None: no bound.
        options: names or numbers to choose from, also each item of a tuple; None: anything of the field's type.
        applies: other field of the same class -> its values under which this setting is read; empty: always.
        kind: for settings whose class depends on their content: returns the class for these values.
    """

    help: str
    low: float | None = None
    high: float | None = None
    options: Collection[Any] | None = None
    applies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kind: Callable[[Mapping[str, Any]], type] | None = None

    @property
    def allowed(self) -> str:
        """The range or the options as text; empty if there is neither."""
        if self.low is not None:
            return f"from {self.low:.15g}" + (f" to {self.high:.15g}" if self.high is not None else "")
        return "" if self.options is None else ", ".join(map(str, self.options))


def number(default: float | None, low: float, high: float | None, help: str, **applies: tuple[str, ...]) -> Any:
    """Return a field for a number within a range; the annotation says whether it is whole and whether None is allowed.

    applies: fields and their values under which the setting is read, such as `strategy=("gumbel", "gdas")`.
    """
    return field(default=default, metadata={"setting": Declared(help, low, high, applies=applies)})


def choice(default: Any, options: Collection[Any], help: str, **applies: tuple[str, ...]) -> Any:
    """Return a field for one of `options`, or for a tuple of them."""
    return field(default=default, metadata={"setting": Declared(help, options=options, applies=applies)})


def setting(default: Any, help: str, **applies: tuple[str, ...]) -> Any:
    """Return a field for true or false, a text, or anything that the class checks itself."""
    return field(default=default, metadata={"setting": Declared(help, applies=applies)})


def declared(kind: type) -> dict[str, tuple[Field[Any], Declared]]:
    """Return the declared fields of a settings class by name."""
    return {f.name: (f, f.metadata["setting"]) for f in fields(kind) if "setting" in f.metadata}


def is_read(kind: type, about: Declared, values: Mapping[str, Any]) -> bool:
    """Return whether a setting of a class is read given all its values; what a user's own entry reads is not known."""
    for name, allowed in about.applies.items():
        options, value = declared(kind)[name][1].options, values[name]
        own = isinstance(value, str) and options is not None and value in options and \
            value not in getattr(options, "table", options)
        if value not in allowed and not own:  # own: in a registry, but not in its table of what is shipped
            return False
    return True


def join(group: str, name: str) -> str:
    """Return the key of a setting within a group; an empty group has no prefix."""
    return f"{group}.{name}" if group else name


def unread(key: str, about: Declared, values: Mapping[str, Any]) -> UserError:
    """Return the error for a setting that was given although the settings beside it make it meaningless."""
    name, allowed = next((n, a) for n, a in about.applies.items() if values[n] not in a)
    where = join(key.rpartition(".")[0], name)
    return UserError(f"{key} applies to {where}={' or '.join(allowed)} only, not to {values[name]}; leave it out.")


def check(settings: Any, group: str) -> None:
    """Check every declared field of a settings object; group: prefix of its keys, such as `search`.

    Raises `UserError` naming the key, what is allowed and the value; also for a value other than the default of a
    setting that is not read.
    """
    kind: type = type(settings)
    hints = type_hints(kind)
    for name, (made, about) in declared(kind).items():
        key, value = join(group, name), getattr(settings, name)
        if not is_read(kind, about, vars(settings)):
            if value != made.default:
                raise unread(key, about, vars(settings))
        elif not (value is None and NoneType in get_args(hints[name])):
            _check_value(key, hints[name], value, about)


class Checked:
    """Settings whose declared fields are checked when they are made.

    Attributes:
        group: prefix of their keys, such as `train`.
    """

    group: ClassVar[str]

    def __post_init__(self) -> None:
        check(self, self.group)


def _check_value(key: str, hint: Any, value: Any, about: Declared) -> None:
    kinds = get_args(hint) if NoneType in get_args(hint) else (hint,)
    if bool in kinds and not isinstance(value, bool):
        raise UserError(f"{key} must be true or false, got {value!r}.")
    if about.low is not None:
        allowed = (int, float) if float in kinds else int
        high = float("inf") if about.high is None else about.high
        if isinstance(value, bool) or not isinstance(value, allowed) or not about.low <= value <= high:
            kind = "a number" if float in kinds else "a whole number"
            raise UserError(f"{key} must be {kind} {about.allowed}, got {value!r}.")
    if about.options is None:
        return
    for item in value if isinstance(value, tuple) else (value,):
        if item not in about.options:
            meant = nearest(item, about.options) if isinstance(item, str) else None
            raise UserError(f"{key} must be one of {about.allowed}, got {item!r}"
                            + (f"; did you mean {meant!r}?" if meant else "."))


type_hints = cache(get_type_hints)  # of a settings class: type by field


def described(kind: type, group: str = "") -> Iterator[tuple[str, Any, Declared]]:
    """Yield key, default and declaration of every setting of a class, those of nested classes included."""
    for f in fields(kind):
        key, hint = join(group, f.name), type_hints(kind)[f.name]
        if is_dataclass(hint):
            yield from described(hint, key)  # type: ignore[arg-type]
        elif "setting" in f.metadata:
            yield key, default_of(f), f.metadata["setting"]


def default_of(made: Field[Any]) -> Any:
    """Return the default of a field."""
    return made.default if made.default_factory is MISSING else made.default_factory()


