"""Starting from a finished run: what came before the first stage of a command is taken over, not made again."""

from __future__ import annotations

from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_bytes
from dcanas.commands.session import DERIVED, Session
from dcanas.hardware import Device

STAGES = ("search", "derive", "train", "export", "profile")


def adopt(session: Session, first: str) -> None:
    """Copy the results of all stages before `first` from the source run, where it is another run.

    Raises `UserError` where the source has not come that far.
    """
    if session.source is None:
        return
    before = STAGES[:STAGES.index(first)]
    if "search" in before:
        _copy(session.source, session.folder, Path("search"), ("scores.json", "key.json"))
    names = [name for stage in before for name in DERIVED.get(stage, ())]
    for device in session.devices if names else ():
        _copy(session.source / "derived" / _owner(session.source, device), session.folder / "derived" / device.name,
              Path(), tuple(names))


def _owner(source: Path, device: Device) -> str:
    """Return the device of the source whose results are taken: the same, or the only one there is."""
    there = sorted(p.name for p in (source / "derived").glob("*") if (p / "architecture.json").exists())
    if device.name in there:
        return device.name
    if len(there) != 1:
        raise UserError(f"{source} has nothing derived for {device.name} (there: {', '.join(there) or 'nothing'}); "
                        "name one of these devices or derive first.")
    return there[0]


def _copy(source: Path, target: Path, inside: Path, names: tuple[str, ...]) -> None:
    for name in names:
        path = source / inside / name
        if not path.exists():
            raise UserError(f"{path} is missing: the source run has not come that far; finish it with the command "
                            "that began it.")
        if not (target / inside / name).exists():
            write_bytes(target / inside / name, path.read_bytes())
