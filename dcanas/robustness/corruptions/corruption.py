"""The common corruptions by name, and what they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dcanas.basics.registry import Registry

corruptions: Registry[Callable[..., Any]] = Registry("corruption", {
    "defocus_blur": ("dcanas.robustness.corruptions.blur:defocus_blur", "Convolve with a disc whose edge is softened."),
    "glass_blur": ("dcanas.robustness.corruptions.blur:glass_blur",
                   "Blur, let each pixel show one of its neighbours, blur again: frosted glass."),
    "motion_blur": ("dcanas.robustness.corruptions.blur:motion_blur",
                    "Smear along a direction within 45 degrees of the horizontal, fading."),
    "zoom_blur": ("dcanas.robustness.corruptions.blur:zoom_blur",
                  "Average the image with itself enlarged in steps of 1 %: motion towards the object."),
    "contrast": ("dcanas.robustness.corruptions.digital:contrast", "Move every value towards the channel's mean."),
    "elastic_transform": ("dcanas.robustness.corruptions.digital:elastic_transform",
                          "Shift three points at random (an affine map), then every pixel by a smooth random field."),
    "pixelate": ("dcanas.robustness.corruptions.digital:pixelate",
                 "Shrink and enlarge again, by the mean of what a pixel covers."),
    "jpeg_compression": ("dcanas.robustness.corruptions.digital:jpeg_compression",
                         "Store as JPEG of low quality and read again."),
    "gaussian_noise": ("dcanas.robustness.corruptions.noise:gaussian_noise", "Add normal noise: low light."),
    "shot_noise": ("dcanas.robustness.corruptions.noise:shot_noise",
                   "Count photons: Poisson noise at a number of photons for white."),
    "impulse_noise": ("dcanas.robustness.corruptions.noise:impulse_noise",
                      "Set a share of the values to 0 or 1: bit errors."),
    "snow": ("dcanas.robustness.corruptions.weather:snow", "Let flakes fall in two directions over a paler image."),
    "frost": ("dcanas.robustness.corruptions.weather:frost", "Lay ice over the image."),
    "fog": ("dcanas.robustness.corruptions.weather:fog",
            "Add a fractal haze and scale the whole back to the image's brightest value."),
    "brightness": ("dcanas.robustness.corruptions.weather:brightness",
                   "Raise the value of HSV; hue and saturation stay, which scales a pixel's colours together."),
})

_SIDE = 32  # pixels of the images that the published parameters were chosen for


def pixels(height: int, width: int) -> float:
    """Return the factor by which the published lengths grow: in proportion above 32 pixels, never below 1."""
    return max(min(height, width) / _SIDE, 1.0)
