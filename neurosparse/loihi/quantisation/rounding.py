"""A float network in integers: population by population, every synapse in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ExportLimitError, ParameterError
from neurosparse.loihi.quantisation.scale import (
    WEIGHT_SHIFT,
    Incoming,
    ScaleRule,
    choose_scale,
    decay_of_u,
    reach,
)
from neurosparse.loihi.quantisation.violations import quantisable_violations
from neurosparse.network import (
    LIF,
    FixedPointLIF,
    Network,
    Population,
    Projection,
    SynapseFormat,
)
from neurosparse.network.fixed_point import BIAS_EXP_MAX, BIAS_MANT_MAX, BIAS_MANT_MIN, DECAY_MAX
from neurosparse.network.synapse_format import WEIGHT_EXP_MIN

__all__ = ["Rounded", "dequantise", "round_network"]


class Rounded(NamedTuple):
    """Integers for everything in a float network.

    Parameters
    ----------
    scales : dict of str to float
        By population of neurons: integer weight units per float weight unit.
    neurons : dict of str to FixedPointLIF
        By population of neurons.
    weights : dict of str to (n_active,) int16
        By projection, aligned with its synapses; 0 where a weight rounds to nothing.
    formats : dict of str to SynapseFormat
        By projection, exponents included.
    """

    scales: dict[str, float]
    neurons: dict[str, FixedPointLIF]
    weights: dict[str, NDArray[np.int16]]
    formats: dict[str, SynapseFormat]


def round_network(
    network: Network,
    formats: Mapping[str, SynapseFormat],
    *,
    rule: ScaleRule,
    percentile: float,
    keep_small: bool,
) -> Rounded:
    """Choose scales and exponents, and round; see `neurosparse.loihi.quantise`.

    Parameters
    ----------
    network : Network
        Float network.
    formats : mapping of str to SynapseFormat
        By projection, with exponents of 0.
    rule, percentile, keep_small
        As ``scale`` and the others of `neurosparse.loihi.quantise`.

    Returns
    -------
    Rounded

    Raises
    ------
    ParameterError
        If the network holds integers already.
    TopologyError
        If several synapses connect one pair.
    ExportLimitError
        With every violation.
    """
    if network.is_integer:
        raise ParameterError(
            "network: holds integers already; write_bundle takes it as it is, quantise takes a "
            "float network"
        )
    for projection in network.projections:
        projection.synapses.require_unique_pairs(f"projection {projection.name!r}")
    violations = quantisable_violations(network, formats)
    if violations:  # scales mean nothing before this is mended
        raise ExportLimitError(violations)
    rounded = Rounded({}, {}, {}, dict(formats))
    for name, population in network.populations.items():
        neuron = population.neuron
        if not isinstance(neuron, LIF):
            continue
        projections = [p for p in network.projections if p.target == name]
        incoming = [_incoming(p, formats[p.name], percentile) for p in projections]
        scale = choose_scale(neuron, population.size, incoming, rule=rule, keep_small=keep_small)
        if scale is None:
            violations.append(
                f"population {name!r}: u can leave its 24 bits even with the smallest weights; "
                "raise du, lower the fan-in, or let small weights go (keep_small=False)"
            )
            continue
        rounded.scales[name] = scale.factor
        integer = rounded.neurons[name] = _integer_neuron(neuron, scale.factor)
        if np.any(np.asarray(integer.vth) < 1):
            violations.append(
                f"population {name!r}: vth={np.min(neuron.vth):g} rounds to 0 at scale "
                f"{scale.factor:.3g}, which the weights, the bias or the range of u demand; raise "
                "vth or lower the largest weight"
            )
        for p, weights, exponent in zip(projections, scale.weights, scale.exponents, strict=True):
            rounded.weights[p.name] = weights
            rounded.formats[p.name] = replace(formats[p.name], weight_exp=exponent)
    if violations:
        raise ExportLimitError(violations)
    return rounded


def dequantise(network: Network, rounded: Rounded) -> Network:
    """Return a float network whose every number is what the integers stand for.

    Parameters
    ----------
    network : Network
        The float network that was rounded.
    rounded : Rounded
        Its integers.

    Returns
    -------
    Network
        The same synapses (some may weigh 0), in the float dtypes of ``network``. Thresholds lie
        half a unit of ``v`` above the integer ones: integers spike from one unit above on, and
        the rounding of float sums is to change nothing about that.
    """
    populations = dict(network.populations)
    for name, neuron in rounded.neurons.items():
        float_neuron = _float_neuron(neuron, rounded.scales[name])
        populations[name] = Population(populations[name].size, float_neuron)
    projections = []
    for p in network.projections:
        worth = 2.0 ** rounded.formats[p.name].weight_exp / rounded.scales[p.target]
        weights = (rounded.weights[p.name] * worth).astype(p.synapses.dtype)
        projections.append(replace(p, synapses=p.synapses.with_weights(weights)))
    return Network(populations, projections, inputs=network.inputs, outputs=network.outputs)


def _incoming(projection: Projection, stored: SynapseFormat, percentile: float) -> Incoming:
    weights = projection.synapses.weights.astype(np.float64)
    grid = stored.grid
    # shifting loses nothing but bits that are 0: those of the grid's step and, where u takes each
    # synapse by itself, the bits that u has below a weight unit
    spare = grid.step.bit_length() - 1 + (WEIGHT_SHIFT if stored.shift == "synapse" else 0)
    return Incoming(
        projection.synapses.post,
        weights,
        grid,
        reach(weights, grid, percentile),
        max(WEIGHT_EXP_MIN, -spare),
    )


def _integer_neuron(neuron: LIF, scale: float) -> FixedPointLIF:
    bias = np.asarray(neuron.bias) * scale * (1 << WEIGHT_SHIFT)
    mantissa, exponent = bias, 0
    for exponent in range(BIAS_EXP_MAX + 1):
        mantissa = np.rint(bias / 2**exponent)
        if mantissa.min() >= BIAS_MANT_MIN and mantissa.max() <= BIAS_MANT_MAX:
            break
    return FixedPointLIF(
        du=decay_of_u(neuron),
        dv=min(int(np.rint(4096 * np.float64(neuron.dv))), DECAY_MAX),
        vth=np.rint(np.asarray(neuron.vth) * scale).astype(np.int64),
        bias_mant=mantissa.astype(np.int64),
        bias_exp=exponent,
        refractory=neuron.refractory,
    )


def _float_neuron(neuron: FixedPointLIF, scale: float) -> LIF:
    unit = 1 << WEIGHT_SHIFT
    bias: Any = np.asarray(neuron.bias_mant) * 2.0**neuron.bias_exp
    return LIF(
        du=(neuron.du + 1) / 4096,
        dv=neuron.dv / 4096,
        vth=(np.asarray(neuron.vth) + 0.5 / unit) / scale,
        bias=bias / (unit * scale),
        refractory=neuron.refractory,
    )
