"""The bundle: a folder that classifies images without this project."""

from __future__ import annotations

import inspect
import io
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dcanas.basics.checkpoints import save_weights
from dcanas.basics.errors import UserError
from dcanas.basics.files import sha256_of, write_bytes, write_json, write_text
from dcanas.export import classifier

FILES = ("README.md", "certificate.json", "infer.py", "labels.txt", "model.onnx", "network.py", "preprocessing.json",
         "test.npz", "weights.pt",  # beside `SUMS`; certificate.json only if there is one
         "network.c", "network.h", "selftest.c", "weights.c", "weights.h")  # the C files only for a microcontroller
SUMS = "SHA256SUMS"  # of all other files, in the format of the command sha256sum

_LOAD = '''
def load(weights: str | Path = Path(__file__).with_name("weights.pt")) -> nn.Module:
    """Return the trained network in evaluation mode: images (N, C, H, W) in [0, 1] in, logits out."""
    state = torch.load(weights, map_location="cpu", weights_only=True)
    model = Classifier(Normalise(state["normalise.mean"].flatten().tolist(),
                                 state["normalise.std"].flatten().tolist()), build())
    model.load_state_dict(state)
    return model.eval()
'''

_README = """# {title}

Classes: {classes}. Images: {shape} (channels, height, width).

    pip install "onnxruntime>={runtime_version}" numpy pillow
    python infer.py                # accuracy on test.npz, {tested} of the data set
    python infer.py photo.png      # label and probability of an image
    python infer.py --verify       # whether all files, the accuracy and the limits are as certificate.json says

`model.onnx` takes one image as float32 (1, channels, height, width) in [0, 1] and gives logits; `labels.txt`
names them in order, `preprocessing.json` says how an image file becomes the input. With PyTorch alone:

    from network import load
    logits = load()(images)        # images: float32 (N, channels, height, width) in [0, 1]
"""

_CODE = """
`network.h` says how to call the C code (`network.c`, `weights.c`; `selftest.c` checks three images on the board).
Compile with `-std=c99 -O2 -ffp-contract=off`, never with `-ffast-math`. Certified is what this code answers;
`model.onnx`, which it was made from, may differ from it in single images.
"""


def write_bundle(folder: Path | str, onnx_path: Path | str, network_source: str,
                 state_dict: Mapping[str, Tensor], classes: Sequence[str],
                 preprocessing: Mapping[str, Any], test_images: NDArray[np.uint8], test_labels: NDArray[Any],
                 title: str = "Image classifier",
                 runtime_version: str = "1.14", test_total: int | None = None,
                 certificate: Mapping[str, Any] | None = None, code: Sequence[Path] = ()) -> Path:
    """Write the folder whole or not at all; an earlier bundle there is replaced, anything else refused.

    Args:
        folder: the bundle.
        onnx_path: the exported file.
        network_source: Python source that needs torch only, with a function `build()` (see `Space.source`).
        state_dict: of `Classifier(Normalise(...), build())`.
        classes: names, in the order of the outputs.
        preprocessing: what `infer.py` needs: `channels`, `size` [H, W], `resample`; further keys are kept.
        test_images: uint8 (N, C, H, W).
        test_labels: (N,), indices into `classes`.
        title: heading of the README.
        runtime_version: the oldest ONNX Runtime that loads the file, for the README.
        test_total: number of test images of the data set, if `test_images` are only a part of them.
        certificate: content of `certificate.json`, whose `sha256` is that of `onnx_path`; None: the bundle has none.
        code: C files of the network, if it is for a microcontroller.

    Raises `UserError` for a class name of several lines, if the folder holds other files, if the certificate is that of
    another file, and if the disk is full.
    """
    if test_images.dtype != np.uint8 or test_images.ndim != 4 or len(test_images) != len(test_labels):
        raise ValueError(f"test images must be uint8 (N, C, H, W) with a label each, got {test_images.dtype} "
                         f"{test_images.shape} and {len(test_labels)} labels")
    whole = test_total in (None, len(test_images))
    tested = "the test images" if whole else f"{len(test_images)} of the {test_total} test images"
    for name in classes:
        if name.splitlines() != [name]:
            raise UserError(f"The class name {name!r} spans several lines or is empty; rename the class.")
    folder = Path(folder)
    _require_replaceable(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise UserError(f"Could not write {folder} ({error.strerror}).") from error
    try:
        write_bytes(partial / "model.onnx", Path(onnx_path).read_bytes())
        if certificate is not None:
            if certificate["sha256"] != sha256_of(partial / "model.onnx"):
                raise UserError(f"{onnx_path} is not the file that the certificate is about (SHA-256 "
                                f"{certificate['sha256']}); run the same command again.")
            write_json(partial / "certificate.json", dict(certificate))
        write_text(partial / "labels.txt", "".join(f"{name}\n" for name in classes))
        write_json(partial / "preprocessing.json", dict(preprocessing))
        packed = io.BytesIO()
        np.savez_compressed(packed, images=test_images, labels=np.asarray(test_labels, np.int64))
        write_bytes(partial / "test.npz", packed.getvalue())
        write_bytes(partial / "infer.py", Path(__file__).with_name("infer.py").read_bytes())
        write_text(partial / "network.py", _network_text(network_source))
        for path in code:
            write_bytes(partial / path.name, path.read_bytes())
        save_weights(partial / "weights.pt", state_dict)
        write_text(partial / "README.md", _README.format(
            title=title, classes=", ".join(classes), shape=tuple(test_images.shape[1:]),
            runtime_version=runtime_version, tested=tested) + (_CODE if code else ""))
        write_text(partial / SUMS, "".join(f"{sha256_of(partial / name)}  {name}\n" for name in FILES
                                           if (partial / name).exists()))
        partial.chmod(0o755)
        _replace(folder, partial)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return folder


def copy_bundle(source: Path, target: Path) -> None:
    """Copy a bundle whole or not at all; an earlier bundle at `target` is replaced.

    Raises `UserError` if the target holds other files, or the disk is full.
    """
    _require_replaceable(target)
    partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        for name in (*FILES, SUMS):
            if (source / name).exists():
                write_bytes(partial / name, (source / name).read_bytes())
        partial.chmod(0o755)
        _replace(target, partial)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _require_replaceable(folder: Path) -> None:
    if folder.is_dir():
        foreign = sorted({entry.name for entry in folder.iterdir()} - {*FILES, SUMS, "__pycache__"})
        if foreign:
            raise UserError(f"{folder} holds {foreign[0]}, which is not part of a bundle; choose another "
                            "folder or move it away.")
    elif folder.exists():
        raise UserError(f"{folder} is a file; a bundle is a folder: choose another place.")


def _replace(folder: Path, partial: Path) -> None:
    """Put `partial` in the place of `folder`; a reader sees the old, for a moment none, or the new."""
    if not folder.exists():
        partial.rename(folder)
        return
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
    folder.rename(aside / folder.name)
    partial.rename(folder)
    shutil.rmtree(aside)


def _network_text(network_source: str) -> str:
    wrapper = "\n\n".join(inspect.getsource(part) for part in (classifier.Normalise, classifier.Classifier))
    imports = ("from collections.abc import Sequence\nfrom pathlib import Path\n\n"
               "import torch\nfrom torch import Tensor, nn\n")
    return f"{network_source.rstrip()}\n\n\n{imports}\n\n{wrapper}\n{_LOAD}"
