"""What was understood of the images, and what is done to them, in sentences."""

from __future__ import annotations

from dcanas.training import Dataset, Recipe
from dcanas.training.treatment import treatment
from dcanas.training.understood import report_lines


def data_words(dataset: Dataset, recipe: Recipe) -> list[str]:
    """Return the sentences, what was understood first (nothing of named sets), then what training does to images."""
    return [*report_lines(dataset.report), treatment(dataset, recipe)]
