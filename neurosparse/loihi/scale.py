"""The one factor that turns a population's float units into integer weight units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import LIF, Population, Projection, SynapseFormat
from neurosparse.network.fixed_point import BIAS_EXP_MAX, BIAS_MANT_MAX, BIAS_MANT_MIN, VTH_MAX

__all__ = ["U_LIMIT", "choose_scale", "worst_current"]

U_LIMIT = 1 << 23  # u wraps beyond, at 24 bits with sign
_WEIGHT_SHIFT = 6  # Lava's act_shift: one weight unit is 64 units of u and v
_VTH_WITHOUT_WEIGHTS = 4096  # our choice: 1/4096 resolution, room for currents of 32 vth


def choose_scale(
    population: Population,
    incoming: Sequence[Projection],
    formats: Mapping[str, SynapseFormat],
    *,
    keep_small: bool,
) -> float | None:
    """Return the largest scale with which everything about a population of LIF neurons fits.

    Parameters
    ----------
    population : Population
        Of LIF neurons with ``du`` of at least 1/4096.
    incoming : sequence of Projection
        All projections onto it.
    formats : mapping of str to SynapseFormat
        By projection.
    keep_small : bool
        As in `quantise`.

    Returns
    -------
    float or None
        Integer weight units per float weight unit, > 0; None if ``u`` can leave its 24 bits even
        with every weight at its smallest.
    """
    neuron = population.neuron
    if not isinstance(neuron, LIF):  # quantise skips sources
        raise TypeError(f"population: got {neuron!r}; expected LIF")
    vth = float(np.max(neuron.vth))
    bias_low, bias_high = float(np.min(neuron.bias)), float(np.max(neuron.bias))
    weights = [(p.synapses.weights.astype(np.float64), formats[p.name].grid) for p in incoming]
    scale = min((grid.largest_scale(values) for values, grid in weights), default=np.inf)
    if scale == np.inf:
        scale = _VTH_WITHOUT_WEIGHTS / vth
    scale = min(scale, VTH_MAX / vth)
    per_unit = (1 << _WEIGHT_SHIFT) / 2**BIAS_EXP_MAX
    if bias_high > 0:
        scale = min(scale, BIAS_MANT_MAX / (bias_high * per_unit))
    if bias_low < 0:
        scale = min(scale, BIAS_MANT_MIN / (bias_low * per_unit))
    du = int(np.rint(4096 * neuron.decays_u[0])) - 1
    # rounding may push the bound up a little: come down until the integers themselves fit
    while True:
        rounded = [grid.round(values * scale, keep_small=keep_small) for values, grid in weights]
        worst = worst_current(population.size, incoming, rounded, du)
        if worst < U_LIMIT:
            return float(scale)
        at_least = zip(rounded, weights, strict=True)
        if all((np.abs(values) <= grid.step).all() for values, (_, grid) in at_least):
            return None
        scale *= min(0.999, U_LIMIT / worst)


def worst_current(
    size: int, incoming: Sequence[Projection], weights: Sequence[NDArray[Any]], du: int
) -> float:
    """Return the largest ``|u|`` that can ever occur, in Lava's units of u.

    If every neuron with a weight of one sign spikes in every step, ``u`` approaches the sum of
    these weights, times 64, divided by the decay ``(du + 1) / 4096``.
    """
    excited, inhibited = np.zeros(size), np.zeros(size)
    for projection, values in zip(incoming, weights, strict=True):
        post = projection.synapses.post
        excited += np.bincount(post, np.maximum(values, 0), minlength=size)
        inhibited -= np.bincount(post, np.minimum(values, 0), minlength=size)
    most = max(excited.max(initial=0.0), inhibited.max(initial=0.0))
    return float(most * (1 << _WEIGHT_SHIFT) * 4096 / (du + 1))
