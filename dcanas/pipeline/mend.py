"""Before a stage runs: results that are not as they were written are made again if that is cheap; else the run stops.

What is not whole is kept as NAME.damaged; a whole file that has to be made anew beside it, as NAME.earlier.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, sha256_of
from dcanas.basics.manifest import Result, forget, note_files, read_manifest, set_aside, what_happened
from dcanas.pipeline.context import Context
from dcanas.pipeline.delivered import FILES, delivered_file
from dcanas.report.kinds import read_result

COSTS = {  # of a stage that is made again only if `run.remake` names it
    "search": "the whole search",
    "derive": "choosing among the candidates, with their short trainings",
    "train": "the training",
    "profile": "measuring on the device",
    "robustness": "the attacks",
    "compare": "finding and training the hand-made network",
}
BUNDLE = "bundle/SHA256SUMS"  # the file of a bundle that is written last
MEASURED = "measure"  # of members of the space, by whichever stage needs it first


def mend(run: Context, stage: str) -> None:
    """Set aside what is damaged among the results of a stage, so that it is made again.

    Raises:
        UserError: making it again takes long, and `run.remake` does not name the stage.
    """
    stages = (stage, MEASURED) if stage == "feasibility" else (stage,)
    for result in read_manifest(run.folder):
        if result.stage in stages and _is_in_use(run, stage, result):
            _mend(run, result)
    if stage in STALE:
        for folder in _folders(run):
            for path, why in STALE[stage](folder):
                _say(run, f"{path} {why}", path if path.is_dir() else _without(run, path))


def note_measured(run: Context) -> None:
    """Write the SHA-256 of members that a stage has measured into the manifest."""
    known = {result.done for result in read_manifest(run.folder)}
    for path in run.folder.glob("latency/*/*.json"):
        if path.relative_to(run.folder).as_posix() not in known:
            note_files(run.folder, path, MEASURED)


def _is_in_use(run: Context, stage: str, result: Result) -> bool:
    """Return whether a result belongs to this run, not to one with another key beside it."""
    path = run.folder / result.done
    if "/" not in result.done or result.done == BUNDLE or stage == "feasibility":
        return True
    folders = [run.search_folder] if stage == "search" else [run.device_folder(device) for device in run.devices]
    return any(path.is_relative_to(folder) for folder in folders)


def _mend(run: Context, result: Result) -> None:
    damaged, done = result.damaged(run.folder), run.folder / result.done
    if damaged and result.stage in COSTS and run.options.run.remake != result.stage:
        names = ", ".join(path.name for path in damaged)
        raise UserError(f"{damaged[0]} {what_happened(damaged[0])} since {result.stage} wrote it. Making it again "
                        f"takes {COSTS[result.stage]}{_took(done)}: add run.remake={result.stage} to the command for "
                        f"that; what is there is kept as NAME.damaged ({names}).")
    if not damaged and done.exists():
        return
    forget(run.folder, result.done)
    if damaged and result.done.endswith(BUNDLE):
        _say(run, f"{damaged[0]} {what_happened(damaged[0])} since the bundle was written", set_aside(done.parent))
        return
    for path in damaged:
        what = f"{path} {what_happened(path)} since {result.stage} wrote it"
        _say(run, what, set_aside(path) if path.exists() else None)
    if done.exists():
        set_aside(done, "earlier")


def _took(done: Path) -> str:
    """Return in words how long a training took, if its file says so."""
    try:
        seconds = read_json(done)["seconds"]
        return f" (it took {seconds:.0f} s)"
    except (UserError, KeyError, TypeError, ValueError):
        return ""


def _say(run: Context, what: str, kept: Path | None) -> None:
    run.hooks.message(f"{what}: it is made again" + (f", what was there is kept as {kept.name}." if kept else "."))


def _without(run: Context, path: Path) -> Path:
    """Set aside a result that no longer fits the files it was made from."""
    forget(run.folder, path.relative_to(run.folder).as_posix())
    return set_aside(path, "earlier")


def _folders(run: Context) -> list[Path]:
    """Return the folders of the delivered and the hand-made networks, as far as they exist."""
    own = [run.device_folder(device) for device in run.devices]
    return [folder for device in own for folder in (device, device / "baseline") if folder.is_dir()]


def _export(folder: Path) -> Iterator[tuple[Path, str]]:
    done = folder / "export.json"
    if done.exists():
        stated = read_result(done)
        if stated["sha256"] != _hash(folder / FILES["fp32"]):
            yield done, f"is about another {FILES['fp32']} than lies beside it"
        elif stated.get("weights_sha256") not in (None, _hash(folder / "weights.pt")):
            yield done, "is about other weights than lie beside it"


def _quantise(folder: Path) -> Iterator[tuple[Path, str]]:
    done, hashes = folder / "int8.json", {name: _hash(folder / file) for name, file in FILES.items()}
    if done.exists():
        stated = read_result(done)
        known = stated.get("sha256"), stated.get("fp32_sha256")  # the first if int8 is delivered
        if known[0] not in (None, hashes["int8"]) or known[1] not in (None, hashes["fp32"]):
            yield done, "is about other files than lie beside it"
    profiles = folder / "int8_profiles.json"
    if profiles.exists() and any(found["sha256"] != hashes[name] for name, found in read_result(profiles).items()):
        yield profiles, "was measured of other files than lie beside it"


def _prove(folder: Path) -> Iterator[tuple[Path, str]]:
    done = folder / "proof.json"
    if done.exists() and read_result(done)["onnx_sha256"] != _hash(folder / FILES["int8"]):
        yield done, f"is about the C of another {FILES['int8']} than lies beside it"


def _profile(folder: Path) -> Iterator[tuple[Path, str]]:
    done = folder / "profile.json"
    if done.exists() and read_result(done)["sha256"] != _hash(folder / FILES["fp32"]):
        yield done, f"was measured of another {FILES['fp32']} than lies beside it"


def _certify(folder: Path) -> Iterator[tuple[Path, str]]:
    done, bundle = folder / "certificate.json", folder / "bundle"
    if not (folder / "export.json").exists():
        return  # no hand-made network was found
    delivered = _hash(folder / delivered_file(folder)["onnx"])
    if done.exists() and read_result(done)["sha256"] != delivered:
        yield done, "certifies another file than lies beside it"
    if bundle.is_dir() and _hash(bundle / "model.onnx") != delivered:
        yield set_aside(bundle), "held another model.onnx than the one that was examined"


def _hash(path: Path) -> str | None:
    return sha256_of(path) if path.is_file() else None


STALE = {"export": _export, "quantise": _quantise, "prove": _prove, "profile": _profile, "certify": _certify}
