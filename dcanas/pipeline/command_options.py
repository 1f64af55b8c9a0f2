"""Options that only one command has: those of `dcanas score`, `attack` and `feasibility`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dcanas.basics.errors import UserError
from dcanas.basics.fields import check, choice, number, setting
from dcanas.proxies.proxy_name import ProxyName
from dcanas.proxies.proxy_registry import list_proxies
from dcanas.report.delivery import CHOICES, RECOMMENDED


@dataclass(frozen=True)
class ScoreOptions:
    """Which networks are scored, how, and what the scores are compared with.

    Raises:
        UserError: a value is not allowed.
    """

    searches: ClassVar[bool] = False
    architecture: str | None = setting(None, "one network, in the space's notation, or a published cell's name")
    list: str | None = setting(None, "text file with one architecture per line, or CSV file with a column architecture")
    n: int | str | None = setting(None, "number of different members to draw by seed, or all")
    names: tuple[str, ...] = setting(("params", "flops", "synflow", "jacov", "nwot", "wrcor"),
                                     "scores (`dcanas list proxies`), or all")
    batch_size: int = number(64, 1, 65_536, "images on which a network is scored")
    against: str | None = setting(None, "what the scores are compared with: accuracy, latency (of device=NAME), "
                                        "robustness, or a CSV file")
    column: str | None = setting(None, "column of that table; null: cifar10_test, pgd_eps1.0, or a file's only column")
    k: int = number(10, 1, 1_000_000, "networks in precision@k and BestRanking@k")

    def __post_init__(self) -> None:
        check(self, "")
        if self.n is not None and self.n != "all" and (not isinstance(self.n, int) or self.n < 1):
            raise UserError(f"n must be a whole number from 1, or all, got {self.n!r}.")
        if not self.names:
            raise UserError("names must name at least one proxy; `dcanas list proxies` shows them.")
        for name in self.proxies:
            ProxyName.parse(name)

    @property
    def proxies(self) -> tuple[str, ...]:
        """Names of all proxies wanted."""
        return tuple(list_proxies()) if self.names == ("all",) else tuple(dict.fromkeys(self.names))


@dataclass(frozen=True)
class WhichOptions:
    """Which of the networks of a finished run a command takes."""

    which: str = choice(RECOMMENDED, CHOICES, "network of the finished run: what it ships, the searched one, or the "
                        "rival it was compared with")

    def __post_init__(self) -> None:
        check(self, "")


@dataclass(frozen=True)
class AttackOptions(WhichOptions):
    """What `dcanas attack` takes beside attacks, eps_255, norm and attack_images."""

    onnx: str | None = setting(None, "a further ONNX file of the same task, attacked by Square")


@dataclass(frozen=True)
class FeasibilityOptions:
    """What `dcanas feasibility` may do beside counting."""

    measure: bool = setting(False, "measure a few members on the device if a limit needs it")

    def __post_init__(self) -> None:
        check(self, "")


COMMAND_OPTIONS: dict[str, type] = {
    "score": ScoreOptions, "attack": AttackOptions, "feasibility": FeasibilityOptions, "deploy": WhichOptions,
    "export": WhichOptions, "profile": WhichOptions}
