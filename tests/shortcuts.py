"""A run without its waits: for tests of what a run does with measured times and figures, not of these."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

DRAWING = '<?xml version="1.0"?><svg viewBox="0 0 1 1"></svg>'


@contextmanager
def undrawn() -> Iterator[None]:
    """Figures are composed, with their titles and captions, but not drawn; tests/report draws each of them."""
    from matplotlib.figure import Figure

    save = Figure.savefig

    def saved(figure: Figure, target: Any, **options: Any) -> None:
        if options.get("format") == "svg":
            target.write(DRAWING if isinstance(target, io.StringIO) else DRAWING.encode())
        else:
            save(figure, target, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", saved)
        yield


@contextmanager
def quick() -> Iterator[None]:
    """Files are measured for a tenth of a second and once, noisy or not (tests/hardware measures as users do), and
    figures are not drawn."""
    from dcanas.export import worker
    from dcanas.hardware.measuring import profiler

    bench = worker.Bench

    def opened(files: Any, threads: int, provider: str, seconds: float, *rest: Any, **more: Any) -> worker.Bench:
        return bench(files, threads, provider, min(seconds, 0.1), *rest, **more)

    with pytest.MonkeyPatch.context() as patch, undrawn():
        patch.setattr(profiler, "EXTENSIONS", 0)
        patch.setattr(worker, "Bench", opened)
        yield
