"""`selftest.c`: images and the logits that they must give, so that a board can check itself."""

from __future__ import annotations

import textwrap

import numpy as np
from numpy.typing import NDArray

from dcanas.export.c99.sources import FIRST

_TEXT = """{first}/* Include "network.h" and declare `int network_selftest(void *arena);` to use this file. */
#include <string.h>

#include "network.h"

int network_selftest(void *arena);

static const uint8_t images[{count}][NETWORK_IMAGE_BYTES] = {{
{images}
}};

static const int8_t expected[{count}][NETWORK_CLASSES] = {{
{logits}
}};

/* Returns how many of {count} images give other logits than on the machine that generated this file: 0 is right. */
int network_selftest(void *arena)
{{
    int8_t logits[NETWORK_CLASSES];
    int i, wrong = 0;
    for (i = 0; i < {count}; i++) {{
        network_run(arena, images[i], logits);
        wrong += memcmp(logits, expected[i], NETWORK_CLASSES) != 0;
    }}
    return wrong;
}}
"""


def selftest_text(images: NDArray[np.uint8], logits: NDArray[np.int8]) -> str:
    """Return the file. Shape: images uint8 (N, C, H, W), logits int8 (N, classes)."""
    return _TEXT.format(first=FIRST, count=len(images), logits=_rows(logits),
                        images=_rows(images.transpose(0, 2, 3, 1).reshape(len(images), -1)))


def _rows(values: NDArray[np.integer]) -> str:
    return ",\n".join(textwrap.fill("{" + ", ".join(map(str, row)) + "}", 118, initial_indent="    ",
                                    subsequent_indent="     ") for row in values.tolist())
