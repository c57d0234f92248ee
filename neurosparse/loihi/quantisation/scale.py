"""The factor that turns a population's float units into integer weight units, and exponents."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import LIF, Grid
from neurosparse.network.fixed_point import BIAS_EXP_MAX, BIAS_MANT_MAX, BIAS_MANT_MIN, VTH_MAX
from neurosparse.network.synapse_format import WEIGHT_EXP_MAX

__all__ = ["U_LIMIT", "Incoming", "Scale", "ScaleRule", "choose_scale", "decay_of_u", "reach"]

ScaleRule = Literal["population", "projection"]

U_LIMIT = 1 << 23  # u wraps beyond, at 24 bits with sign
WEIGHT_SHIFT = 6  # Lava's act_shift: one weight unit is 64 units of u and v
_VTH_WITHOUT_WEIGHTS = 4096  # our choice: 1/4096 resolution, room for currents of 32 vth
# our choice, where exponents free the scale from the weights: a threshold to within 0.025 %, and
# room for v of 64 vth below zero
_VTH_WITH_EXPONENTS = 2047


class Incoming(NamedTuple):
    """What the choice of a scale has to know of a projection.

    Parameters
    ----------
    post : (n_active,) int
        Postsynaptic neuron of every synapse.
    weights : (n_active,) float64
        In float units.
    grid : Grid
        Where they are to lie.
    reach : float
        Largest scale that the weights allow without an exponent; infinite if all are 0.
    least_exponent : int
        Lowest exponent that loses nothing.
    """

    post: NDArray[Any]
    weights: NDArray[np.float64]
    grid: Grid
    reach: float
    least_exponent: int

    def exponent_at(self, scale: float) -> int:
        """Return the least exponent with which the weights fit the grid."""
        needed = math.ceil(math.log2(scale / self.reach)) if self.reach < np.inf else 0
        return min(max(needed, self.least_exponent), WEIGHT_EXP_MAX)

    def rounded(self, scale: float, exponent: int, *, keep_small: bool) -> NDArray[np.int16]:
        """Return the integer weights."""
        exact = self.weights * (scale / 2.0**exponent)
        return self.grid.round(exact, keep_small=keep_small)

    def error(self, scale: float, exponent: int, rounded: NDArray[np.int16]) -> float:
        """Return the rms of the rounding errors, relative to the rms of the weights.

        What is clipped, as a percentile asks for, counts as the end of the grid.
        """
        exact = self.weights * (scale / 2.0**exponent)
        exact = np.clip(exact, self.grid.low, self.grid.high)
        power = float(np.square(exact).sum())
        return math.sqrt(float(np.square(exact - rounded).sum()) / power) if power else 0.0


class Scale(NamedTuple):
    """Integer weight units per float weight unit, and what each projection's weights are worth.

    Parameters
    ----------
    factor : float
        > 0; a float weight ``w`` adds about ``w * factor`` weight units.
    exponents : list of int
        By projection: its integers count ``2^exponent`` units each.
    weights : list of (n_active,) int16
        By projection, on its grid.
    """

    factor: float
    exponents: list[int]
    weights: list[NDArray[np.int16]]


def reach(weights: NDArray[np.float64], grid: Grid, percentile: float) -> float:
    """Return the largest scale that keeps weights up to a percentile of ``|w|`` within the grid.

    The percentile is the least of the weights that are not 0 with at least that share below or at
    it, never a value between two.
    """
    if percentile < 100 and weights.any():
        magnitudes = np.abs(weights[weights != 0])
        largest = float(np.percentile(magnitudes, percentile, method="inverted_cdf"))
        weights = np.clip(weights, -largest, largest)
    return grid.largest_scale(weights)


def choose_scale(
    neuron: LIF, size: int, incoming: Sequence[Incoming], *, rule: ScaleRule, keep_small: bool
) -> Scale | None:
    """Return the scale of a population with which everything about it fits.

    Parameters
    ----------
    neuron : LIF
        With ``du`` of at least 1/8192.
    size : int
        Of the population.
    incoming : sequence of Incoming
        All projections onto it.
    rule : {"population", "projection"}
        Without exponents, the largest scale that fits; or with an exponent per projection, the one
        with the least rounding errors.
    keep_small : bool
        Raise weights that would round to 0.

    Returns
    -------
    Scale or None
        None if ``u`` can leave its 24 bits even with every weight at its smallest.

    Notes
    -----
    With exponents, twice the scale and one more in every exponent give the same integers, but finer
    thresholds. So of the scales at which some projection fills its grid only the largest are worth
    a look: the last that fits by the exact weights, and the one before, in case that rounding makes
    ``u`` too large.
    """
    limit = _register_limit(neuron)
    reaches = [each.reach for each in incoming if each.reach < np.inf]
    du = decay_of_u(neuron)
    if not reaches:
        factor = min(_VTH_WITHOUT_WEIGHTS / float(np.max(neuron.vth)), limit)
        zeros = [np.zeros(each.weights.size, dtype=np.int16) for each in incoming]
        return Scale(factor, [0] * len(incoming), zeros)
    if rule == "population":
        factor = min(*reaches, limit)
        return _come_down(factor, size, incoming, du, exponents=False, keep_small=keep_small)
    fine = max(_VTH_WITH_EXPONENTS / float(np.max(neuron.vth)), *reaches)
    most = min(fine, limit, min(reaches) * 2.0**WEIGHT_EXP_MAX)
    worst = _worst_current(size, incoming, [each.weights for each in incoming], du)
    most = min(most, U_LIMIT / worst)
    if not most > 0:  # weights so large that no scale is left
        return None
    factors = {most}
    for own in reaches:
        last = own * 2.0 ** math.floor(math.log2(most / own))
        factors |= {last, last / 2}
    found = [
        scale
        for factor in sorted(factors)
        if (scale := _come_down(factor, size, incoming, du, exponents=True, keep_small=keep_small))
    ]
    return min(found, key=lambda scale: (_error(incoming, scale), -scale.factor), default=None)


def decay_of_u(neuron: LIF) -> int:
    """Return ``du`` of the integer neuron, 0 to 4095."""
    return int(np.rint(4096 * neuron.decays_u[0])) - 1


def _register_limit(neuron: LIF) -> float:
    """Return the largest scale with which threshold and bias fit their registers."""
    limit = VTH_MAX / float(np.max(neuron.vth))
    bias_low, bias_high = float(np.min(neuron.bias)), float(np.max(neuron.bias))
    per_unit = (1 << WEIGHT_SHIFT) / 2**BIAS_EXP_MAX
    if bias_high > 0:
        limit = min(limit, BIAS_MANT_MAX / (bias_high * per_unit))
    if bias_low < 0:
        limit = min(limit, BIAS_MANT_MIN / (bias_low * per_unit))
    return limit


def _come_down(
    factor: float,
    size: int,
    incoming: Sequence[Incoming],
    du: int,
    *,
    exponents: bool,
    keep_small: bool,
) -> Scale | None:
    """Lower a scale until ``u`` cannot wrap; rounding may push its bound up a little."""
    while True:
        own = [each.exponent_at(factor) if exponents else 0 for each in incoming]
        rounded = [
            each.rounded(factor, exponent, keep_small=keep_small)
            for each, exponent in zip(incoming, own, strict=True)
        ]
        worth = [w * 2.0**exponent for w, exponent in zip(rounded, own, strict=True)]
        worst = _worst_current(size, incoming, worth, du)
        if worst < U_LIMIT:
            return Scale(factor, own, rounded)
        if all(
            exponent == (each.least_exponent if exponents else 0)
            and (np.abs(weights) <= each.grid.step).all()
            for each, exponent, weights in zip(incoming, own, rounded, strict=True)
        ):
            return None
        factor *= min(0.999, U_LIMIT / worst)


def _worst_current(
    size: int, incoming: Sequence[Incoming], weights: Iterable[NDArray[Any]], du: int
) -> float:
    """Return the largest ``|u|`` that can ever occur, in Lava's units of u.

    If every neuron with a weight of one sign spikes in every step, ``u`` approaches the sum of
    these weights, times 64, divided by the decay ``(du + 1) / 4096``.
    """
    excited, inhibited = np.zeros(size), np.zeros(size)
    for each, values in zip(incoming, weights, strict=True):
        excited += np.bincount(each.post, np.maximum(values, 0), minlength=size)
        inhibited -= np.bincount(each.post, np.minimum(values, 0), minlength=size)
    most = max(excited.max(initial=0.0), inhibited.max(initial=0.0))
    return float(most * (1 << WEIGHT_SHIFT) * 4096 / (du + 1))


def _error(incoming: Sequence[Incoming], scale: Scale) -> float:
    """Return the mean relative rms error of the projections, to 12 digits: ties are to be ties."""
    errors = [
        each.error(scale.factor, exponent, rounded)
        for each, exponent, rounded in zip(incoming, scale.exponents, scale.weights, strict=True)
    ]
    return round(float(np.mean(errors)), 12)
