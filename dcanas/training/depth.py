"""Images of more than 8 bits: which value is white, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.export.infer import deep_values, open_image
from dcanas.training.pictures import Pictures
from dcanas.training.spec import DataSpec

BITS = (8, 10, 12, 14, 16)
FEW_LEVELS = 32  # of 256, below which a warning is due


def white(spec: DataSpec, pictures: Pictures, known: np.ndarray, test: np.ndarray,
          paths: Sequence[Path]) -> dict[str, Any] | None:
    """Return the value that becomes 255, and what is known of the images of more than 8 bits; None: there are none.

    Args:
        pictures: facts on N images.
        known: positions of the images that may be learnt from; they alone decide.
        test: positions of the test images.
        paths: of the N images.

    Raises:
        UserError: images of floating point or of more than 16 bits, and no `data.max_value`.
    """
    deep = known[pictures.deep[known]]
    if not len(deep):
        deep = test[pictures.deep[test]]
        if not len(deep):
            return None
    if spec.max_value is None:
        floating = np.flatnonzero(pictures.floating)
        if len(floating):
            raise UserError(f"{len(floating)} images such as {paths[floating[0]]} are floating point, of no stated "
                            f"range; set data.max_value to the value of white (their largest value is "
                            f"{pictures.largest[floating].max():g}).")
    largest = float(pictures.largest[deep].max())
    learnt = int(pictures.deep[known].sum())
    bits = next((bits for bits in BITS if largest < 2**bits and (learnt or bits == BITS[-1])), None)
    if spec.max_value is None and bits is None:
        raise UserError(f"Images of {spec.root} have values up to {largest:g}, more than 16 bits; set data.max_value "
                        "to the value of white.")
    value = spec.max_value if spec.max_value is not None else float(2**int(bits or 0) - 1)
    span = largest - float(pictures.smallest[deep].min())
    over = [i for i in test.tolist() if pictures.deep[i] and pictures.largest[i] > value]
    clipped = sum(int((np.asarray(_values(paths[i])) > value).sum()) for i in over)
    return {"max_value": int(value) if value == int(value) else value, "stated": spec.max_value is not None,
            "bits": None if spec.max_value is not None else bits, "images": int(pictures.deep.sum()), "learnt": learnt,
            "largest": largest, "levels": int(min(span * 255 / value, 255)) + 1,
            "clipped_test_images": len(over), "clipped_test_pixels": clipped}


def _values(path: Path) -> np.ndarray:
    with open_image(path) as image:
        return np.asarray(deep_values(image))
