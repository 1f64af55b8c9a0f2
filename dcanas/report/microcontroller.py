"""What is known of a microcontroller's C code, in words: what linker and emulator say, and what is not proven."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def proof_words(proof: Mapping[str, Any]) -> list[str]:
    """Return lines on a `proof.json`: memory, answers, instructions, and whatever is not proven."""
    lines = []
    if "flash_bytes" in proof:
        lines.append(f"{proof['flash_bytes']:,} of {proof['flash_limit']:,} bytes of flash and "
                     f"{proof['ram_bytes']:,} of {proof['ram_limit']:,} bytes of RAM "
                     f"({proof['stack_bytes']:,} of them stack), by the linker.")
    if "emulated_images" in proof:
        count = proof["instructions"]
        lines.append(f"Emulated on {proof['emulated_on']}, it gives the same bytes as here for "
                     f"{proof['emulated_images']} images; an image takes "
                     f"{f'{count:,} instructions' if count else 'too many instructions to count'}.")
    return [*lines, *(f"Not proven: {line}." for line in proof.get("not_proven", ()))]


def proof_markdown(proof: Mapping[str, Any]) -> list[str]:
    """Return the certificate's section on the C code."""
    harness = proof.get("of_these_harness")
    lines = ["## C code", "", *(f"- {line}" for line in proof_words(proof))]
    if harness:
        lines.append(f"- Of these, {harness['flash_bytes']:,} bytes of flash and {harness['ram_bytes']:,} of RAM are "
                     "start-up and the exchange of images and answers, in whose place a program of your own stands.")
    tools = [f"{what} `{proof[key]}`" for key, what in (
        ("compiler", "Compiler"), ("host_compiler", "that of this machine"), ("emulator", "emulator")) if key in proof]
    if tools:
        flags = f"; flags `{' '.join(proof['flags'])}`" if "flags" in proof else ""
        lines.append(f"- {'; '.join(tools)}{flags}.")
    lines += [f"- `{name}`: SHA-256 `{known}`" for name, known in proof["sha256"].items()]
    return lines
