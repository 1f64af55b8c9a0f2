"""The text of `network.h`, `network.c`, `weights.h` and `weights.c`."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path

from dcanas.export.c99.arena import ALIGNMENT, Arena
from dcanas.export.c99.layers import Array, Layer, layer_of
from dcanas.export.c99.numbers import Arithmetic, c_float, is_wide
from dcanas.export.c99.steps import MOST, Convolution, Program

FIRST = "/* This code was generated from a trained network. It is yours: use, change and give it away as you like. */\n"
KERNELS = Path(__file__).with_name("kernels")
ORDER = ("lookup", "window", "gather", "requantise_{arithmetic}", "layer", "convolution", "depthwise",
         "addition_layer", "addition_{arithmetic}", "addition", "rescale_{arithmetic}", "rescale",
         "normalisation_{arithmetic}", "normalisation", "average_number_{arithmetic}", "average_layer", "average_sum",
         "average_{arithmetic}", "average", "maximum", "padding", "shuffle")

_HEADER = """{first}#ifndef NETWORK_H
#define NETWORK_H

#include <stdint.h>

/* The first digits of the SHA-256 of the ONNX file. */
#define NETWORK_ID "{identity}"
#define NETWORK_HEIGHT {height}
#define NETWORK_WIDTH {width}
#define NETWORK_CHANNELS {channels}
#define NETWORK_IMAGE_BYTES {image_bytes}
#define NETWORK_CLASSES {classes}
#define NETWORK_ARENA_BYTES {arena}
#define NETWORK_ARENA_ALIGNMENT {alignment}
/* logit = NETWORK_LOGIT_SCALE * (byte - NETWORK_LOGIT_ZERO) */
#define NETWORK_LOGIT_SCALE {scale}
#define NETWORK_LOGIT_ZERO ({zero})

#ifdef __cplusplus
extern "C" {{
#endif

/* The names of the classes, in the order of the logits (UTF-8). */
extern const char *const network_labels[NETWORK_CLASSES];

/* Classifies one image.
   arena: NETWORK_ARENA_BYTES bytes, aligned to NETWORK_ARENA_ALIGNMENT; nothing in it outlives the call.
   image: rows from the top, pixels from the left, channels red, green, blue (or grey), 0 to 255.
   logits: NETWORK_CLASSES bytes; the largest is the answer. */
void network_run(void *arena, const uint8_t *image, int8_t *logits);

/* The class of the largest logit, of equal ones the first. */
int network_answer(const int8_t *logits);

#ifdef __cplusplus
}}
#endif

#endif
"""

_SOURCE = """{first}/* {macs} multiply-accumulates, {layers} steps, {arithmetic} arithmetic. */
#include "network.h"

#include <string.h>

#include "weights.h"
{wide}
{kernels}
{structures}

const char *const network_labels[NETWORK_CLASSES] = {{
{labels}
}};

void network_run(void *arena, const uint8_t *image, int8_t *logits)
{{
    int8_t *memory = (int8_t *)arena;
{calls}
    memcpy(logits, memory + {logits}, NETWORK_CLASSES);
}}

int network_answer(const int8_t *logits)
{{
    int best = 0, i;
    for (i = 1; i < NETWORK_CLASSES; i++) {{
        if (logits[i] > logits[best]) {{
            best = i;
        }}
    }}
    return best;
}}
"""


def source_texts(program: Program, arena: Arena, arithmetic: Arithmetic, labels: Sequence[str],
                 identity: str) -> dict[str, str]:
    """Return the content of each file by name.

    Args:
        labels: one per logit.
        identity: of the network, see `project.network_id`.
    """
    layers = [layer_of(step, number, arena, arithmetic) for number, step in enumerate(program.steps, start=1)]
    channels, height, width = program.image
    header = _HEADER.format(first=FIRST, identity=identity, height=height, width=width, channels=channels,
                            image_bytes=channels * height * width, classes=len(labels), arena=arena.bytes,
                            alignment=ALIGNMENT, scale=c_float(program.logits.scale), zero=program.logits.zero)
    arrays = [array for layer in layers for array in layer.arrays]
    return {"network.h": header, "network.c": _source(program, arena, arithmetic, labels, layers),
            "weights.h": _weights_header(arrays), "weights.c": _weights(layers)}


def _source(program: Program, arena: Arena, arithmetic: Arithmetic, labels: Sequence[str],
            layers: Sequence[Layer]) -> str:
    needed = {kernel for layer in layers for kernel in layer.kernels}
    names = [arithmetic.name, *(kernel.format(arithmetic=arithmetic.name) for kernel in ORDER if kernel in needed)]
    kernels = "\n".join((KERNELS / f"{name}.c").read_text(encoding="utf-8") for name in names)
    calls = "\n".join(f"    /* {number}: {layer.comment} */\n" + "\n".join(f"    {call}" for call in layer.calls)
                      for number, layer in enumerate(layers, start=1))
    wide = "\n#define NETWORK_WIDE\n" if any(is_wide(step) for step in program.steps) else ""
    wide += "\n#define NETWORK_CAPPED\n" if any(step.high < MOST for step in program.steps) else ""
    return _SOURCE.format(
        first=FIRST, macs=sum(step.macs for step in program.steps if isinstance(step, Convolution)),
        layers=len(layers), arithmetic=arithmetic.name, kernels=kernels, calls=calls, wide=wide,
        structures="\n".join(_wrapped(text) for layer in layers for text in layer.structures),
        labels="\n".join(f"    {c_string(label)}," for label in labels), logits=arena.tensors[program.logits])


def _weights_header(arrays: Sequence[Array]) -> str:
    lines = "".join(f"extern const {a.kind} {a.name}[{len(a.values)}];\n" for a in arrays)
    return f"{FIRST}#ifndef NETWORK_WEIGHTS_H\n#define NETWORK_WEIGHTS_H\n\n#include <stdint.h>\n\n{lines}\n#endif\n"


def _weights(layers: Sequence[Layer]) -> str:
    parts = [FIRST + '#include "weights.h"\n']
    for number, layer in enumerate(layers, start=1):
        if layer.arrays:
            parts.append(f"\n/* {number}: {layer.comment} */\n")
        for array in layer.arrays:
            values = textwrap.fill(", ".join(str(value) for value in array.values), 118, initial_indent="    ",
                                   subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
            parts.append(f"const {array.kind} {array.name}[{len(array.values)}] = {{\n{values}\n}};\n")
    return "".join(parts)


def c_string(text: str) -> str:
    """Return a text as a C string of its UTF-8 bytes."""
    parts = [chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"
             for byte in text.encode("utf-8")]
    return f'"{"".join(parts)}"'


def stored_labels(program: Program) -> list[str]:
    """Return the names of the classes that the file holds, else numbers."""
    count = program.logits.bytes
    try:
        names = json.loads(program.metadata.get("classes", ""))
    except ValueError:
        names = []
    return [str(name) for name in names] if len(names) == count else [str(number) for number in range(count)]


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 118, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
