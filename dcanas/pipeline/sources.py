"""Starting from a finished run: what came before the first stage of a command is taken over, not made again."""

from __future__ import annotations

from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_bytes
from dcanas.basics.keys import plain
from dcanas.cli.configure import stored_settings
from dcanas.hardware import Device
from dcanas.pipeline.session import Session
from dcanas.pipeline.settings import differences
from dcanas.pipeline.stages.deriving import derived_folder
from dcanas.search.ask_tell.study_settings import StudySettings
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings

FILES = {  # stage -> its results, of the whole run (search) or of each device
    "search": ("scores.json", "key.json"),  # of some searches: SEARCHES
    "derive": ("architecture.json",),
    "train": ("train.json", "weights.pt"),
    "export": ("model.onnx", "export.json"),
    "profile": ("profile.json",),
}
SEARCHES: dict[type, tuple[str, ...]] = {ElasticSettings: ("supernet.json", "supernet.pt", "key.json"),
                                         StudySettings: ("study.json", "key.json")}
DERIVING = ("search.pool", "search.finalists", "search.finalist_epochs", "search.rerank", "search.rerank_again",
            "search.rerank_batch_size", "search.rerank_evaluations", "search.aggregate")  # used after the search itself
EVOLVING = ("search.evaluations", "search.population", "search.tournament", "search.recalibration_images",
            "search.inherit")  # so are these, after an elastic supernet
MADE_WITH = {  # stage -> settings that can no longer be changed once its result is taken over
    "search": ("space.name", "space.search_skeleton.", "search."),
    "derive": ("space.", "budget", *DERIVING, *EVOLVING),
    "train": ("data.", "train.", "seed"),
    "export": (),
}


def adopt(session: Session, first: str) -> None:
    """Copy the results of all stages before `first` from the source run, where it is another run, and its measurements.

    Raises `UserError` where the source has not come that far or was made with settings that are asked otherwise.
    """
    source = session.source
    if source is None:
        return
    stages = tuple(FILES)
    before = stages[:stages.index(first)]
    _refuse_changes(session, source, before)
    if "search" in before:
        kind = type(session.settings.search)
        _copy(source / "search", session.folder / "search", SEARCHES.get(kind, FILES["search"]))
    for path in source.glob("latency/*/*"):  # named by all they depend on, so whatever fits is found
        if path.suffix not in (".json", ".yaml"):
            continue
        _copy(path.parent, session.folder / "latency" / path.parent.name, (path.name,))
    names = [name for stage in before[1:] for name in FILES[stage]]
    for device in session.devices if names else ():
        _copy(source / "derived" / _owner(source, device), derived_folder(session, device), names)


def _refuse_changes(session: Session, source: Path, taken: tuple[str, ...]) -> None:
    changed = differences(plain(session.settings), stored_settings(source))
    search = session.settings.search
    free = (*DERIVING, *EVOLVING) if isinstance(search, ElasticSettings) else DERIVING
    scored = isinstance(search, ZeroShotSettings)  # the final networks themselves, of this skeleton and on these images
    for stage in taken:
        for key, text in changed.items():
            fixed = (*MADE_WITH[stage], *(("space.", "data.") if scored and stage == "search" else ()))
            if key.startswith(fixed) and not (stage == "search" and key in free):
                raise UserError(f"The {stage} of {source} is taken as it is, so a setting it was made with cannot "
                                f"change ({text}); leave that setting out, or use a command that begins earlier.")


def _owner(source: Path, device: Device) -> str:
    """Return the device of the source whose results are taken: the same, or the only one there is."""
    there = sorted(p.parent.name for p in (source / "derived").glob("*/architecture.json"))
    if device.name in there:
        return device.name
    if len(there) != 1:
        raise UserError(f"{source} has nothing derived for {device.name} (there: {', '.join(there) or 'nothing'}); "
                        "name one of these devices or derive first.")
    return there[0]


def _copy(source: Path, target: Path, names: tuple[str, ...] | list[str]) -> None:
    for name in names:
        if not (source / name).exists():
            raise UserError(f"{source / name} is missing: the source run has not come that far; finish it with the "
                            "command that began it.")
    for name in names:
        if not (target / name).exists():
            write_bytes(target / name, (source / name).read_bytes())
