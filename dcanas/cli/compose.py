"""From the command line to settings: Hydra's overrides, OmegaConf's `${...}`, the layers of `pipeline.configure`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dcanas.basics.errors import UserError
from dcanas.basics.passwords import without_passwords
from dcanas.cli.grammar import parse
from dcanas.pipeline.command_options import COMMAND_OPTIONS
from dcanas.pipeline.configure import ANY, composed, configured
from dcanas.pipeline.preset_files import GROUPS
from dcanas.pipeline.settings import Options, Settings


def configure(overrides: Sequence[str], command: str = "run") -> tuple[Settings, Options]:
    """Return the settings and options that a command line states; raises `UserError` if it cannot be used."""
    return configured(*values_of(overrides, command), COMMAND_OPTIONS.get(command))


def values_of(overrides: Sequence[str], command: str, resolve: bool = True) -> tuple[dict[str, Any], list[str]]:
    """Return what a command line states (see `composed`); resolve: replace every `${...}` by what it refers to."""
    parsed = parse(overrides)
    choices, stated, removed = split(parsed)
    if command == "score":
        stated = {"default_budget": None, **stated}  # stated limits restrict its draws
    values, notes = composed(choices, stated, COMMAND_OPTIONS.get(command), removed=removed, resolve=_outside)
    typed: dict[str, list[str]] = {}
    for text, override in zip(overrides, parsed, strict=True):
        typed.setdefault(override.key_or_group, []).append(text)
    notes = [*(f"{key} is given twice; the last one counts: {without_passwords(texts[-1])}"
               for key, texts in typed.items() if len(set(texts)) > 1), *notes]
    if resolve and "${" in str(values):
        try:
            values = cast(dict[str, Any], OmegaConf.to_container(OmegaConf.create(values), resolve=True))
        except OmegaConfBaseException as error:
            reason = " ".join(str(error.__cause__ or error).split())
            raise UserError(f"The settings cannot be put together: {reason}") from error
    return values, notes


def _outside(text: str) -> str:
    """Return a text with what its `${...}` say of the world outside the settings, such as `${oc.env:HOME}`."""
    try:
        return str(OmegaConf.to_container(OmegaConf.create({"text": text}), resolve=True)["text"])  # type: ignore
    except OmegaConfBaseException:
        return text  # it refers to a setting


def split(overrides: Sequence[Override]) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
    """Return chosen presets by group, stated settings by key, and those that are taken back (`~key`) by key, with the
    value that `~key=value` says they have, else `ANY`. The last override of a key counts.
    """
    choices: dict[str, str] = {}
    stated: dict[str, Any] = {}
    removed: dict[str, Any] = {}
    for override in overrides:
        key = override.key_or_group
        if override.is_delete():
            choices.pop(key, None)
            stated = {other: value for other, value in stated.items() if not f"{other}.".startswith(f"{key}.")}
            if key == "experiment":
                choices[key] = "null"
            else:
                removed[key] = ANY if "=" not in str(override.input_line) else override.value()
        elif key in GROUPS:
            value = override.value()
            choices[key] = "null" if value is None else str(value)
            removed.pop(key, None)
        else:
            stated[key] = override.value()
            removed.pop(key, None)
    return choices, stated, removed
