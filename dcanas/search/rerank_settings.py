"""The settings of `dcanas.search.rerank`, for every search that proposes candidates by other scores."""

from __future__ import annotations

from dataclasses import dataclass

from dcanas.basics.fields import check, number, setting
from dcanas.basics.own_file import OwnFile
from dcanas.proxies.proxy_name import ProxyName


@dataclass(frozen=True, kw_only=True)
class RerankSettings(OwnFile):
    """Training-free scores that order candidates before the finalists are trained.

    Raises `UserError` naming the setting, what is allowed and the value.
    """

    rerank: tuple[str, ...] = setting((), "training-free scores whose ranks order the candidates before the finalists")
    rerank_again: tuple[str, ...] = setting((), "scores that then order the first 16 and the largest again")
    rerank_batch_size: int = number(64, 1, 65_536, "training images on which those scores are computed; all, if there "
                                                      "are fewer")
    rerank_evaluations: int = number(200, 0, 10_000_000, "networks scored: the candidates and random ones beside them; "
                                                         "0: the candidates alone")

    def __post_init__(self) -> None:
        check(self, "search")
        for proxy in (*self.rerank, *self.rerank_again):
            ProxyName.parse(proxy)
