"""The proxies by name, and what is known about each without importing it."""

from __future__ import annotations

from dcanas.basics.registry import Registry
from dcanas.proxies.proxy import Facts, Proxy

WEIGHTS = ("none", "linear", "quadratic", "exponential", "reversed")  # of the blocks in response correlations
RESPONSES = (*WEIGHTS, "number")

_TABLE = {  # name -> (module, facts, first line of the docstring)
    "acor": (
        "acor", Facts(labels=False, cost=1.5, paper="arXiv 2507.08841", options=RESPONSES),
        "Return log |det sum |C|| over the correlations of activation inputs."),
    "az_expressivity": (
        "az_nas", Facts(labels=False, cost=3, paper="arXiv 2403.19232", batch_norm="reset"),
        "Return the sum over blocks of the entropy of the normalised spectrum of their features' covariance."),
    "az_progressivity": (
        "az_nas", Facts(labels=False, cost=3, paper="arXiv 2403.19232", batch_norm="reset"),
        "Return the smallest growth of that entropy from a block to the next."),
    "az_trainability": (
        "az_nas", Facts(labels=False, cost=3, paper="arXiv 2403.19232", batch_norm="reset"),
        "Return the mean over blocks of -s - 1/s + 2, s the spectral norm of the block's Jacobian seen by signs."),
    "epe_nas": (
        "epe_nas", Facts(labels=True, cost=2, paper="arXiv 2102.08099"),
        "Return the sum over classes of |sum log(|corr| + 1e-5)| of their images' input gradients."),
    "fisher": (
        "fisher", Facts(labels=True, cost=3, paper="arXiv 1801.05787"),
        "Return the sum over weights of their channel's Fisher information, as the zero-cost benchmarks repeat it."),
    "flops": (
        "flops", Facts(labels=False, cost=0, paper="baseline, arXiv 2210.03230", batch_norm="not run", min_images=1),
        "Return the multiply-accumulates of convolutions and linear layers for one image, in millions."),
    "gcor": (
        "gcor", Facts(labels=True, cost=3.5, paper="arXiv 2507.08841", options=RESPONSES),
        "Return log |det sum |C|| over the correlations of gradients with respect to activation inputs."),
    "grad_norm": (
        "grad_norm", Facts(labels=True, cost=3, paper="arXiv 2101.08134"),
        "Return the sum over convolutions and linear layers of the L2 norm of dL/dw."),
    "grasp": (
        "grasp", Facts(labels=True, cost=7, paper="arXiv 2002.07376"),
        "Return -sum w (H g), the Hessian product by a second backward pass; the sign of the zero-cost benchmarks."),
    "hessian": (
        "hessian", Facts(labels=True, cost=30, paper="arXiv 2307.09365", direction="lower"),
        "Return the largest eigenvalue of the loss Hessian over all convolution and linear weights, 16 images."),
    "jacob_fro": (
        "jacob_fro", Facts(labels=False, cost=11, paper="arXiv 1908.02729, arXiv 2307.09365"),
        "Return sqrt of the mean over images of the squared Frobenius norm of d outputs / d image."),
    "jacov": (
        "jacov", Facts(labels=False, cost=2, paper="arXiv 2006.04647 (first version)"),
        "Return -sum log(v + k) + 1/(v + k), v the eigenvalues of the input gradients' correlation, k = 1e-5."),
    "l2_norm": (
        "l2_norm", Facts(labels=False, cost=0, paper="arXiv 2101.08134", batch_norm="not run", min_images=1),
        "Return the sum over convolutions and linear layers of the L2 norm of the weight."),
    "meco": (
        "meco", Facts(labels=False, cost=0.1, paper="NeurIPS 2023, openreview KFm2lZiI7n", min_images=1),
        "Return the sum over modules of the smallest eigenvalue of their channels' Pearson matrix."),
    "near": (
        "near", Facts(labels=False, cost=1.5, paper="arXiv 2408.08776"),
        "Return the sum of effective ranks of pre-activations (layer outputs) and activations."),
    "nwot": (
        "nwot", Facts(labels=False, cost=1, paper="arXiv 2006.04647 (second version)"),
        "Return log |det K|, K the number of units on which two images agree."),
    "params": (
        "params", Facts(labels=False, cost=0, paper="baseline, arXiv 2210.03230", batch_norm="not run", min_images=1),
        "Return the trainable parameters in millions."),
    "phi": (
        "phi", Facts(labels=False, cost=2, paper="arXiv 2102.01063, arXiv 2507.08841", batch_norm="reset"),
        "Return the log of the mean L1 change of the last feature map under noise of size 0.01, Gaussian weights."),
    "plain": (
        "plain", Facts(labels=True, cost=3, paper="arXiv 2101.08134", direction="lower"),
        "Return the sum of w dL/dw over convolutions and linear layers; the benchmarks find less of it to be better."),
    "rcor": (
        "rcor", Facts(labels=True, cost=4, paper="arXiv 2507.08841", options=RESPONSES),
        "Return log |det sum |C|| over the correlations of activation inputs and of their gradients (Eq. 8-9)."),
    "snip": (
        "snip", Facts(labels=True, cost=3, paper="arXiv 1810.02340"),
        "Return the sum of |w dL/dw|: the gradient through a multiplicative mask of ones."),
    "swap": (
        "swap", Facts(labels=False, cost=1.3, paper="arXiv 2403.04161"),
        "Return the number of distinct patterns over the batch, without the published regularisation by size."),
    "synflow": (
        "synflow", Facts(labels=False, cost=0.5, paper="arXiv 2006.05467", batch_norm="off", min_images=1),
        "Return log sum |w dR/dw| with absolute weights, an input of ones, R the summed output; double precision."),
    "wrcor": (
        "wrcor", Facts(labels=True, cost=4, paper="arXiv 2507.08841", options=RESPONSES),
        "Return log |det sum 2^l |C||, l the block from the bottom (Eq. 10-11)."),
    "zen": (
        "zen", Facts(labels=False, cost=2, paper="arXiv 2102.01063", batch_norm="reset"),
        "Return phi plus the sum over batch norms of log sqrt(mean running variance) after the two passes."),
    "zico": (
        "zico", Facts(labels=True, cost=3, paper="arXiv 2301.11300", options=("accumulated",), min_images=4),
        "Return sum over layers of log sum over weights of mean |g| / std g, over the two halves of the batch."),
}
FACTS = {name: facts for name, (_, facts, _) in _TABLE.items()}

proxies: Registry[Proxy] = Registry("proxy", {name: (f"{__package__}.{module}:{name}", text)
                                              for name, (module, _, text) in _TABLE.items()})


def facts_of(name: str) -> Facts:
    """Return what is known about a proxy; raises `UserError` with the nearest known name."""
    return FACTS[name] if name in FACTS else proxies[name]


def list_proxies() -> list[str]:
    """Return the names of all proxies."""
    return sorted(proxies)
