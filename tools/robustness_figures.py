"""Figures of studies (robustness, study_pool.py) as small SVG files, written as text: equal numbers, equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

_CELL, _LEFT, _TOP = 26, 90, 60
_COLOURS = ("#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677")


def heat_map(values: np.ndarray, rows: Sequence[str], columns: Sequence[str], title: str) -> str:
    """Return a grid of coloured numbers from -1 (blue) to 1 (red)."""
    parts = [_text(4, 16, title, bold=True)]
    width = 2 * _CELL
    for j, name in enumerate(columns):
        parts.append(_text(_LEFT + width * (j + 0.5), _TOP - 8, name, "middle"))
    for i, name in enumerate(rows):
        y = _TOP + _CELL * i
        parts.append(_text(_LEFT - 6, y + 17, name, "end"))
        for j, value in enumerate(values[i]):
            other = round(255 * (1 - min(abs(value), 1)))
            colour = f"rgb(255,{other},{other})" if value >= 0 else f"rgb({other},{other},255)"
            parts.append(f'<rect x="{_LEFT + width * j}" y="{y}" width="{width}" height="{_CELL}" fill="{colour}"/>')
            parts.append(_text(_LEFT + width * (j + 0.5), y + 17, f"{value:.2f}", "middle"))
    return _figure(_LEFT + width * len(columns) + 10, _TOP + _CELL * len(rows) + 10, parts)


def bars(series: Mapping[str, Mapping[str, float]], title: str) -> str:
    """Return horizontal bars: a group per name, a bar per series."""
    names = list(next(iter(series.values())))
    largest = max(value for row in series.values() for value in row.values())
    parts, height, length = [_text(4, 16, title, bold=True)], 7, 380
    for k, label in enumerate(series):
        parts.append(f'<rect x="{_LEFT + 80 * k}" y="28" width="10" height="10" fill="{_COLOURS[k]}"/>')
        parts.append(_text(_LEFT + 80 * k + 14, 37, label))
    for i, name in enumerate(names):
        y = _TOP + i * (height * len(series) + 8)
        parts.append(_text(_LEFT - 6, y + height * len(series) / 2 + 4, name, "end"))
        for k, row in enumerate(series.values()):
            size = max(row[name], 0) / largest * length
            parts.append(f'<rect x="{_LEFT}" y="{y + k * height}" width="{size:.1f}" height="{height - 1}" '
                         f'fill="{_COLOURS[k]}"/>')
    bottom = _TOP + len(names) * (height * len(series) + 8)
    parts.append(_text(_LEFT + length, bottom + 8, f"{largest:.2f}", "end"))
    return _figure(_LEFT + length + 10, bottom + 16, parts)


def _text(x: float, y: float, content: str, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{weight}>{content}</text>'


def _figure(width: float, height: float, parts: Sequence[str]) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(parts) + "\n</svg>\n")
