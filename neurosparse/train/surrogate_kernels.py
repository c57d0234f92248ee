"""Derivatives that stand in for that of a spike, on lanes (numba).

Oracle: ``neurosparse.train.surrogate`` (torch).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from neurosparse.jit import kernel_inlined
from neurosparse.lanes import above, absolute, spread, where

# what the tape holds is the derivative itself, of a surrogate that is not ours
GIVEN, FAST_SIGMOID, ATAN, TRIANGLE, BOXCAR = range(5)


class Slope(NamedTuple):
    """A derivative: its kind, its height at threshold, and how fast it falls with ``|v - vth|``."""

    kind: int
    height: Any
    scale: Any


@kernel_inlined
def slope_at(slope, x, word):
    """Return ``ds/dv`` at ``x = v - vth`` (lanes, as many as ``word`` has bits)."""
    if slope.kind == GIVEN:
        return x
    height = spread(slope.height, word)
    one = height / height
    scaled = absolute(x) * slope.scale
    if slope.kind == ATAN:
        return height / (scaled * scaled + one)
    if slope.kind == FAST_SIGMOID:
        return height / ((scaled + one) * (scaled + one))
    inside = above(one, scaled)
    if slope.kind == TRIANGLE:
        return where(inside, (one - scaled) * height, one - one)
    return where(inside, height, one - one)
