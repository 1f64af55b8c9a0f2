"""How a network's weights are drawn before it is scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dcanas.basics.errors import unknown

if TYPE_CHECKING:
    from torch import nn

INITIALISATIONS: dict[str, tuple[str, dict[str, Any]]] = {  # name -> function of `torch.nn.init`, its options
    "default": ("", {}),
    "kaiming": ("kaiming_normal_", {"nonlinearity": "relu"}),
    "xavier": ("xavier_normal_", {}),
    "orthogonal": ("orthogonal_", {}),
    "normal": ("normal_", {}),
}


def initialise(net: nn.Module, kind: str) -> None:
    """Draw the weights of convolutions and linear layers anew, biases 0, in place and from torch's generator.

    kaiming: He et al. (ICCV 2015), fan in; xavier: Glorot and Bengio (AISTATS 2010); orthogonal: Saxe et al. (ICLR
    2014); normal: N(0, 1); default: nothing is drawn. Raises `UserError` for another kind.
    """
    from torch import nn  # here, so that settings are checked without it

    from dcanas.proxies.collect import LAYERS

    if kind not in INITIALISATIONS:
        raise unknown("initialisation", kind, INITIALISATIONS)
    function, options = INITIALISATIONS[kind]
    for module in net.modules() if function else ():
        if isinstance(module, LAYERS):
            getattr(nn.init, function)(module.weight, **options)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
