"""Classify images with the model.onnx beside this file: numpy and onnxruntime; Pillow to open image files.

    python infer.py                    accuracy on the delivered test set (test.npz)
    python infer.py a.png FOLDER       label and probability of each image, also of those in a folder
    python infer.py --json [files]     the same as JSON

Beside this file lie `model.onnx` (input: float32 (1, C, H, W) in [0, 1]; output: logits (1, classes)),
`labels.txt` (one class per line, in the order of the outputs), `preprocessing.json` and `test.npz`
(`images` uint8 (N, C, H, W), `labels` int64 (N,)). Runs on Python 3.8 and later. The network was trained on
images decoded by the very functions below.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

MANY_PIXELS, PIXELS_PER_BYTE = 30_000_000, 500  # more pixels, and more per byte of the file, are no photograph's
RESAMPLE = ("nearest", "bilinear", "bicubic", "lanczos")
HEIF = (".heic", ".heif")  # opened by pillow-heif
EXTENSIONS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm",
              ".pbm", ".avif", *HEIF)
TURNS = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE",
         8: "ROTATE_90"}  # by EXIF's orientation
LITTER = ("@eadir", "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information",
          "lost+found", "#recycle", "icon\r")  # what systems leave in folders


class InputError(Exception):
    """A file that cannot be used; the text is one sentence."""


def load_image(path, preprocessing):
    """Return an image file as the network's pixels; raises `InputError` naming the file.

    Shape: uint8 (C, H, W), where `preprocessing` holds `channels` C, `size` [H, W] and `resample`.
    """
    image = open_image(path)
    try:
        return fit(image, preprocessing)
    except InputError as error:
        raise InputError(f"{path} cannot be used: {error}") from error
    except Exception as error:  # Pillow raises many kinds for damaged pixels
        raise InputError(f"{path} is not a readable image ({_reason(error)}).") from error


def open_image(path):
    """Return the opened, not yet decoded Pillow image; raises `InputError` naming the file."""
    from PIL import Image

    suffix = Path(path).suffix.lower()
    if suffix in HEIF or suffix == ".avif":
        _register_heif(path, suffix)
    try:
        image = Image.open(path)
    except FileNotFoundError as error:
        raise InputError(f"There is no image {path}.") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{path} is too large ({_reason(error)}).") from error
    except Exception as error:
        if suffix in HEIF or suffix == ".avif":
            raise InputError(f"{path} is not a readable image, or Pillow cannot open its kind; `pip install "
                             f"pillow-heif` adds {', '.join(HEIF)} and .avif.") from error
        raise InputError(f"{path} is not a readable image ({_reason(error)}).") from error
    pixels = image.width * image.height
    if pixels > MANY_PIXELS and pixels > PIXELS_PER_BYTE * Path(path).stat().st_size:
        raise InputError(f"{path} is too large ({image.width}x{image.height} pixels in a small file).")
    return image


def fit(image, preprocessing):
    """Return a Pillow image as uint8 (C, H, W): upright, 8 bits, on white, cropped and resized.

    With `resize` the shorter side becomes so many pixels and the centre is cut out, rounded as torchvision does
    (Resize, CenterCrop). Without it the crop is the largest centred box of the wanted aspect ratio, resized; an
    image of the right size keeps its pixels. Pillow's filters average over the source's pixels where they shrink.
    """
    from PIL import Image

    height, width = preprocessing["size"]
    image = _eight_bits(upright(image), preprocessing.get("max_value"))
    if _has_alpha(image):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if preprocessing["channels"] == 1 else "RGB")
    if preprocessing["resample"] not in RESAMPLE:
        raise InputError(f"resample must be one of {', '.join(RESAMPLE)}.")
    resample = getattr(Image, preprocessing["resample"].upper())
    if preprocessing.get("resize"):
        image = _middle(_shorter_side(image, preprocessing["resize"], resample), width, height)
    elif image.size != (width, height):
        scale = max(width / image.width, height / image.height)
        left, top = (image.width - width / scale) / 2, (image.height - height / scale) / 2
        box = (max(left, 0), max(top, 0), min(left + width / scale, image.width),
               min(top + height / scale, image.height))
        image = image.resize((width, height), resample, box=box)
    pixels = np.asarray(image, dtype=np.uint8)
    return np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def upright(image):
    """Return the image as its metadata say that it is seen; as it is stored if they are damaged."""
    from PIL import Image

    image.load()  # first: in PNG files the metadata may stand after the pixels, whose errors are none of theirs
    turn = TURNS.get(orientation(image))
    return image if turn is None else image.transpose(getattr(Image.Transpose, turn))


def orientation(image):
    """Return the orientation that the metadata state, 1 to 8; 1 (as stored) if they are damaged or state none."""
    try:
        found = int(image.getexif().get(0x0112, 1))
    except Exception:
        return 1
    return found if found in TURNS else 1


def is_litter(name):
    """Return whether a file or folder of this name is hidden or left by a system: no one's image."""
    return name.startswith(".") or name.lower() in LITTER


def image_files(folder):
    """Return the image files in a folder, at any depth, sorted; litter and files of other kinds are passed over."""
    found, waiting, seen = [], [Path(folder)], set()
    while waiting:
        parent = waiting.pop()
        if parent.resolve() in seen:  # a link in a circle
            continue
        seen.add(parent.resolve())
        for path in parent.iterdir():
            if is_litter(path.name):
                continue
            if path.is_dir():
                waiting.append(path)
            elif path.suffix.lower() in EXTENSIONS and path.is_file():
                found.append(path)
    return sorted(found)


def to_input(images):
    """Return uint8 images as the model's input, float32 in [0, 1]; mean and deviation are in the model."""
    return images.astype(np.float32) / np.float32(255)


def predict(session, images):
    """Return the logits (N, classes) of uint8 images (N, C, H, W), one at a time: the model's batch is 1."""
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: to_input(image[None])})[0] for image in images])


def probabilities(logits):
    """Return the softmax over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def open_session(folder):
    """Return the ONNX Runtime session of the model in `folder`; raises `InputError`."""
    import onnxruntime

    model = _beside(folder, "model.onnx")
    try:
        return onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InputError(f"model.onnx cannot be loaded by onnxruntime {onnxruntime.__version__} "
                         f"({_reason(error)}).") from error


def classify(folder, files):
    """Return {file, label, probability} for each image file."""
    preprocessing = json.loads(_beside(folder, "preprocessing.json").read_text(encoding="utf-8"))
    labels = _beside(folder, "labels.txt").read_text(encoding="utf-8").splitlines()
    images = [load_image(file, preprocessing) for file in files]
    chances = probabilities(predict(open_session(folder), np.stack(images)))
    best = chances.argmax(axis=1)
    return [{"file": str(file), "label": labels[best[i]], "probability": float(chances[i, best[i]])}
            for i, file in enumerate(files)]


def evaluate(folder):
    """Return {accuracy, correct, n} on the delivered test set."""
    with np.load(str(_beside(folder, "test.npz")), allow_pickle=False) as test:
        images, labels = test["images"], test["labels"]
    correct = int((predict(open_session(folder), images).argmax(axis=1) == labels).sum())
    return {"accuracy": correct / len(labels), "correct": correct, "n": len(labels)}


def main(argv=None):
    """Run the command line; returns the exit code: 0 done, 2 a file that cannot be used."""
    parser = argparse.ArgumentParser(description="Classify images with the model.onnx beside this file.")
    parser.add_argument("files", nargs="*", help="image files or folders; none: the delivered test set")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    folder = Path(__file__).resolve().parent
    try:
        files = [file for given in args.files for file in _files(given)]
        result = classify(folder, files) if args.files else evaluate(folder)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(result, indent=2))
    elif args.files:
        for row in result:
            print(f"{row['file']}: {row['label']} ({row['probability']:.4f})")
    else:
        print(f"accuracy: {result['accuracy']:.4f} ({result['correct']} of {result['n']})")
    return 0


def _shorter_side(image, side, resample):
    """Return the image resized so that its shorter side has `side` pixels."""
    short = min(image.size)
    size = tuple(side if length == short else int(side * length / short) for length in image.size)
    return image if image.size == size else image.resize(size, resample)


def _middle(image, width, height):
    """Return the centre of an image that is not smaller."""
    if image.width < width or image.height < height:
        raise InputError("resize must not be smaller than size.")
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    return image.crop((left, top, left + width, top + height))


def deep_values(image):
    """Return the values of an image of more than 8 bits per pixel; None: it has 8. Pillow itself makes 16-bit colour 8.

    Raises `InputError` for values that are no brightness.
    """
    if image.mode != "F" and not image.mode.startswith("I"):
        return None
    values = np.asarray(image)
    if image.mode == "F" and not np.isfinite(values).all():
        raise InputError("some of its pixels are not a number or infinite.")
    if values.min() < 0:
        raise InputError("some of its pixels are negative.")
    return values


def _eight_bits(image, max_value):
    """Return an image of more than 8 bits per pixel as 8: `max_value` becomes 255, what is brighter, too."""
    values = deep_values(image)
    if values is None:
        return image
    from PIL import Image

    if max_value is None and (image.mode == "F" or values.max() > 65535):
        what = "are floating point, of no stated range" if image.mode == "F" else "have more than 16 bits"
        raise InputError(f"its pixels {what}; state the value of white with data.max_value=.")
    white = 65535 if max_value is None else max_value
    eight = np.floor(np.minimum(values.astype(np.float64), white) * 255 / white + 0.5)
    return Image.fromarray(eight.astype(np.uint8))


def _has_alpha(image):
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info


def _files(given):
    """Return the image files that an argument names: itself, or those in a folder."""
    if not Path(given).is_dir():
        return [given]
    if found := image_files(given):
        return found
    raise InputError(f"{given} holds no image files ({', '.join(EXTENSIONS)}).")


def _register_heif(path, suffix):
    """Let Pillow open HEIF; AVIF it may open itself."""
    try:
        import pillow_heif
    except ImportError as error:
        if suffix in HEIF:
            raise InputError(f"{path} needs a further package, as all {suffix} do: `pip install pillow-heif`, or "
                             "`pip install 'dcanas[heif]'` where images are learnt from.") from error
    else:
        pillow_heif.register_heif_opener()


def _beside(folder, name):
    path = Path(folder) / name
    if not path.is_file():
        raise InputError(f"{name} is missing beside infer.py; copy the whole bundle.")
    return path


def _reason(error):
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
