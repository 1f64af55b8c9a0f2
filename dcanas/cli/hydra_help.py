"""`--hydra-help`: what works as in a Hydra application, and what does not (docs/hydra.md says the same)."""

from __future__ import annotations

DIFFERENCES = (  # at most eight: what is typed in Hydra, and what does it here
    ("hydra.run.dir=, hydra.sweep.dir=, hydra.verbose= and all of hydra.* but hydra.searchpath",
     "refused: run.dir=DIR is a run's directory, run.root=DIR the folder of all, name=NAME begins its name, "
     "run.progress= says how much is printed"),
    ("hydra/launcher=, hydra/sweeper=", "refused: the runs of -m follow each other; run.engine=dask:ADDRESS spreads "
     "the work of each over machines"),
    ("--config-name, --config-path, --experimental-rerun", "refused: experiment=NAME, --config-dir DIR, dcanas "
     "reproduce source=DIR"),
    ("+key=value", "sets a setting that exists, whether or not it has a value; an unknown name is refused, since every "
     "setting is declared"),
    ("~key, ~group", "gives the setting, or all settings of the group, their declared default instead of deleting "
     "them; ~experiment chooses none"),
    ("--cfg", "alone is --cfg job --resolve; with -m it prints every run, where Hydra refuses; --cfg hydra prints the "
     "parts of that node that mean something here; --package without it is refused"),
    ("the same preset in two folders", "refused, where Hydra takes the first without a word"),
    ("--version, --info", "print the versions of dcanas and Hydra, and of plug-ins those of dcanas"),
)

_FLAGS = """--cfg,-c job|hydra|all    print the settings instead of a run
--resolve                 with --cfg: replace ${...} by what it refers to
--package,-p KEY          with --cfg: only this part of the settings
--info,-i [WHAT]          all, config, defaults, defaults-tree, plugins or searchpath
--multirun,-m             a run of every combination of A,B, range(), choice() and glob()
--run,-r                  one run (as without it)
--config-dir,-cd DIR      a further folder of presets; also hydra.searchpath=[DIR], DCANAS_CONF, ~/.config/dcanas/conf
--shell-completion,-sc install=SHELL|uninstall=SHELL
--quiet                   only what the work was done for, such as what to ship
--verbose                 also details: tables of costs, what is going on every few seconds
--version, --help"""

HYDRA_HELP = "\n".join(["Command lines are Hydra's: key=value, group=NAME, ++key=value, ~key, ${key}.", "", _FLAGS, "",
                        "What is different, and what does it here:",
                        *(f"  {typed}\n      {does}." for typed, does in DIFFERENCES)])
