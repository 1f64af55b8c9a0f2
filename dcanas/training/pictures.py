"""What image files hold, each read once: size, a fingerprint of the pixels, a small grey copy, or what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from dcanas.basics.errors import UserError
from dcanas.export.infer import InputError, deep_values, on_white, open_image, upright
from dcanas.training.copies import fingerprint, first_of_kind

SMALL = 32  # pixels: side of the grey copies
GREY = ("1", "L", "LA", "La")
NAMED = 10  # files that a sentence names
TOGETHER = 64  # files that a thread reads before it asks for more


@dataclass(frozen=True, eq=False)
class Pictures:
    """Facts on N files, as arrays.

    Attributes:
        sizes: (H, W) in pixels, upright, int64 (N, 2); zeros if the file is bad.
        grey: whether the pixels have no colour (N,).
        prints: fingerprint of the upright pixels (N,), empty if the file is bad.
        smallest, largest: of the values of a file's pixels, float64 (N,).
        deep: whether an image has more than 8 bits (N,).
        floating: whether its values are floating point, of no stated range (N,).
        small: grey copies, uint8 (N, 32, 32).
        errors: sentences on bad files, by position.
    """

    sizes: np.ndarray
    grey: np.ndarray
    prints: np.ndarray
    smallest: np.ndarray
    largest: np.ndarray
    deep: np.ndarray
    floating: np.ndarray
    small: np.ndarray
    errors: dict[int, str]

    def at(self, positions: np.ndarray) -> Pictures:
        """Return the facts on some of the files; none of them may be bad."""
        names = ("sizes", "grey", "prints", "smallest", "largest", "deep", "floating", "small")
        return replace(self, **{name: getattr(self, name)[positions] for name in names}, errors={})

    @property
    def copy_of(self) -> np.ndarray:
        """Position of the first file with the same pixels (N,): its own if there is none before it."""
        return first_of_kind(self.prints)


_known: dict[tuple[tuple[str, int, int], ...], Pictures] = {}


def examine(paths: Sequence[Path]) -> Pictures:
    """Return what the files hold; every one is read whole, by threads, and those of the last folder stay known."""
    try:
        states = [path.stat() for path in paths]
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read ({error.strerror}); repair or remove it.") from error
    key = tuple((str(path), state.st_size, state.st_mtime_ns) for path, state in zip(paths, states, strict=True))
    if key not in _known:
        found = _examine(paths)
        _known.clear()
        _known[key] = found
    return _known[key]


def bad_files(paths: Sequence[Path], pictures: Pictures) -> str:
    """Return a sentence that names the bad files, without its full stop: the first ten and the count."""
    errors = sorted(pictures.errors.items())
    if len(errors) == 1:
        return errors[0][1].rstrip(".")
    named: dict[str, list[str]] = {}
    for i, text in errors[:NAMED]:
        named.setdefault(text.removeprefix(str(paths[i])).rstrip("."), []).append(str(paths[i]))
    texts = [f"{'each of ' if len(files) > 1 else ''}{', '.join(files)}{reason}" for reason, files in named.items()]
    more = f"; and {len(errors) - NAMED} more" if len(errors) > NAMED else ""
    return f"{len(errors)} of {len(paths)} image files cannot be used: {'; '.join(texts)}{more}"


def _examine(paths: Sequence[Path]) -> Pictures:
    count = len(paths)
    made = Pictures(np.zeros((count, 2), np.int64), np.ones(count, bool), np.full(count, b"", "S16"), np.zeros(count),
                    np.zeros(count), np.zeros(count, bool), np.zeros(count, bool),
                    np.zeros((count, SMALL, SMALL), np.uint8), {})

    def read(position: int) -> None:
        try:
            _read(paths[position], made, position)
        except InputError as error:
            made.errors[position] = str(error)
        except Exception as error:  # Pillow raises many kinds for damaged pixels
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            made.errors[position] = f"{paths[position]} is not a readable image ({reason.rstrip('.')})"

    def read_some(start: int) -> None:
        for position in range(start, min(start + TOGETHER, count)):
            read(position)

    with ThreadPoolExecutor() as pool:  # Pillow decodes outside the interpreter's lock
        list(pool.map(read_some, range(0, count, TOGETHER)))
    return made


def _read(path: Path, made: Pictures, position: int) -> None:
    """Put what a file holds into the arrays."""
    with open_image(path) as opened:
        mode = opened.mode
        image = upright(opened)
        try:
            values = deep_values(image)
        except InputError as error:
            raise InputError(f"{path} cannot be used: {error}") from error
        if values is None:
            pixels = _pixels(image)
            made.smallest[position], made.largest[position] = pixels.min(), pixels.max()
            small = image.convert("L")
        else:
            pixels = values.astype(np.float32 if mode == "F" else np.int32, copy=False)
            made.smallest[position], made.largest[position] = values.min(), values.max()
            small = _stretched(Image.fromarray(values.astype(np.float32)).resize((SMALL, SMALL), Image.Resampling.BOX))
        made.prints[position] = fingerprint(pixels)
        made.sizes[position] = image.height, image.width
        made.grey[position] = mode in GREY or mode == "F" or mode.startswith("I")
        made.deep[position], made.floating[position] = values is not None, mode == "F"
        if small.size != (SMALL, SMALL):
            small = small.resize((SMALL, SMALL), Image.Resampling.BOX)
        made.small[position] = np.asarray(small)


def _stretched(image: Image.Image) -> Image.Image:
    """Return an image of floats with its own range as 8 bits."""
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())
    return Image.fromarray(np.uint8((values - low) * (255 / ((high - low) or 1))))


def _pixels(image: Image.Image) -> np.ndarray:
    """Return what is seen of an image of 8 bits, whatever its mode: uint8 (H, W) if it is grey, else (H, W, 3)."""
    if "transparency" in image.info or image.mode == "PA":
        image = image.convert("RGBA")
    elif image.mode not in ("L", "LA", "RGB", "RGBA"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    pixels = np.asarray(image)
    if image.mode in ("LA", "RGBA"):  # on white, as it is learnt from
        opaque = (pixels[..., -1] == 255).all()
        pixels = pixels[..., :-1] if opaque else np.asarray(on_white(image).convert("RGB"))
    if pixels.ndim == 3 and all(
            (part[..., 0] == part[..., c]).all() for part in (pixels[::16, ::16], pixels)  # of most, a few pixels tell
            for c in range(pixels.shape[2])):
        pixels = pixels[..., 0]
    return pixels
