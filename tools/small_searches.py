"""Searches small enough to compare ways of searching: NAS-Bench-201, one cell per stage, part of one's own images."""

from __future__ import annotations

import argparse
from pathlib import Path

from dcanas.cli.compose import configure
from dcanas.pipeline.session import Session


def add_arguments(parser: argparse.ArgumentParser, fraction: float) -> None:
    """Add what such a search is asked; fraction: the default share of the training images."""
    parser.add_argument("--data", type=Path, required=True, help="images as folders, train/ and test/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fraction", type=float, default=fraction, help="of the training images")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--bottleneck", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)


def session_of(options: argparse.Namespace, *more: str) -> Session:
    """Return the session of such a search without limits; more: further settings."""
    settings, run = configure([
        "data=folder", f"data.root={options.data}", "data.size=32", f"data.fraction={options.fraction}", "budget=none",
        "space.search_skeleton.channels=16", "space.search_skeleton.cells=1", f"search.epochs={options.epochs}",
        f"search.bottleneck={options.bottleneck}", f"run.threads={options.threads}", *more], "search")
    return Session(settings, run, "study")
