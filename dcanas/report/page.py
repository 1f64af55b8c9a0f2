"""The page of one run: the answers for whoever decides, then what they rest on, then how to repeat the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from markupsafe import Markup

from dcanas.report.html import NOTHING, joined, section
from dcanas.report.panels.baseline import baseline
from dcanas.report.panels.candidates import candidates, other_limits
from dcanas.report.panels.latency import latency
from dcanas.report.panels.limits import limits
from dcanas.report.panels.network import network
from dcanas.report.panels.repeat import repeat
from dcanas.report.panels.robust import robust
from dcanas.report.panels.search import search
from dcanas.report.panels.summary import asked, summary
from dcanas.report.panels.training import training
from dcanas.report.record import DeviceRecord, RunRecord

Panel = tuple[str, str, Callable[[RunRecord, DeviceRecord], Markup]]
BEFORE = (("limits", "Limits and costs", limits), ("rival", "Searched against hand-made", baseline),
          ("front", "Other limits", other_limits), ("network", "The network", network),
          ("candidates", "How it was chosen", candidates), ("training", "Training and mistakes", training))
AFTER = (("latency", "Latency: predicted and measured", latency), ("robustness", "Robustness", robust))


def page(record: RunRecord) -> str:
    """Return the whole page: one self-contained HTML file, with links to what lies beside it."""
    several = len(record.devices) > 1

    def sections(panels: Sequence[Panel]) -> list[tuple[str, str, Markup]]:
        return [(f"{name}-{device.name}" if several else name, f"{title}: {device.name}" if several else title, found)
                for device in record.devices for name, title, panel in panels if (found := panel(record, device))]

    parts = sections(BEFORE)
    if searched := search(record):
        parts.append(("search", "The search", searched))
    parts += [*sections(AFTER), ("repeat", "Settings, and how to repeat this", repeat(record))]
    settings = record.settings
    data = settings["data"]
    title = f"{Path(data['root']).name if data.get('root') else data['name']} on {', '.join(settings['device'])}"
    return document(title, asked(record), summary(record),
                    [(name, heading, section(name, heading, content)) for name, heading, content in parts])


def document(title: str, below: str, top: Markup, parts: list[tuple[str, str, Markup]]) -> str:
    """Return a page.

    Args:
        title, below: heading, and a line below it.
        top: summary above the list of sections.
        parts: id, heading and content of every section.
    """
    links = joined(Markup('<a href="#{}">{}</a>').format(name, heading) for name, heading, _ in parts)
    body = joined(part for _, _, part in parts)
    script, style = ((Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("slider.js", "style.css"))
    code = Markup("<script>{}</script>").format(Markup(script)) if 'class="front"' in body else NOTHING
    return Markup(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"><title>{} – dcanas</title>'
        '<style>{}</style></head><body>\n'
        '<header><h1>{}</h1><p class="faint">{}</p></header>\n<main>{}<nav aria-label="Sections">{}</nav>\n{}</main>\n'
        "<footer>Written by dcanas. This page is one file and asks nothing of any server; its links are to files "
        "beside it.</footer>{}</body></html>\n"
    ).format(title, Markup(style), title, below, top, links, body, code)
