"""`dcanas list KIND`: spaces, data sets, devices and so on, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.lazy import load_object
from dcanas.cli.terminal import make_console, plain

Rows = Iterator[tuple[str, ...]]
WIDEST = 10_000  # letters: no table is asked to be narrower
BESIDE = 3  # so many columns stay a table on any terminal


def main(command: str, arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        raise UserError(f"`dcanas list` takes one of {', '.join(KINDS)}.")
    kind = arguments[0]
    if kind not in KINDS:
        raise unknown("list", kind, KINDS)
    from dcanas.pipeline.own_plugins import load_named

    load_named(None, {})
    columns, rows = KINDS[kind]
    _print(make_console(), columns, list(rows()))
    return 0


def _print(console: Console, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table, or, if the terminal is too narrow for it, the columns below each name."""
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*map(plain, row))
    needed = console.measure(table, options=console.options.update(width=WIDEST)).maximum
    if len(columns) <= BESIDE or needed <= console.width:
        console.print(table)
        return
    for name, *cells in rows:
        shown = [cell if not column else f"{column} {cell}"
                 for column, cell in zip(reversed(columns[1:]), reversed(cells), strict=True) if cell]
        console.print(name, style="bold", markup=False, highlight=False)
        for text in (shown[0], ", ".join(reversed(shown[1:]))):
            console.print(Padding(Text(text), (0, 0, 0, 2)))


def _spaces() -> Rows:
    from dcanas.spaces import load_space, spaces

    for name in spaces:
        space = load_space(name)
        count = f"{space.size:,}" if space.size < 1e15 else f"{space.size:.2e}"
        yield name, count, f"{len(space.slots)}", (type(space).__doc__ or "").strip().split("\n")[0]


def _devices() -> Rows:
    from dcanas.hardware import list_devices, load_device

    for name in list_devices():
        device = load_device(name)
        version = f" >= {device.runtime.version}" if device.runtime.version else ""
        runtime = f"{device.runtime.name}{version}, opset {device.runtime.opset}"
        sources = dict.fromkeys(device.costs.values())
        costs = "; ".join(f"{source} " + ", ".join(c for c, s in device.costs.items() if s == source)
                          for source in sources)
        yield name, device.place, runtime, f"{device.threads}", costs, device.description


def _costs() -> Rows:
    from dcanas.costs import COSTS

    for name, (unit, meaning) in COSTS.items():
        yield name, unit or "1", meaning


def _searches() -> Rows:
    yield from _presets("search")
    yield from ((f"strategy={name}", text) for name, text in _texts("dcanas.search.gradient.strategies:strategies"))


def _proxies() -> Rows:
    from dcanas.proxies.proxy_registry import FACTS, proxies

    for name, found in sorted(FACTS.items()):
        options = ", ".join(f":{option}" if option != "number" else ":0.5" for option in found.options)
        yield (name, found.direction, "yes" if found.labels else "no", found.batch_norm, f"{found.cost:g}", found.paper,
               options, proxies.texts()[name].removeprefix("Return "))


def _texts(registry: str) -> Rows:
    """Yield names and one-line texts of a registry, given as "module:name"."""
    yield from load_object(registry).texts().items()


def _presets(group: str) -> Rows:
    """Yield names and first comments of the presets of a group."""
    from dcanas.pipeline.conf_folders import preset_path
    from dcanas.pipeline.own_plugins import plugin_presets
    from dcanas.pipeline.preset_files import preset_names

    for name in preset_names(group):
        path = preset_path(group, name)
        if path is None:
            yield name, str(plugin_presets(group)[name].__doc__ or "").strip().partition("\n")[0]
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        comments = [line.lstrip("# ") for line in lines if line.startswith("# ") and "@package" not in line]
        yield name, comments[0] if comments else ""


KINDS: dict[str, tuple[tuple[str, ...], Callable[[], Rows]]] = {
    "spaces": (("space", "codes", "slots", ""), _spaces),
    "data": (("data", ""), lambda: _texts("dcanas.training:datasets")),
    "devices": (("device", "connection", "runtime", "threads", "costs", ""), _devices),
    "costs": (("cost", "unit", ""), _costs),
    "searches": (("search", ""), _searches),
    "proxies": (("proxy", "better", "labels", "batch norm", "cost", "paper", "options", ""), _proxies),
    "recipes": (("train", ""), lambda: _presets("train")),
    "experiments": (("experiment", ""), lambda: _presets("experiment")),
    "attacks": (("attack", ""), lambda: _texts("dcanas.robustness:attacks")),
}
