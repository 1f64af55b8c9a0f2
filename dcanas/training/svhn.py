"""Street View House Numbers (Netzer et al., 2011), cropped digits: 32x32 RGB, 73,257 + 26,032, read by torchvision."""

from __future__ import annotations

from pathlib import Path

from dcanas.training.arrays import Normalisation, fetch, from_arrays
from dcanas.training.data import Dataset
from dcanas.training.spec import DataSpec

# Mean and deviation of all training pixels, as the field's recipes have them.
NORMALISATION: Normalisation = ((0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970))


def svhn(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """SVHN: 99,289 colour images of house numbers; data.root (`data`) holds `train_32x32.mat` and so on."""
    spec.allow("root", "download")
    # torchvision compares both files with their published checksums before it opens them
    learnt, tested = fetch(spec, "SVHN", ({"split": "train"}, {"split": "test"}), "train_32x32.mat", 246)
    return from_arrays(spec, tuple("0123456789"), (learnt.data, learnt.labels), (tested.data, tested.labels),
                       flip=False, normalisation=NORMALISATION)  # mirrored digits are no digits
