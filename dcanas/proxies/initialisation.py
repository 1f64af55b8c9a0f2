"""How a network's weights are drawn before it is scored."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from dcanas.basics.errors import unknown
from dcanas.proxies.collect import LAYERS

INITIALISATIONS: dict[str, Callable[[nn.Module], None]] = {  # of one convolution or linear layer
    "default": lambda layer: None,  # as the space builds it
    "kaiming": lambda layer: _redraw(layer, lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu")),
    "xavier": lambda layer: _redraw(layer, nn.init.xavier_normal_),
    "orthogonal": lambda layer: _redraw(layer, nn.init.orthogonal_),
    "normal": lambda layer: _redraw(layer, nn.init.normal_),
}


def initialise(net: nn.Module, kind: str) -> None:
    """Draw the weights of convolutions and linear layers anew, biases 0, in place and from torch's generator.

    kaiming: He et al. (ICCV 2015), fan in; xavier: Glorot and Bengio (AISTATS 2010); orthogonal: Saxe et al. (ICLR
    2014); normal: N(0, 1); default: nothing is drawn. Raises `UserError` for another kind.
    """
    check_initialisation(kind)
    for module in net.modules():
        if isinstance(module, LAYERS):
            INITIALISATIONS[kind](module)


def check_initialisation(kind: str) -> None:
    """Raise `UserError` for an initialisation that does not exist."""
    if kind not in INITIALISATIONS:
        raise unknown("initialisation", kind, INITIALISATIONS)


def _redraw(layer: nn.Module, draw: Callable[..., object]) -> None:
    draw(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
