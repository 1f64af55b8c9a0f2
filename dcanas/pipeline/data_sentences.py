"""What was understood of the images, and what is done to them, in sentences."""

from __future__ import annotations

from dcanas.training import Dataset, Recipe
from dcanas.training.treatment import treatment
from dcanas.training.understood import report_lines


def data_sentences(dataset: Dataset, recipe: Recipe) -> list[str]:
    """Return the sentences, what was understood first (nothing of named sets), then what training does to images."""
    learnt = len(dataset.train)
    large = [f"train.batch_size={recipe.batch_size} is larger than the {learnt:,} training images: every step takes "
             "all of them."] if 0 < learnt < recipe.batch_size else []
    return [*report_lines(dataset.report), treatment(dataset, recipe), *large]
