"""Where `conf/`, `hardware_profiles/` and `gallery/` lie: at the repository's top, inside the wheel once installed."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def resource_folder(name: str) -> Path:
    """Return the folder `conf`, `hardware_profiles` or `gallery` of this installation; raises FileNotFoundError."""
    for folder in (_PACKAGE / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"{name}/ is neither inside the package nor beside it: the installation is broken")
