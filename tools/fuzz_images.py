"""Image files and folders damaged at random: each is understood or refused by one sentence, without traceback or hang.

    python -m tools fuzz_images count=500 seed=0
"""

from __future__ import annotations

import io
import resource
import shutil
import struct
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from dcanas.basics.errors import UserError
from dcanas.training import DataSpec, load_data
from dcanas.training.understood import report_lines

KINDS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
MODES = ("RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I;16", "F")
SLOW_S = 20.0


def main(*, count: int = 500, seed: int = 0) -> None:
    """Print how many folders were understood and refused, and every traceback; exit code 2 if there is one."""
    warnings.simplefilter("ignore")  # of Pillow, on damaged metadata
    rng, found, slowest = np.random.default_rng(seed), Counter[str](), 0.0
    with tempfile.TemporaryDirectory() as made:
        for number in range(count):
            root = Path(made) / "photos"
            shutil.rmtree(root, ignore_errors=True)
            _folder(root, rng)
            start = time.process_time()  # a busy machine is no hang
            found[_try(root, rng, number)] += 1
            slowest = max(slowest, time.process_time() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{count} folders: {', '.join(f'{n} {word}' for word, n in sorted(found.items()))}; slowest {slowest:.1f} s "
          f"of the processor, memory {memory:.2f} GB")
    if found["traceback"] or slowest > SLOW_S:
        raise UserError("Folders ended with a traceback or took too long; see above.")


def _try(root: Path, rng: np.random.Generator, number: int) -> str:
    try:
        data = load_data(DataSpec("folder", str(root), skip_bad=bool(rng.integers(2))))
        "\n".join(report_lines(data.report)).encode()
    except UserError as error:
        str(error).encode()
        return "refused" if str(error).count("\n") == 0 else "refused in several lines"
    except Exception:
        print(f"Folder {number}:\n{traceback.format_exc()}")
        return "traceback"
    return "understood"


def _folder(root: Path, rng: np.random.Generator) -> None:
    """Write two classes of small images, some of them damaged, and perhaps litter, links and odd names."""
    for name in ("cat", "dog") if rng.random() < 0.8 else ("train/cat", "train/dog", "test/cat", "test/dog"):
        (root / name).mkdir(parents=True)
        for i in range(8):
            content, kind = _image(rng)
            if rng.random() < 0.15:
                content = _damaged(content, rng)
            suffix = kind.lower() if rng.random() < 0.9 else str(rng.choice(["jpg", "png", "", "jfif", "heic", "txt"]))
            (root / name / f"{i}.{suffix}".rstrip(".")).write_bytes(content)
    odd = rng.integers(9)
    if odd == 0:
        (root / "cat").mkdir(parents=True, exist_ok=True)
        (root / "cat" / "loop").symlink_to(root)
    elif odd == 1:
        Path(str(root), b"bad\xff".decode("utf-8", "surrogateescape")).mkdir()
    elif odd == 2:
        (root / "empty").mkdir()
    elif odd == 3:
        (root / "__MACOSX").mkdir()
    elif odd == 4:
        (root / "gone.png").symlink_to(root / "nowhere")
    elif odd == 5:
        (root / "self").symlink_to("self")


def _image(rng: np.random.Generator) -> tuple[bytes, str]:
    """Return an image file of a random kind, mode and size."""
    size = tuple(int(side) for side in rng.choice([1, 8, 9, 24, 40], 2))
    mode = str(rng.choice(MODES))
    if mode in ("I;16", "F"):
        values = rng.integers(0, 60_000, size[::-1])
        image = Image.fromarray(values.astype(np.uint16 if mode == "I;16" else np.float32))
    else:
        image = Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)).convert(mode)
    for kind in (str(rng.choice(KINDS)), "TIFF"):
        content = io.BytesIO()
        try:
            image.save(content, kind)
        except (OSError, ValueError, KeyError):  # this kind does not hold this mode
            continue
        return content.getvalue(), kind
    raise AssertionError(mode)


def _damaged(content: bytes, rng: np.random.Generator) -> bytes:
    kind = rng.integers(6)
    if kind == 0:
        return content[:rng.integers(0, len(content))]
    if kind == 1:
        return rng.bytes(rng.integers(0, 200))
    if kind == 2 and content[:4] == b"\x89PNG":
        header = struct.pack(">II", *(int(n) for n in rng.choice([0, 1, 60_000, 2**31 - 1], 2))) + content[24:29]
        return content[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + content[33:]
    if kind == 3:
        return content + rng.bytes(50)
    changed = bytearray(content)
    for place in rng.integers(0, min(len(changed), 200 if kind == 4 else len(changed)), 8):
        changed[place] = rng.integers(256)
    return bytes(changed)
