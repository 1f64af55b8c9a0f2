"""`dcanas data FOLDER`: what a run understands of the images, and what it does to them; nothing is trained."""

from __future__ import annotations

from dcanas.basics.errors import UserError
from dcanas.pipeline.context import Context
from dcanas.pipeline.data_sentences import data_sentences
from dcanas.training.folder_walk import shown


def main(command: str, run: Context) -> None:
    if run.options.source is not None:
        raise UserError("dcanas data looks at images and takes no source=; give the folder or the name of a data set.")
    dataset = run.dataset
    rows = dataset.report.get("classes") or {
        name: [int((dataset.labels[part] == label).sum()) for part in (dataset.train, dataset.validation, dataset.test)]
        for label, name in enumerate(dataset.classes)}
    run.hooks.table("Images", ["class", "train", "validation", "test"],
                    [[shown(name), *(f"{count:,}" for count in counts)] for name, counts in rows.items()])
    run.hooks.message("\n".join(data_sentences(dataset, run.settings.train)))
