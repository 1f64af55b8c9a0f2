"""Which command makes a published table, and from what."""

from __future__ import annotations

from pathlib import Path

IMPORTED = {  # beginning of a table's name -> the command that makes it in a folder, and who publishes its source
    "hw_nas_bench": ("import_hw_nas_bench HW-NAS-Bench-v1_0.pickle", "github.com/GATECH-EIC/HW-NAS-Bench"),
    "nasbench201_latency": ("import_help HELP/data/nasbench201", "github.com/HayeonLee/HELP"),
    "fbnet_latency": ("import_help HELP/data/fbnet", "github.com/HayeonLee/HELP"),
}


def how_made(table: str, folder: Path | str) -> str:
    """Return which command of a clone makes a table, from what its authors publish; empty if none does."""
    for beginning, (command, published) in IMPORTED.items():
        if table.startswith(beginning):
            return f"; `python -m tools {command} {folder}` in a clone makes {table} from what {published} publishes"
    return ""
