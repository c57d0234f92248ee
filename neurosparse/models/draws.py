"""Weights and delays drawn per synapse."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosparse.network.synapses import MAX_DELAY

__all__ = ["NormalDelays", "NormalWeights"]


@dataclass(frozen=True)
class NormalWeights:
    """Normally distributed weights, drawn anew where they would change sign.

    Parameters
    ----------
    mean : float
        Sign and mean.
    rel_sd : float [1]
        Standard deviation relative to the mean, before the redrawing.
    """

    mean: float
    rel_sd: float

    def __call__(self, rng: np.random.Generator, n: int) -> NDArray[np.float32]:
        """Draw ``n`` weights."""
        low, high = (0.0, math.inf) if self.mean > 0 else (-math.inf, 0.0)
        return _draw_within(rng, n, self.mean, abs(self.mean) * self.rel_sd, low, high)


@dataclass(frozen=True)
class NormalDelays:
    """Normally distributed delays, rounded to steps, drawn anew below one step.

    Parameters
    ----------
    mean : float [steps]
        Mean before the redrawing, well within 1 to 255.
    rel_sd : float [1]
        Standard deviation relative to the mean.
    added : int [steps]
        Added to every delay after rounding.
    """

    mean: float
    rel_sd: float
    added: int = 0

    def __call__(self, rng: np.random.Generator, n: int) -> NDArray[np.uint8]:
        """Draw ``n`` delays."""
        # half a step rounds to one; NEST's example redraws at the same point
        longest = MAX_DELAY - self.added
        delays = _draw_within(rng, n, self.mean, self.rel_sd * self.mean, 0.5, longest)
        delays += np.float32(0.5 + self.added)  # cutting off then rounds to the nearest
        return delays.astype(np.uint8)


def _draw_within(
    rng: np.random.Generator, n: int, mean: float, sd: float, low: float, high: float
) -> NDArray[np.float32]:
    def draw(n: int) -> NDArray[np.float32]:
        values = rng.standard_normal(n, dtype=np.float32)
        values *= np.float32(sd)
        values += np.float32(mean)
        return values

    values = draw(n)
    outside = np.flatnonzero((values < low) | (values > high))
    while outside.size:
        values[outside] = again = draw(outside.size)
        outside = outside[(again < low) | (again > high)]
    return values
