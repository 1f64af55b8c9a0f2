"""Import HELP's latency tables (Lee et al., NeurIPS 2021).

    python -m tools import_help data/nasbench201 FOLDER

The source folder has `latency/NAME.pt`, one list of 15,625 latencies (ms) per device; of `data/fbnet`, 5,000 and the
architectures in `metainfo.pt`. Writes nasbench201_latency_devices.npz or fbnet_latency_devices.npz. Files are loaded
with weights_only: nothing in them runs.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_bytes

BLOCKS = ("k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip")
ROWS = {"nasbench201": 15_625, "fbnet": 5_000}


def main(source: Path, folder: Path) -> None:
    """Write the table.

    Args:
        source: HELP's data/nasbench201 or data/fbnet
        folder: where the table goes

    Raises `UserError` naming the file that is missing, of another length or no data.
    """
    space = source.resolve().name
    if space not in ROWS:
        raise UserError(f"{source} must be HELP's data/nasbench201 or data/fbnet, got a folder named {space!r}.")
    files = sorted((source / "latency").glob("*.pt"))
    if not files:
        raise UserError(f"{source}/latency holds no .pt file; give HELP's data/{space}.")
    arrays = {path.stem: np.asarray(_load(path), dtype=np.float32).reshape(-1) for path in files}
    for name, array in arrays.items():
        if len(array) != ROWS[space]:
            raise UserError(f"{source}/latency/{name}.pt has {len(array):,} latencies instead of {ROWS[space]:,}.")
    if space == "fbnet":
        choices = [entry["op_idx_list"] for entry in _load(source / "metainfo.pt")["arch"]]
        arrays |= {"choices": np.array(choices, dtype=np.uint8), "blocks": np.array(BLOCKS)}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    path = folder / f"{space}_latency_devices.npz"
    write_bytes(path, content.getvalue())
    print(path)


def _load(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's refusals share no base class
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} is not a file of plain numbers ({reason}); nothing of it was executed.") from error
