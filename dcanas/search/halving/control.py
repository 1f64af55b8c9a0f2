"""Whether pretrained weights help on these images: the same part, trained equally long from random ones."""

from __future__ import annotations

import math
from typing import Any

CLEAR = 2.0  # standard errors of the difference from which it is called one


def weights_help(pretrained: float, random: float, images: int, epochs: int) -> dict[str, Any]:
    """Return the two accuracies and what they say.

    Args:
        pretrained, random: accuracies (0 to 1) on the validation split from pretrained and from random weights.
        images: of the validation split.
        epochs: that both were trained.

    Returns:
        The arguments, `conclusion` ("help", "hurt" or "no difference") and `text`, a sentence.
    """
    error = math.sqrt((pretrained * (1 - pretrained) + random * (1 - random)) / images)
    difference = pretrained - random
    conclusion = "no difference" if abs(difference) <= CLEAR * error else "help" if difference > 0 else "hurt"
    said = {"help": "the weights help here.",
            "hurt": "the weights do not help here; space=nasbench201 searches from random ones.",
            "no difference": "no difference is shown; space=nasbench201 searches from random ones."}[conclusion]
    length = f"{epochs} epoch{'s' * (epochs != 1)}"
    return {"pretrained": pretrained, "random": random, "images": images, "epochs": epochs, "conclusion": conclusion,
            "text": f"After {length} the chosen network has {100 * pretrained:.1f} % of {images} validation images "
                    f"right from pretrained weights and {100 * random:.1f} % from random ones: {said}"}
