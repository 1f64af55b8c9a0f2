"""Image files to uint8 (N, C, H, W), by the functions that the delivered `infer.py` uses."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.keys import key_of
from dcanas.training.data import Images
from dcanas.training.on_demand import FileImages

MEMORY_BYTES = 4 << 30  # decoded images larger than this go to disk
DISK_BYTES = 16 << 30  # those larger than this are decoded again and again


def decode(paths: Sequence[Path], preprocessing: dict[str, Any], cache: Path | None,
           memory_bytes: int = MEMORY_BYTES, disk_bytes: int = DISK_BYTES) -> Images:
    """Return all images uint8 (N, C, H, W): in memory, in a file of `cache`, or decoded on demand.

    Args:
        preprocessing: see `dcanas.training.data.preprocessing`.
        cache: folder for decoded images; None: nothing is kept on disk.
        memory_bytes: images up to this size are kept in memory.
        disk_bytes: images up to this size are kept in `cache`; larger ones are decoded on demand.

    Raises `UserError` naming the first file that cannot be read, or if `cache` cannot be written.
    """
    shape = (len(paths), preprocessing["channels"], *preprocessing["size"])
    needed = int(np.prod(shape, dtype=np.int64))
    if needed <= memory_bytes:
        return _fill(np.empty(shape, np.uint8), paths, preprocessing)
    if cache is None or needed > disk_bytes:
        return FileImages(paths, preprocessing)
    files = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in paths]
    whole = cache / f"images-{key_of(files, preprocessing)}.npy"
    if not whole.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        part = whole.with_name(f".{whole.name}.{os.getpid()}")
        try:
            images = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)
            _fill(images, paths, preprocessing).flush()  # type: ignore[attr-defined]
            part.replace(whole)  # whole or absent, as all files
        except OSError as error:
            raise UserError(f"Could not write {needed / 2**30:.1f} GiB of decoded images to {cache} "
                            f"({error.strerror}); make room or choose a smaller data.size or data.fraction.") from error
        finally:
            part.unlink(missing_ok=True)
    return np.load(whole, mmap_mode="r")


def _fill(images: np.ndarray, paths: Sequence[Path], preprocessing: dict[str, Any]) -> np.ndarray:
    files = FileImages(paths, preprocessing)
    for start in range(0, len(paths), 1024):  # so that a bad file ends the work soon
        images[start:start + 1024] = files[start:start + 1024]
    return images
