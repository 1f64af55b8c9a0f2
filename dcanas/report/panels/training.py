"""Training curves, and the errors of the trained network."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from dcanas.report.amounts import duration, share
from dcanas.report.figures import training as drawings
from dcanas.report.figures.canvas import captioned
from dcanas.report.html import NOTHING, grid, joined, more, paragraph, subsection, table
from dcanas.report.record import DeviceRecord, RunRecord
from dcanas.training.confusion import unpacked_confusion


def training(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return learning curves, confusion matrix and worst mistakes; nothing if training has not begun."""
    rows = record.training_rows[device.name]
    if not rows:
        return NOTHING
    trained = device["train"]
    text = f"{len(rows)} of {record.settings['train']['epochs']} epochs" + (
        f" in {duration(trained['seconds'])} on {sum(trained['trained_on'].values()):,} images (training and "
        "validation split)." if trained else "; training had not ended.")
    drawing = drawings.curves(rows, {"loss": "training"}, {"accuracy": "training"})
    curves = captioned(
        drawing, f"curves-{device.name}", "Learning curves",
        f"Loss goes from {rows[0]['loss']:.3g} to {rows[-1]['loss']:.3g} nats, accuracy on training images ends at "
        f"{share(rows[-1]['accuracy'])}.", "Loss and accuracy on the augmented training images.")
    if not trained:
        return joined([paragraph(text), curves])
    classes, counts = list(trained["per_class_recall"]), unpacked_confusion(trained["confusion"])
    return joined([paragraph(text), grid(curves, _confusion(device, counts, classes)), _pairs(counts, classes),
                   _recall(trained["per_class_recall"]), _mistakes(device)])


def _confusion(device: DeviceRecord, counts: Sequence[Sequence[int]], classes: Sequence[str]) -> Markup:
    right, count = sum(counts[i][i] for i in range(len(counts))), sum(map(sum, counts))
    return captioned(drawings.confusion(counts, classes), f"confusion-{device.name}", "Confusion matrix",
                     f"Test images by true class and answer; {right:,} of {count:,}, those on the diagonal, are "
                     "classified correctly. They decided nothing.")


def _pairs(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> Markup:
    wrong = sorted(((count, classes[i], classes[j]) for i, row in enumerate(counts) for j, count in enumerate(row)
                    if i != j and count), key=lambda row: (-row[0], row[1], row[2]))[:8]
    if not wrong:
        return NOTHING
    return table(["true class", "answer", "images"], [[a, b, str(n)] for n, a, b in wrong], "Most frequent confusions")


def _recall(recall: dict[str, float | None]) -> Markup:
    rows = [[name, "–" if value is None else share(value)]
            for name, value in sorted(recall.items(), key=lambda item: (item[1] is None, item[1]))]
    return more("Recall of every class",
                table(["class", "recall"], rows, "Share of each class that was classified correctly"))


def _mistakes(device: DeviceRecord) -> Markup:
    found = device["mistakes"] or {"wrong": 0, "n": 0}
    if not found["wrong"]:
        return NOTHING
    pictures = joined(
        Markup('<li><img src="data:image/png;base64,{}" alt="Test image of class {}, answered {}"> is <b>{}</b>,<br>'
               "said <b>{}</b> ({:.0f} %)</li>").format(row["png"], row["true"], row["answer"], row["true"],
                                                        row["answer"], 100 * row["confidence"])
        for row in found["worst"])
    return subsection("Worst mistakes", paragraph(
        f"The test images misclassified with the highest confidence ({len(found['worst'])} of {found['wrong']:,} "
        f"wrong among {found['n']:,}); shown, not used."), Markup('<ul class="pictures">{}</ul>').format(pictures))
