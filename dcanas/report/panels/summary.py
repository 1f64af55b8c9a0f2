"""The first screen: the answers for whoever has to decide, or how far the run came."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from dcanas.report.amounts import quantity
from dcanas.report.answers import Answer, answers
from dcanas.report.certificate import accuracy_lines
from dcanas.report.delivery import Delivery, delivery
from dcanas.report.html import NOTHING, code, joined, paragraph, table
from dcanas.report.record import DeviceRecord, RunRecord
from dcanas.report.verdict import verdict
from dcanas.report.words import limit_words

CODE = "c99"  # folder of the network as C, beside its files


def summary(record: RunRecord) -> Markup:
    """Return the answers for each device with a certificate, and the verdict of a run that did not end well."""
    parts = [_verdict(record)]
    ready = [device for device in record.devices if device["certificate"]]
    if len(record.settings["device"]) > 1 and ready:
        parts.append(_rows(record, ready))
    elif ready:
        parts.append(_cards(record, ready[0]))
    return joined(parts)


def asked(record: RunRecord) -> str:
    """Return in words what was asked for: images, space, devices and limits."""
    data, space = record.settings["data"], record.settings["space"]
    parts = []
    for name in record.settings["device"]:
        made = next((device["certificate"] for device in record.devices if device.name == name), None)
        budget = made["budget"] if made else record.budget(name)  # with limits on robustness, once it is known
        limits = [limit_words(*item) for item in budget.items()] if record.feasibility else \
            [f"{cost} {limit}" for cost, limit in record.settings["budget"].items()]  # before units are resolved
        parts.append(f"on {name}: {', '.join(limits) or 'no limit'}")
    images = f"the images in {data['root']}" if data.get("root") else f"the data set {data['name']}"
    return f"A network of the space {space['name']} for {images}; {'; '.join(parts)}."


def _verdict(record: RunRecord) -> Markup:
    """Return how the run ended; nothing if the answers say it all."""
    found = verdict(record)
    if record.next_stage() is None and not record.infeasible:
        return NOTHING
    return Markup('<div class="verdict {}"><strong>{}</strong>{}</div>').format(
        found.mood, found.headline, joined(paragraph(text) for text in found.sentences if text))


def _cards(record: RunRecord, device: DeviceRecord) -> Markup:
    first, *others = answers(record, device)
    shipped = delivery(record, device)
    assert shipped is not None  # there is a certificate
    notes = joined(paragraph(line, kind="faint") for line in accuracy_lines(shipped.certificate))
    ship = _card(first, paragraph("in ", code(first.text), " beside this page", kind="where"), _links(record, shipped))
    cards = joined(_card(each) for each in others)
    return Markup('<div class="cards of-{}">{}{}</div>{}').format(len(others) + 1, ship, cards, notes)


def _card(answer: Answer, *parts: Markup) -> Markup:
    """Return an answer as a card; parts: in place of what stands behind the answer."""
    behind = parts or (paragraph(answer.text, kind="why"),
                       Markup('<pre class="type">{}</pre>').format(answer.command) if answer.command else NOTHING)
    return Markup('<article class="card {}" data-answer="{}"><h2>{}</h2><p class="value">{}</p>{}</article>').format(
        answer.mood, answer.name, answer.question, answer.value, joined(behind))


def _links(record: RunRecord, shipped: Delivery) -> Markup:
    """Return links to what is handed over, with sizes: the ONNX file, the bundle, and the C code if there is some."""
    files = [path for path in shipped.bundle.glob("*") if path.is_file()]
    found = [("ONNX file", shipped.onnx, [shipped.onnx]), ("bundle", shipped.bundle, files),
             ("C code", shipped.folder / CODE, list((shipped.folder / CODE).glob("*.[ch]")))]
    links = joined(_link(record, name, path, inside) for name, path, inside in found if path.exists())
    return Markup('<p class="links">{}</p>').format(links)


def _link(record: RunRecord, name: str, path: Path, files: list[Path]) -> Markup:
    place = path.relative_to(record.folder).as_posix() + ("/" if path.is_dir() else "")
    size = quantity(sum(file.stat().st_size for file in files), "B")
    return Markup('<a href="{}">{}, {}</a>').format(place, name, size)


def _rows(record: RunRecord, devices: list[DeviceRecord]) -> Markup:
    """Return one row per device."""
    rows, head = [], ["device"]
    for device in devices:
        first, *others = answers(record, device)
        shipped = delivery(record, device)
        assert shipped is not None
        cells = [joined([first.value, Markup("<br>in "), code(first.text), _links(record, shipped)])]
        cells += [Markup('<span class="{}">{}</span><br><small>{}</small>').format(
            each.mood, each.value, joined([each.text, code(f" {each.command}") if each.command else NOTHING]))
            for each in others]
        head = ["device", *(each.question for each in (first, *others))]
        rows.append([device.name, *cells])
    width = max(map(len, rows))
    return Markup('<div class="decide">{}</div>').format(
        table(head[:width], [[*row, *[""] * (width - len(row))] for row in rows], "What to ship for each device"))
