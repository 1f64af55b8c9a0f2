"""Pieces of a page. Every text that is put into one is escaped: names of classes and folders are the user's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

NOTHING = Markup("")
BESIDE = 4  # columns that fit beside each other on a narrow page
UNIT = re.compile(r"(?<=\d) (?=(?:[kMGTmµn]?[sBJ]|[kMGT%×]|points|min)(?!\w))")  # the space before a unit
WORD = 16  # letters in one piece from which a cell may break anywhere


def joined(parts: Iterable[Any]) -> Markup:
    """Return the parts one after another; plain text is escaped, and what stands between back-ticks in it becomes code.
    """
    return NOTHING.join(_rich(part) for part in parts)


def _rich(part: Any) -> Markup:
    if isinstance(part, Markup):
        return part
    pieces = re.split(r"`([^`]+)`", UNIT.sub("\u00a0", str(part)))
    return NOTHING.join(code(piece) if number % 2 else escape(piece) for number, piece in enumerate(pieces))


def section(name: str, title: str, *parts: Any) -> Markup:
    """Return a section with a heading. name: id, unique on the page."""
    return Markup('<section id="{0}" aria-labelledby="{0}-h"><h2 id="{0}-h">{1}</h2>{2}</section>').format(
        name, title, joined(parts))


def subsection(title: str, *parts: Any) -> Markup:
    """Return parts below a heading of the third level."""
    return Markup('<div class="part"><h3>{}</h3>{}</div>').format(title, joined(parts))


def grid(*parts: Any) -> Markup:
    """Return parts side by side if there is room, else one below the other."""
    return Markup('<div class="grid">{}</div>').format(joined(parts))


def paragraph(*parts: Any, kind: str = "") -> Markup:
    """Return a paragraph. kind: CSS class."""
    return Markup('<p class="{}">{}</p>').format(kind, joined(parts))


def code(text: str) -> Markup:
    """Return text in a fixed-width font, which may break after its separators."""
    pieces = re.split(r"(?<=[|+,/ ])", text)
    return Markup("<code>{}</code>").format(Markup("<wbr>").join(escape(piece) for piece in pieces))


def setting_text(value: Any) -> str:
    """Return a setting's value as it is typed."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(setting_text, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {setting_text(each)}' for key, each in value.items())}}}" if value else "none"
    return str(value)


def more(title: str, *parts: Any) -> Markup:
    """Return parts that open on a click."""
    return Markup("<details><summary>{}</summary>{}</details>").format(title, joined(parts))


def table(head: Sequence[Any], rows: Iterable[Sequence[Any]], caption: str, marked: Iterable[int] = ()) -> Markup:
    """Return a table that fits the page: on a narrow one, a row of many columns becomes a block of labelled values.

    Columns of numbers are set flush right.

    Args:
        caption: text alternative of what the table shows.
        marked: indices of rows that are highlighted.
    """
    rows, marked = [list(row) for row in rows], set(marked)
    right = [all(_numeric(row[i]) for row in rows) and bool(rows) for i in range(len(head))]
    many = len(head) > BESIDE

    def cells(tag: str, row: Sequence[Any], labels: Sequence[Any]) -> Markup:
        return joined(Markup("<{0}{1}{2}>{3}</{0}>").format(
            tag, Markup(' class="{}"').format(kind) if kind else NOTHING,
            Markup(' data-label="{}"').format(label) if label else NOTHING, joined([cell]))
            for cell, kind, label in ((cell, "n" if flush else "long" if _long(cell) else "", label)
                                      for cell, flush, label in zip(row, right, labels, strict=True)))

    chosen = Markup(' class="chosen"')
    body = joined(Markup("<tr{}>{}</tr>").format(chosen if i in marked else NOTHING,
                                                 cells("td", row, head if many else [""] * len(head)))
                  for i, row in enumerate(rows))
    return Markup('<div class="scroll" role="region" aria-label="{0}"><table{1}><caption>{0}</caption><thead>'
                  "<tr>{2}</tr></thead><tbody>{3}</tbody></table></div>").format(
        caption, Markup(' class="many"') if many else NOTHING, cells("th", head, [""] * len(head)), body)


def _numeric(cell: Any) -> bool:
    text = str(cell)
    if ", " in text or " to " in text:  # several
        return False
    return text in ("–", "") or text[0].isdigit() or (text[0] in "-−+<" and text[1:2].isdigit())


def _long(cell: Any) -> bool:
    return any(len(word) > WORD for word in Markup(escape(cell)).striptags().split())
