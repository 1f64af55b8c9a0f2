"""Classify images with the model.onnx beside this file: numpy and onnxruntime; Pillow to open image files.

    python infer.py                    accuracy on the delivered test set (test.npz)
    python infer.py a.png FOLDER       label and probability of each image, also of those in a folder
    python infer.py --json [files]     the same as JSON
    python infer.py --verify           whether everything here is as certificate.json says: exit code 0, else 2

Beside this file lie `model.onnx` (input: float32 (1, C, H, W) in [0, 1]; output: logits (1, classes)),
`labels.txt` (one class per line, in the order of the outputs), `preprocessing.json` and `test.npz`
(`images` uint8 (N, C, H, W), `labels` int64 (N,)); `--verify` also reads `certificate.json` and `SHA256SUMS`, which
find rot and mix-ups, not forgery. Runs on Python 3.8 and later. The network was trained on
images decoded by the very functions below.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import os
import re
import sys
import zipfile
from pathlib import Path

try:
    import numpy as np
except ImportError as missing:
    print(f"infer.py needs numpy ({missing}): `pip install numpy`.", file=sys.stderr)
    sys.exit(2)

MANY_PIXELS, PIXELS_PER_BYTE = 30_000_000, 500  # more pixels, and more per byte of the file, are no photograph's
RESAMPLE = ("nearest", "bilinear", "bicubic", "lanczos")
HEIF = (".heic", ".heif")  # opened by pillow-heif
EXTENSIONS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm",
              ".pbm", ".avif", *HEIF)
TURNS = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE",
         8: "ROTATE_90"}  # by EXIF's orientation
LITTER = ("@eadir", "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information",
          "lost+found", "#recycle", "icon\r")  # what systems leave in folders
SIGNATURES = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|BM.{4}\0{4}|II\*\0|MM\0\*|RIFF.{4}WEBP|"
                        rb"P[1-6]\s[\d#]|.{4}ftyp(?:hei|hev|mif1|msf1|avi[fs])", re.DOTALL)
NO_SUFFIX = re.compile(r"(?:\.\d*)?")  # `scan` and `scan.0001`
PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"eXIf")  # of a PNG file: what is seen
LARGEST_TEXT = 64 << 20  # bytes of a file of text
LARGEST_TEST = 1 << 30  # bytes of the unpacked test set


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
    """Return the opened Pillow image, only that of a PNG file decoded; raises `InputError` naming the file."""
    Image = _pillow()  # noqa: N806
    if Path(path).suffix.lower() in (*HEIF, ".avif"):
        _register_heif()
    try:
        image = Image.open(path)
    except FileNotFoundError as error:
        raise InputError(f"There is no image {path}.") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{path} is too large ({_reason(error)}).") from error
    except Exception as error:
        image = _open_otherwise(path, error)
    pixels = image.width * image.height
    if pixels > MANY_PIXELS and pixels > PIXELS_PER_BYTE * Path(path).stat().st_size:
        raise InputError(f"{path} is too large ({image.width}x{image.height} pixels in a small file).")
    if image.format == "PNG":
        try:
            image.load()
        except Exception as error:  # also of the metadata behind the pixels
            image = _open_otherwise(path, error)
    return image


def fit(image, preprocessing):
    """Return a Pillow image as uint8 (C, H, W): upright, 8 bits, on white, cropped and resized.

    With `resize` the shorter side becomes so many pixels and the centre is cut out, rounded as torchvision does
    (Resize, CenterCrop). Without it the crop is the largest centred box of the wanted aspect ratio, resized; an
    image of the right size keeps its pixels. Pillow's filters average over the source's pixels where they shrink.
    """
    image = _eight_bits(upright(image), preprocessing.get("max_value"))
    if _has_alpha(image):
        image = on_white(image)
    image = placed(image.convert("L" if preprocessing["channels"] == 1 else "RGB"), preprocessing)
    pixels = np.asarray(image, dtype=np.uint8)
    return np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def placed(image, preprocessing):
    """Return a Pillow image cropped and resized, see `fit`."""
    height, width = preprocessing["size"]
    if preprocessing["resample"] not in RESAMPLE:
        raise InputError(f"resample must be one of {', '.join(RESAMPLE)}.")
    resample = getattr(_pillow(), preprocessing["resample"].upper())
    if preprocessing.get("resize"):
        return _middle(_shorter_side(image, preprocessing["resize"], resample), width, height)
    if image.size == (width, height):
        return image
    scale = max(width / image.width, height / image.height)
    left, top = (image.width - width / scale) / 2, (image.height - height / scale) / 2
    box = (max(left, 0), max(top, 0), min(left + width / scale, image.width), min(top + height / scale, image.height))
    return image.resize((width, height), resample, box=box)


def on_white(image):
    """Return an image with transparency as it is seen on white."""
    image = image.convert("RGBA")
    return _pillow().alpha_composite(_pillow().new("RGBA", image.size, "white"), image)


def upright(image):
    """Return the image as its metadata say that it is seen; as it is stored if they are damaged."""
    image.load()
    turn = TURNS.get(orientation(image))
    return image if turn is None else image.transpose(getattr(_pillow().Transpose, turn))


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
            elif path.is_file() and is_image(path, path.name):
                found.append(path)
    return sorted(found)


def is_image(path, name):
    """Return whether a file is an image by its name or, where that has no suffix, by how it begins."""
    suffix = Path(name).suffix.lower()
    return suffix in EXTENSIONS or bool(NO_SUFFIX.fullmatch(suffix) and SIGNATURES.match(_head(path)))


def to_input(images):
    """Return uint8 images as the model's input, float32 in [0, 1]; mean and deviation are in the model."""
    return images.astype(np.float32) / np.float32(255)


def predict(session, images):
    """Return the logits (N, classes) of uint8 images (N, C, H, W), one at a time: the model's batch is 1."""
    name = session.get_inputs()[0].name
    try:
        return np.concatenate([session.run(None, {name: to_input(image[None])})[0] for image in images])
    except Exception as error:  # the runtime raises many kinds
        raise InputError(f"model.onnx cannot be run on these images ({_reason(error)}).") from error


def probabilities(logits):
    """Return the softmax over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def open_session(folder):
    """Return the ONNX Runtime session of the model in `folder`; raises `InputError`."""
    model = _beside(folder, "model.onnx")
    try:
        import onnxruntime
    except Exception as error:  # a runtime that was made for another numpy raises other kinds
        raise InputError(f"onnxruntime cannot be imported by {sys.executable} ({_reason(error)}); `{sys.executable} -m "
                         "pip install onnxruntime` installs it.") from error
    try:
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        if _stored(session, "weight_bits") == 8:  # kernels for them saturate on some processors: run it as written
            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        return session
    except Exception as error:
        raise InputError(f"model.onnx cannot be loaded by onnxruntime {onnxruntime.__version__} "
                         f"({_reason(error)}).") from error


def classify(folder, files):
    """Return {file, label, probability} for each image file; raises `InputError` for the first that cannot be used."""
    rows, wrong = classify_each(folder, files)
    if wrong:
        raise InputError(wrong[0])
    return rows


def classify_each(folder, files):
    """Return {file, label, probability} for each image file that can be used, and a sentence for each other one."""
    preprocessing, session = read_preprocessing(folder), None
    labels = read_text(folder, "labels.txt").splitlines()
    rows, wrong = [], []
    for file in files:
        try:
            image = load_image(file, preprocessing)
        except InputError as error:
            wrong.append(str(error))
            continue
        session = session or open_session(folder)
        chances = probabilities(predict(session, image[None]))[0]
        if len(chances) != len(labels):
            raise InputError(f"model.onnx has {len(chances)} outputs, but labels.txt has {len(labels)} names; copy the "
                             "whole bundle again.")
        best = int(chances.argmax())
        rows.append({"file": str(file), "label": labels[best], "probability": float(chances[best])})
    return rows, wrong


def evaluate(folder):
    """Return {accuracy, correct, n} on the delivered test set."""
    images, labels = read_test(folder)
    correct = int((predict(open_session(folder), images).argmax(axis=1) == labels).sum())
    return {"accuracy": correct / len(labels), "correct": correct, "n": len(labels)}


def verify(folder):
    """Return what a bundle says of itself and what of that is wrong: two lists of sentences."""
    folder, said, wrong = Path(folder), [], []
    sums = read_sums(folder)
    for name, known in sorted(sums.items()):
        if not (folder / name).is_file():
            wrong.append(f"{name} is missing.")
        elif file_hash(folder / name) != known:
            wrong.append(f"{name} was changed: its SHA-256 is not the one in SHA256SUMS.")
    said.append(f"files: {len(sums)} in SHA256SUMS, {len(wrong)} of them changed or missing.")
    if wrong:
        return said, wrong  # nothing else here means anything
    certificate = read_certificate(folder)
    if sums.get("model.onnx") != certificate["sha256"]:
        wrong.append("certificate.json is about another model.onnx than lies here.")
    labels = read_text(folder, "labels.txt").splitlines()
    session = open_session(folder)
    if _stored(session, "classes") != labels:
        wrong.append("labels.txt does not name the classes in the order of the network's outputs.")
    if _stored(session, "preprocessing") != read_preprocessing(folder):
        wrong.append("preprocessing.json is not what the network was trained with.")
    said.append(f"labels: {len(labels)}, in the order that model.onnx names them.")
    images, truth = read_test(folder)
    correct, stated = int((predict(session, images).argmax(axis=1) == truth).sum()), certificate["test_npz"]
    said.append(f"accuracy: {correct} of {len(truth)} images of test.npz, "
                f"{stated['correct']} of {stated['n']} in the certificate.")
    if (correct, len(truth)) != (stated["correct"], stated["n"]):
        wrong.append(f"The accuracy on test.npz is {correct} of {len(truth)} images, and the certificate says "
                     f"{stated['correct']} of {stated['n']}.")
    for row in certificate["rows"]:
        said.append(limit_line(row))
    return said, wrong


def limit_line(row):
    """Return a row of the certificate in words."""
    value = row.get("lower" if row["name"].endswith("_min") else "upper", row["measured"])
    unit = f" {row['unit']}" if row["unit"] else ""
    found = "unknown" if value is None else f"{value:,.6g}{unit}"
    if row["limit"] is None:
        return f"{row['name']}: {found} ({row['source']}), no limit."
    word = {True: "met", False: "NOT met"}.get(row["met"], "unverified")
    kind = "at least" if row["name"].endswith("_min") else "at most"
    return f"{row['name']}: {kind} {row['limit']:,.6g}{unit} wanted, {found} ({row['source']}): {word}."


def read_sums(folder):
    """Return {name: SHA-256} of SHA256SUMS; raises `InputError`."""
    sums = {}
    for line in read_text(folder, "SHA256SUMS").splitlines():
        known, _, name = line.partition("  ")
        if len(known) != 64 or not name or set(name) & set("/\\"):
            raise InputError("SHA256SUMS is damaged; copy the whole bundle again.")
        sums[name] = known
    lacking = sorted({"certificate.json", "infer.py", "labels.txt", "model.onnx", "preprocessing.json", "test.npz"}
                     - set(sums))
    if lacking:
        raise InputError(f"SHA256SUMS does not name {lacking[0]}; copy the whole bundle again.")
    return sums


def read_certificate(folder):
    """Return the content of certificate.json as far as it is used here; raises `InputError`."""
    found = read_json(folder, "certificate.json")
    try:
        for row in found["rows"]:
            limit_line(row)
        for value in (found["test_npz"]["correct"], found["test_npz"]["n"]):
            if not isinstance(value, int):
                raise TypeError("a number of images is none")
        if not isinstance(found["sha256"], str):
            raise TypeError("sha256 is no text")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"certificate.json is damaged ({_reason(error)}); copy the whole bundle again.") from error
    return found


def read_preprocessing(folder):
    """Return the content of preprocessing.json; raises `InputError`."""
    found = read_json(folder, "preprocessing.json")
    size = found.get("size") if isinstance(found, dict) else None
    sides = size if isinstance(size, list) else [None]
    if found.get("channels") not in (1, 3) or len(sides) != 2 or found.get("resample") not in RESAMPLE or not all(
            isinstance(side, int) and 0 < side <= 1 << 14 for side in (*sides, found.get("resize", 1))):
        raise InputError("preprocessing.json is damaged; copy the whole bundle again.")
    return found


def read_json(folder, name):
    """Return the content of a JSON file; NaN and infinity are no numbers. Raises `InputError`."""
    def refuse(constant):
        raise ValueError(f"{constant} is not a number")

    try:
        return json.loads(read_text(folder, name), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is damaged ({_reason(error)}); copy the whole bundle again.") from error


def read_text(folder, name):
    """Return the text of a file of the bundle; raises `InputError`."""
    path = _beside(folder, name)
    if path.stat().st_size > LARGEST_TEXT:
        raise InputError(f"{name} is larger than {LARGEST_TEXT >> 20} MiB; copy the whole bundle again.")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name} cannot be read ({_reason(error)}); copy the whole bundle again.") from error


def read_test(folder):
    """Return images uint8 (N, C, H, W) and labels int64 (N,) of test.npz; raises `InputError`."""
    path = _beside(folder, "test.npz")
    try:
        with zipfile.ZipFile(str(path)) as packed:
            if sum(part.file_size for part in packed.infolist()) > LARGEST_TEST:
                raise ValueError(f"it unfolds into more than {LARGEST_TEST >> 30} GiB")
            for part in packed.infolist():
                _check_array(packed, part)
        with np.load(str(path), allow_pickle=False) as test:
            images, labels = test["images"], test["labels"]
        if images.dtype != np.uint8 or images.ndim != 4 or labels.shape != images.shape[:1] or not len(labels):
            raise ValueError("images and labels do not fit")
    except Exception as error:  # damaged archives raise many kinds
        raise InputError(f"test.npz is damaged ({_reason(error)}); copy the whole bundle again.") from error
    return images, labels


def file_hash(path):
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            digest.update(part)
    return digest.hexdigest()


def main(argv=None):
    """Run the command line; returns the exit code: 0 done, 2 a file that cannot be used or is not as certified."""
    parser = argparse.ArgumentParser(description="Classify images with the model.onnx beside this file.")
    parser.add_argument("files", nargs="*", help="image files or folders; none: the delivered test set")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--verify", action="store_true", help="check files, accuracy and labels; show the limits")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal may know fewer characters than names have
    args = parser.parse_args(argv)
    folder, bad = Path(__file__).resolve().parent, []
    try:
        if args.verify:
            said, wrong = verify(folder)
            print(json.dumps({"said": said, "wrong": wrong}, indent=2) if args.json else "\n".join(said))
            print("\n".join(wrong) or "Everything is as certified.", file=sys.stderr)
            return 2 if wrong else 0
        if args.files:
            result, bad = classify_each(folder, [file for given in args.files for file in _files(given)])
        else:
            result = evaluate(folder)
    except InputError as error:
        print(_shown(error), file=sys.stderr)
        return 2
    if args.json and (result or not bad):
        print(json.dumps(result, indent=2))
    elif args.files:
        for row in result:
            print(f"{_shown(row['file'])}: {_shown(row['label'])} ({row['probability']:.4f})")
    else:
        print(f"accuracy: {result['accuracy']:.4f} ({result['correct']} of {result['n']})")
    for sentence in bad:
        print(_shown(sentence), file=sys.stderr)
    return 2 if bad else 0


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
    if max_value is None and (image.mode == "F" or values.max() > 65535):
        what = "are floating point, of no stated range" if image.mode == "F" else "have more than 16 bits"
        raise InputError(f"its pixels {what}; state the value of white with data.max_value=.")
    white = 65535 if max_value is None else max_value
    eight = np.floor(np.minimum(values.astype(np.float64), white) * 255 / white + 0.5)
    return _pillow().fromarray(eight.astype(np.uint8))


def _has_alpha(image):
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info


def _files(given):
    """Return the image files that an argument names: itself, or those in a folder."""
    if not Path(given).is_dir():
        return [given]
    if found := image_files(given):
        return found
    raise InputError(f"{given} holds no image files ({', '.join(EXTENSIONS)}).")


def _pillow():
    """Return the module `PIL.Image`; raises `InputError`."""
    try:
        from PIL import Image
    except ImportError as error:
        raise InputError(f"Pillow, which opens image files, cannot be imported by {sys.executable} ({_reason(error)}); "
                         f"`{sys.executable} -m pip install pillow` installs it.") from error
    return Image


def _open_otherwise(path, error):
    """Return the Pillow image of a file whose suffix or metadata mislead; raises `InputError` if it is none."""
    head = _head(path)
    if SIGNATURES.match(head) and head[4:8] == b"ftyp":
        if not _register_heif():
            raise InputError(f"{path} is of HEIC, HEIF or AVIF and needs a further package: `pip install pillow-heif`, "
                             "or `pip install 'dcanas[heif]'` where images are learnt from.") from error
        again = path
    elif head.startswith(b"\x89PNG"):
        again = _without_metadata(path)
    else:
        again = path
    try:
        return _pillow().open(again)
    except Exception as still:
        reason = "Pillow finds no image in it" if "cannot identify" in str(still) else _reason(still)
        raise InputError(f"{path} is not a readable image ({reason}).") from error


def _without_metadata(path):
    """Return a PNG file with the chunks that say what is seen; a last one that is cut short stays."""
    content = Path(path).read_bytes()
    kept, place = [content[:8]], 8
    while place < len(content):
        end = place + 12 + int.from_bytes(content[place:place + 4], "big")
        if content[place + 4:place + 8] in PIXEL_CHUNKS or end > len(content):
            kept.append(content[place:end])
        place = end
    return io.BytesIO(b"".join(kept))


def _head(path):
    """Return how a file begins; nothing if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(32)
    except OSError:
        return b""


def _register_heif():
    """Return whether Pillow can open HEIF by a further package; AVIF it may open itself."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _stored(session, name):
    """Return what a text stored in the model says, as JSON; None if it cannot be read."""
    try:
        return json.loads(session.get_modelmeta().custom_metadata_map.get(name, "null"))
    except (ValueError, RecursionError):
        return None


def _check_array(packed, part):
    """Raise `ValueError` if an array of an archive says that it is larger than it is."""
    with packed.open(part) as file:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = read(file)
        if dtype.hasobject or math.prod(shape) * dtype.itemsize != part.file_size - file.tell():
            raise ValueError(f"{part.filename} is not as large as it says")


def _beside(folder, name):
    path = Path(folder) / name
    if not path.is_file():
        raise InputError(f"{name} is missing beside infer.py; copy the whole bundle.")
    return path


def _shown(text):
    """Return a text in one line without control characters; bytes of names that are not UTF-8 as `\\xNN`."""
    text = os.fsencode(str(text)).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _reason(error):
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
