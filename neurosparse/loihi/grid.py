"""The integers that a weight can be in Lava's fixed-point synapses.

Lava clips 8-bit weights to a range and then cuts low bits off, depending on the sign mode
(lava-nc 0.10.0, ``lava.utils.weightutils``). Weights that already lie on the resulting grid pass
unchanged, so the export puts them there itself, by rounding to nearest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["GRIDS", "Grid", "SignMode", "choose_sign_mode"]

SignMode = Literal["mixed", "excitatory", "inhibitory"]


class Grid(NamedTuple):
    """Multiples of ``step`` from ``low`` to ``high``."""

    low: int
    high: int
    step: int

    def largest_scale(self, weights: NDArray[Any]) -> float:
        """Return the largest factor that keeps ``weights`` within the grid's range."""
        largest, least = float(weights.max(initial=0)), float(weights.min(initial=0))
        scale = np.inf
        if largest > 0:
            scale = min(scale, self.high / largest)
        if least < 0:
            scale = min(scale, self.low / least)
        return scale

    def round(self, values: NDArray[Any], *, keep_small: bool = False) -> NDArray[np.int16]:
        """Round to the nearest grid point; ``keep_small`` lets nothing but 0 become 0."""
        points: NDArray[Any] = np.rint(np.asarray(values, dtype=np.float64) / self.step) * self.step
        if keep_small:
            points = np.where(points == 0, np.sign(values) * self.step, points)
        points = np.clip(points, self.low, self.high)
        return points.astype(np.int16)

    def holds(self, weights: NDArray[Any]) -> bool:
        """Whether every weight is a grid point."""
        inside = (weights >= self.low) & (weights <= self.high) & (weights % self.step == 0)
        return bool(inside.all())


GRIDS: dict[SignMode, Grid] = {
    "mixed": Grid(-256, 254, 2),  # the sign costs the lowest bit
    "excitatory": Grid(0, 255, 1),
    "inhibitory": Grid(-255, 0, 1),
}


def choose_sign_mode(
    weights: NDArray[Any], among: Iterable[SignMode] = ("mixed", "excitatory", "inhibitory")
) -> SignMode | None:
    """Return the first sign mode whose grid holds the integer ``weights``, or None."""
    return next((mode for mode in among if GRIDS[mode].holds(weights)), None)
