"""Weights in a run directory."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch import nn

from dcanas.basics.files import write_bytes


def save_weights(path: Path, model: nn.Module) -> None:
    """Write a state dict, whole."""
    content = io.BytesIO()
    torch.save({name: value.cpu().contiguous() for name, value in model.state_dict().items()}, content)
    write_bytes(path, content.getvalue())
