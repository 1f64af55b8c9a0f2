"""What was understood of a folder of images: as JSON types for the certificate, and as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dcanas.basics.statistics import UNEVEN
from dcanas.training.copies import Divided
from dcanas.training.depth import FEW_LEVELS
from dcanas.training.folder_files import Listing
from dcanas.training.folder_layout import PARTS
from dcanas.training.folder_walk import shown
from dcanas.training.pictures import Pictures

NAMED = 5  # files, pairs or classes that a sentence names
HALF = 0.5  # share of a picture below which it is said that so little is seen


def make_report(listed: Listing, pictures: Pictures, divided: Divided, bad: tuple[int, int, str],
                depth: Mapping[str, Any] | None, steps: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was understood as JSON types.

    Args:
        bad: files that were left out, those of them in the user's test split, the sentence that names them.
        depth: see `dcanas.training.depth.white`.
        steps: see `dcanas.training.data.preprocessing`.
    """
    from dcanas.training.near import near_pairs  # here: it takes torch, which describing a folder does not

    layout, parts = listed.layout, divided.parts
    name = [shown(path) for path in listed.paths]
    first = pictures.copy_of
    near = near_pairs(pictures.small, first)
    home = np.full(len(listed.paths), "", dtype="<U10")
    for part, positions in parts.items():
        home[positions] = "test" if part == "copies" else part
    across = [pair for pair in near if home[pair[0]] != home[pair[1]] and "test" in home[list(pair)]]
    height, width = steps["size"]
    ratio = pictures.sizes[:, 1] / pictures.sizes[:, 0] * height / width
    seen = np.minimum(ratio, 1 / ratio)
    counts = {c: [int((listed.labels[np.concatenate([parts[p], parts["copies"]]) if p == "test" else parts[p]]
                       == label).sum()) for p in ("train", "validation", "test")]
              for label, c in enumerate(listed.classes)}
    sizes = np.unique(pictures.sizes, axis=0)
    return {
        "layout": layout.words, "notes": list(layout.notes), "images": len(listed.paths), "classes": counts,
        "splits_by_user": [part for part in PARTS if part in listed.owner] if len(layout.parts) > 1 else [],
        "size": {"smallest": sizes[sizes.min(axis=1).argmin()].tolist(), "largest": sizes[sizes.max(axis=1).argmax()]
                 .tolist(), "different": len(sizes), "network": [height, width]},
        "grey": bool(pictures.grey.all()),
        "passed_over": dict(sorted(layout.passed.kinds.items(), key=lambda kind: (-kind[1], kind[0]))),
        "links_passed_over": len(layout.passed.links),
        "images_beside_classes": len(layout.passed.loose),
        "bad": {"left_out": bad[0], "of_test": bad[1], "files": bad[2]},
        "copies": divided.record(listed.labels, first, name),
        "near_identical": {"pairs": len(near), "with_test": len(across),
                           "examples": [[name[a], name[b]] for a, b in (across or near)[:NAMED]]},
        "depth": dict(depth) if depth else None,
        "dark": _dark(pictures, np.concatenate([parts["train"], parts["validation"]])),
        "seen": {"least": float(seen.min()), "file": name[int(seen.argmin())], "under_half": int((seen < HALF).sum())},
    }


def _dark(pictures: Pictures, known: np.ndarray) -> int | None:
    """Return the brightest value of all images of 8 bits if it leaves few levels, else None."""
    flat = known[~pictures.deep[known]]
    brightest = int(pictures.largest[flat].max()) if len(flat) else 255
    return brightest if brightest < FEW_LEVELS - 1 else None


def many(count: int, noun: str) -> str:
    """Return a number with its noun, as in "1 file" and "2 files"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def report_lines(report: Mapping[str, Any]) -> list[str]:
    """Return what was understood as sentences, the layout first; empty without a report."""
    found = _lines(report) if "layout" in report else _copies(report["copies"]) if "copies" in report else ()
    lines = list(found)
    return [*lines, report["mirror"]["words"]] if "mirror" in report else lines


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    classes, copies, bad = report["classes"], report["copies"], report["bad"]
    sums = [sum(column) for column in zip(*classes.values(), strict=True)]
    whose = "" if not report["splits_by_user"] else f" ({' and '.join(report['splits_by_user'])} as given)"
    yield (f"{report['images']:,} images of {len(classes)} classes, {report['layout']}: {sums[0]:,} train, "
           f"{sums[1]:,} validation, {sums[2]:,} test{whose}.")
    yield from report["notes"]
    if report["passed_over"]:
        kinds = ", ".join(f"{kind} {count}" for kind, count in report["passed_over"].items())
        yield f"{many(sum(report['passed_over'].values()), 'file')} passed over: {kinds}."
    if report["images_beside_classes"]:
        yield (f"{report['images_beside_classes']:,} images lie beside the class folders and are passed over, for "
               "their class is not known.")
    if report["links_passed_over"]:
        yield f"{many(report['links_passed_over'], 'link')} passed over: to what is read anyway, or in a circle."
    if bad["left_out"]:
        yield f"{many(bad['left_out'], 'unreadable file')} left out: {bad['files']}."
    yield from _copies(copies)
    near = report["near_identical"]
    if near["pairs"]:
        pairs = "; ".join(f"{a} and {b}" for a, b in near["examples"][:2])
        yield (f"{near['pairs']:,} pairs of images are nearly identical, {near['with_test']:,} of them across the test "
               f"split ({pairs}); data.group_by=PATTERN keeps images of one group in one split.")
    yield from _values(report)
    seen = report["seen"]
    if seen["under_half"]:
        yield (f"Of {many(seen['under_half'], 'image')} less than half is seen, for the centre is cut out at the "
               f"network's proportions; of {seen['file']}, {100 * seen['least']:.2g} % of the picture is seen.")
    total = [sum(row) for row in classes.values()]
    largest = max(total) / sum(total)
    if largest * len(classes) > UNEVEN:
        name = list(classes)[total.index(max(total))]
        yield f"The classes are uneven: {100 * largest:.1f} % of the images are {shown(name)}."


def _copies(copies: Mapping[str, Any]) -> Iterator[str]:
    if copies["learnt"]:
        yield (f"{copies['learnt']:,} of {copies['test_files']:,} test images are also in train or validation: the "
               "test accuracy is that of the others.")
    if copies["not_counted"] > copies["learnt"]:
        again = copies["not_counted"] - copies["learnt"]
        yield (f"{many(again, 'test image')} {'are' if again > 1 else 'is'} stored more than once; a picture "
               "counts once.")
    if copies["validation_learnt"]:
        yield f"{copies['validation_learnt']:,} validation images are also in train."
    if copies["files"]:
        yield f"{many(copies['files'], 'file')} with the same pixels as another one; copies stay in one split."
    if copies["two_labels"]:
        pairs = "; ".join(f"{a} and {b}" for a, b in copies["examples"])
        yield f"{many(copies['two_labels'], 'file')} with the same pixels as one of another class: {pairs}."


def _values(report: Mapping[str, Any]) -> Iterator[str]:
    depth = report["depth"]
    if depth:
        bits = ("data.max_value" if depth["stated"] else f"{depth['bits']} bits, as the training images need"
                if depth["learnt"] else "for no training image has; data.max_value states another value")
        yield (f"{depth['images']:,} images have more than 8 bits: {depth['max_value']:,} becomes white ({bits}; their "
               f"largest value is {depth['largest']:g}).")
        if depth["levels"] < FEW_LEVELS:
            yield (f"Warning: only {depth['levels']} of 256 levels of brightness are left; set data.max_value to the "
                   "value of white, or spread the values over the range before.")
        if depth["clipped_test_images"]:
            yield (f"{depth['clipped_test_pixels']:,} pixels of {depth['clipped_test_images']:,} test images are "
                   "brighter than white and are clipped.")
    if report["dark"] is not None:
        yield (f"Warning: the brightest value of all images is {report['dark']} of 255, so few levels of brightness "
               "are left (16-bit colour is read as its upper 8 bits); spread the values over the range before.")
