"""Whether an accuracy is shown to be better than that of naming the largest class every time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.report.amounts import share


def is_guessing(accuracy: Mapping[str, Any]) -> bool:
    """Return whether the interval of a certificate's accuracy does not exclude that of always naming the largest class.

    Certificates of older versions do not say how large it is; of these nothing is said.
    """
    return bool(accuracy["low"] <= accuracy.get("largest_class", 0.0))


def guessing_words(accuracy: Mapping[str, Any]) -> str:
    """Return the sentence on an accuracy that is no better than guessing."""
    return (f"Not shown to be better than guessing: naming the largest class every time is right for "
            f"{share(accuracy['largest_class'])} of these images, which the interval of the accuracy does not exclude.")
