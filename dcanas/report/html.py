"""Pieces of a page. Every text that is put into one is escaped: names of classes and folders are the user's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape

NOTHING = Markup("")


def joined(parts: Iterable[Any]) -> Markup:
    """Return the parts, escaped where they are plain text, one after another."""
    return NOTHING.join(escape(part) for part in parts)


def section(name: str, title: str, *parts: Any) -> Markup:
    return Markup('<section id="{0}" aria-labelledby="{0}-h"><h2 id="{0}-h">{1}</h2>{2}</section>').format(
        name, title, joined(parts))


def subsection(title: str, *parts: Any) -> Markup:
    return Markup('<div class="part"><h3>{}</h3>{}</div>').format(title, joined(parts))


def grid(*parts: Any) -> Markup:
    """Return parts side by side where there is room, else one below the other."""
    return Markup('<div class="grid">{}</div>').format(joined(parts))


def paragraph(*parts: Any, kind: str = "") -> Markup:
    return Markup('<p class="{}">{}</p>').format(kind, joined(parts))


def code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text)


def figure(drawing: Markup, caption: Any) -> Markup:
    return Markup("<figure>{}<figcaption>{}</figcaption></figure>").format(drawing, caption)


def more(title: str, *parts: Any) -> Markup:
    """Return parts that open on a click."""
    return Markup("<details><summary>{}</summary>{}</details>").format(title, joined(parts))


def table(head: Sequence[Any], rows: Iterable[Sequence[Any]], caption: str, marked: Iterable[int] = ()) -> Markup:
    """Return a table that scrolls by itself on a narrow page; columns of numbers are set flush right.

    caption: says what it is, for those who do not see it. marked: numbers of rows that stand out.
    """
    rows, marked = [list(row) for row in rows], set(marked)
    right = [all(_numeric(row[i]) for row in rows) and bool(rows) for i in range(len(head))]

    def cells(tag: str, row: Sequence[Any]) -> Markup:
        return joined(Markup("<{0}{1}>{2}</{0}>").format(tag, Markup(' class="n"') if flush else NOTHING, cell)
                      for cell, flush in zip(row, right, strict=True))

    chosen = Markup(' class="chosen"')
    body = joined(Markup("<tr{}>{}</tr>").format(chosen if i in marked else NOTHING, cells("td", row))
                  for i, row in enumerate(rows))
    return Markup('<div class="scroll" tabindex="0" role="region" aria-label="{0}"><table><caption>{0}</caption><thead>'
                  "<tr>{1}</tr></thead><tbody>{2}</tbody></table></div>").format(caption, cells("th", head), body)


def definitions(rows: Iterable[tuple[Any, Any]]) -> Markup:
    return Markup("<dl>{}</dl>").format(joined(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(name, value) for name, value in rows))


def _numeric(cell: Any) -> bool:
    text = str(cell)
    return text in ("–", "") or text[0].isdigit() or (text[0] in "-−+<" and text[1:2].isdigit())
