"""ImageNet (ILSVRC 2012; Russakovsky et al., arXiv 1409.0575): 1.28 million photographs, a folder per WordNet id."""

from __future__ import annotations

from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.typed_path import typed_path
from dcanas.training.data import Dataset, Normalisation
from dcanas.training.files import from_files, synonyms
from dcanas.training.folder_walk import image_files, subfolders
from dcanas.training.spec import DataSpec

SIDE = 224
# As in torchvision's recipes and weights.
NORMALISATION: Normalisation = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_LAYOUT = "expected train/<WordNet id>/*.JPEG and val/<WordNet id>/*.JPEG"


def imagenet(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """ImageNet: photographs of 1,000 kinds of thing; data.root (default `data/imagenet`) holds `train` and `val`.

    Any number of classes in this layout will do (ImageNet-100). The published validation images are the test split,
    for the labels of the test images are not published; validation is made of training images. Pixels as in
    torchvision's recipes: the shorter side becomes 256 for a centre of 224 pixels, and in proportion for others.
    """
    spec.allow("root")
    root = typed_path(spec.root or "data/imagenet")
    for name in ("train", "val"):
        if not (root / name).is_dir():
            raise UserError(f"ImageNet is not at {root} ({name}/ is missing); {_LAYOUT}: get ILSVRC2012 at "
                            "image-net.org, unpack it so, and set data.root to that folder.")
    wnids, there = ([folder.name for folder in subfolders(root / half)] for half in ("train", "val"))
    if wnids != there:
        odd = sorted(set(wnids) ^ set(there))
        raise UserError(f"{root} has {len(wnids)} classes in train/ but {len(there)} in val/ ({odd[0]} is only in "
                        f"{'train' if odd[0] in wnids else 'val'}/); {_LAYOUT} with the same classes in both.")
    if len(wnids) < 2:
        raise UserError(f"{root}/train holds {len(wnids)} class folders, but two are needed at least; {_LAYOUT}.")
    learnt, tested = ([image_files(root / half / wnid) for wnid in wnids] for half in ("train", "val"))
    classes = synonyms(wnids, root / "LOC_synset_mapping.txt", " ")
    return from_files(spec, classes, learnt, tested, root, SIDE, NORMALISATION, cache, context=256 / 224)
