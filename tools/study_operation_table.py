"""How well does a table of operations predict networks it was not fitted to, beside a line in MACs?

    uv run python tools/study_operation_table.py --space nasbench201 --networks 30 --out /tmp/operation_table

Measures the table of the space's final network on local-cpu (12 networks calibrate it) and as many others as asked.
Every measurement is stored in --out before it is used: a stopped study goes on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from dcanas.cli.operation_tables import quality_line
from dcanas.costs import Domain
from dcanas.hardware import load_device
from dcanas.hardware.latency.operation_table import quality, table_costs
from dcanas.hardware.latency.table_measuring import measure_table
from dcanas.hardware.latency.table_store import save_table, table_conditions
from dcanas.spaces import load_space


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="nasbench201")
    parser.add_argument("--networks", type=int, default=30, help="that are not fitted to")
    parser.add_argument("--skeleton", nargs="*", default=[], metavar="NAME=N", help="of the final network")
    parser.add_argument("--out", type=Path, required=True)
    stated = parser.parse_args()
    space, device = load_space(stated.space), load_device("local-cpu")
    skeleton = {name: int(value) for name, _, value in (text.partition("=") for text in stated.skeleton)}
    complete = space.delivered_skeleton(space.complete_skeleton(skeleton))
    domain = Domain.of(space, (3, 32, 32), 10, device.name, **complete)
    start = time.monotonic()
    table = measure_table(space, device, domain, table_conditions(device), stated.out,
                          lambda done, total, note: print(f"{done} of {total} ({note}), "
                                                          f"{time.monotonic() - start:.0f} s", flush=True),
                          left_out=stated.networks)
    save_table(stated.out / "table.yaml", table)
    _, fits = table_costs(space, table)
    fit = fits["latency_ms"]
    print(f"rows: {len(table.rows)}, noisy {len(table.noisy)}; networks noisy: "
          f"{sum(m.noisy for m in (*table.fitted, *table.left_out))} of {len(table.fitted) + len(table.left_out)}")
    print(f"latency = {fit.base:.4g} ms + {fit.per_option[0]:.3g} x rows + {1e3 * fit.per_option[1]:.3g} us per step")
    print(quality_line(quality(space, table)))


if __name__ == "__main__":
    main()
