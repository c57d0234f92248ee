"""From float parameters to the integers of Lava's fixed-point models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, TopologyError
from neurosparse.loihi.quantisation import IntegerGrid, Quantisation, SignModeRequest
from neurosparse.loihi.quantisation.scale import U_LIMIT, ScaleRule
from neurosparse.network import Network
from neurosparse.network.checks import check_finite
from neurosparse.network.synapse_format import Shift

__all__ = ["MAX_CURRENT", "Quantisation", "quantise", "scale_currents"]

# Lava shifts what arrives by 6 bits and wraps u at 2^23 once: beyond this a step may wrap
MAX_CURRENT = U_LIMIT >> 6


def quantise(
    network: Network,
    *,
    sign_mode: SignModeRequest | Mapping[str, SignModeRequest] = "mixed",
    num_weight_bits: int | Mapping[str, int] = 8,
    scale: ScaleRule = "population",
    percentile: float = 100.0,
    keep_small: bool = False,
    shift: Shift = "sum",
) -> Quantisation:
    """Turn a float network into its integer twin for Lava's ``fixed_pt`` models.

    Every population has one scale ``c``, and every projection an exponent ``e``. They are chosen so
    that the weights fit the weight grid, threshold and bias fit their registers, and the current
    ``u`` cannot leave its 24 bits even if every presynaptic neuron spikes in every step. Then,
    rounding to nearest::

        weights   w c / 2^e     to the grid of the sign mode and number of bits
        vth       vth c
        bias      bias c 64 = mantissa 2^exponent, with the least exponent that fits
        du        4096 du - 1
        dv        4096 dv, at most 4095

    Delays and refractory periods stay as they are.

    Parameters
    ----------
    network : Network
        Float network.
    sign_mode : {"mixed", "excitatory", "inhibitory", "auto"} or mapping of str to these
        For all projections, or by name of the projection (those not named are mixed). Of 8 bits,
        mixed weights are even numbers in [-256, 254], excitatory ones 0 to 255, inhibitory ones
        -255 to 0; "auto" takes the sign mode that the signs of the weights allow.
    num_weight_bits : int or mapping of str to int
        1 to 8, for all projections or by name (those not named have 8). Each bit less doubles the
        step of the grid.
    scale : {"population", "projection"}
        "population": all exponents are 0 and ``c`` is the largest scale that fits. "projection":
        each projection has an exponent, so that small weights beside large ones keep their
        resolution; ``c`` is the scale that gives the least mean of the projections' relative rms
        errors.
    percentile : float
        ``0 < value <= 100``: the grid ends where this percentile of a projection's ``|w|`` (zeros
        left out) is. Weights beyond are clipped and counted; the others get a finer grid.
    keep_small : bool
        Raise weights that would round to zero to the smallest grid value of their sign, so that
        no synapse is lost. By default those synapses are removed and counted.
    shift : {"sum", "synapse"}
        How negative exponents are carried out, see `SynapseFormat`. Those that are chosen lose
        nothing either way: with "sum" (Lava) they reach down to the bits that the grid leaves 0,
        with "synapse" (the chip) 6 bits further, which Lava cannot run.

    Returns
    -------
    Quantisation

    Raises
    ------
    ExportLimitError
        With every violation: several receptors, reset by subtraction, ``v_reset`` other than 0,
        ``dv`` per neuron, ``du`` below 1/8192, refractory periods beyond 62 and delays beyond 63
        steps, signs that contradict the sign mode, thresholds that round to 0, ``u`` that can
        leave its 24 bits.
    ParameterError, TopologyError
        If the network holds integers already, several synapses connect one pair, or an option is
        out of range or names no projection.

    Notes
    -----
    The common scale keeps ratios of weights, threshold and bias, so spikes differ from the float
    network only by rounding. A population without incoming synapses gets a threshold of 4096.
    Exponents of 0 and above are exact in Lava too.

    References
    ----------
    nengo-loihi, ``nengo_loihi/discretize.py`` (a scale per block and exponents by search).

    Examples
    --------
    >>> from neurosparse import LIF, Population, Projection, Synapses
    >>> synapses = Synapses.from_edges([0, 1], [0, 0], np.array([0.5, -0.25]), n_pre=2, n_post=1)
    >>> net = Network(
    ...     {"in": Population(2), "out": Population(1, LIF(vth=0.5))},
    ...     [Projection("in", "out", synapses)],
    ... )
    >>> q = quantise(net)
    >>> q.network.projections[0].synapses.weights.tolist(), q.network.populations["out"].neuron.vth
    ([254, -128], 254)
    """
    grid = IntegerGrid(sign_mode, num_weight_bits, scale, percentile, keep_small, shift)
    return grid.quantise(network)


def scale_currents(
    quantisation: Quantisation, currents: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[np.int64]]:
    """Scale float input currents to the integers of the quantised network.

    Parameters
    ----------
    quantisation : Quantisation
        Gives the scale of every population.
    currents : mapping of str to (..., size) float
        Currents of populations of neurons, in the unit of their float weights.

    Returns
    -------
    dict of str to (..., size) int64
        Rounded to nearest.

    Raises
    ------
    TopologyError
        If a name is no population of neurons.
    ParameterError
        If a current is not finite or leaves what ``u`` can hold.
    """
    scaled = {}
    for name, values in currents.items():
        if name not in quantisation.scales:
            known = ", ".join(map(repr, quantisation.scales))
            raise TopologyError(
                f"currents: {name!r} is no population of neurons; there are {known}"
            )
        array = np.asarray(values, dtype=np.float64)
        check_finite(f"currents[{name!r}]", array)
        whole = np.rint(array * quantisation.scales[name])
        largest = float(np.abs(whole).max(initial=0.0))
        if largest > MAX_CURRENT:
            raise ParameterError(
                f"currents[{name!r}]: {np.abs(array).max():g} becomes {largest:g} at scale "
                f"{quantisation.scales[name]:.3g}; allowed is {MAX_CURRENT} (24-bit u); scale the "
                "currents down, or the threshold with them"
            )
        scaled[name] = whole.astype(np.int64)
    return scaled
