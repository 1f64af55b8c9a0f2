"""The attacks by name."""

from __future__ import annotations

from dcanas.basics.registry import Registry

attacks: Registry = Registry("attack")
