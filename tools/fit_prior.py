"""Fit the prior of NAS-Bench-201 to published accuracies, and write the file that is shipped.

    python -m tools fit_prior

One set of weights for each data set of `nasbench201_accuracy.csv.gz` (NATS-Bench, MIT), fitted to its test accuracies
of all members. The table itself is not part of dcanas; the weights are, about 10 kB: NATS-Bench's licence (MIT) allows
to publish what is made of its values if it is named, which the file does.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from dcanas.basics.files import write_text
from dcanas.benchmarks.judged_data import PUBLISHED, judged_data
from dcanas.benchmarks.prior_folds import all_features
from dcanas.hardware.latency.table_files import tables_folder
from dcanas.proxies.prior import FITTED, fit, log_odds

COPYRIGHT = "Copyright (c) since 2020 Xuanyi Dong (GitHub: https://github.com/D-X-Y)"
CLASSES = {  # names of the classes as the data sets have them
    "cifar10": "airplane automobile bird cat deer dog frog horse ship truck",
    "cifar100": """
        apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
        camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup
        dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower
        leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid
        otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray
        road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
        sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
        wardrobe whale willow_tree wolf woman worm
    """,
}


def main(*, out: Path = FITTED) -> None:
    """Write the file.

    Args:
        out: the file
    """
    table = tables_folder() / "nasbench201_accuracy.csv.gz"
    weights = {data: [round(float(weight), 4) for weight in fit(all_features(), log_odds(judged_data(data).test))]
               for data in PUBLISHED}
    parts = {
        "made_by": "python -m tools fit_prior", "members": len(all_features()),
        "fitted_to": "test accuracies after 200 epochs of NATS-Bench (Dong et al., TPAMI 2021), mean over runs, as log "
                     "odds of ranks; MIT License, " + COPYRIGHT,
        "table_sha256": hashlib.sha256(table.read_bytes()).hexdigest(),
        "classes": {name: text.split() for name, text in CLASSES.items()}, "weights": weights}
    lines = [f"{json.dumps(name)}: {json.dumps(part)}" for name, part in parts.items()]
    write_text(out, "{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{out}: {out.stat().st_size / 1e3:.0f} kB")
