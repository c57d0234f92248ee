"""From float parameters to the integers of Lava's fixed-point models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ExportLimitError, ParameterError, TopologyError
from neurosparse.loihi.limits import refuse_multapses, structural_violations
from neurosparse.loihi.scale import U_LIMIT, choose_scale
from neurosparse.network import (
    LIF,
    FixedPointLIF,
    Network,
    Population,
    Projection,
    SignMode,
    SynapseFormat,
    Synapses,
)
from neurosparse.network.checks import check_finite
from neurosparse.network.fixed_point import BIAS_EXP_MAX, BIAS_MANT_MAX, BIAS_MANT_MIN, DECAY_MAX

__all__ = ["MAX_CURRENT", "Quantisation", "SignModeRequest", "quantise", "scale_currents"]

SignModeRequest = Literal["mixed", "excitatory", "inhibitory", "auto"]

# Lava shifts what arrives by 6 bits and wraps u at 2^23 once: beyond this a step may wrap
MAX_CURRENT = U_LIMIT >> 6


@dataclass(frozen=True)
class Quantisation:
    """An integer network and how it came about.

    Parameters
    ----------
    network : Network
        Integer twin: FixedPointLIF populations and int16 weights on Lava's grid.
    scales : dict of str to float
        By population of neurons: integer weight units per float weight unit, the one factor of
        its weights, threshold, bias and input currents.
    pruned : dict of str to int
        By projection: synapses whose weight rounded to zero and that are gone.
    error : dict of str to float
        By projection: largest rounding error, in integer weight units (half a grid step at most,
        unless small weights were kept).
    """

    network: Network
    scales: dict[str, float]
    pruned: dict[str, int]
    error: dict[str, float]

    def __str__(self) -> str:
        lines = [f"{self.network!r}"]
        for name, scale in self.scales.items():
            neuron = self.network.populations[name].neuron
            if isinstance(neuron, FixedPointLIF):
                vth = np.unique(neuron.vth)
                lines.append(
                    f"  {name}: scale {scale:.6g}, du {neuron.du}, dv {neuron.dv}, vth "
                    f"{vth[0] if vth.size == 1 else f'{vth[0]} to {vth[-1]}'}, "
                    f"bias exponent {neuron.bias_exp}"
                )
        for projection in self.network.projections:
            name = projection.name
            signs = projection.format.sign_mode if projection.format else "unknown"
            lines.append(
                f"  {name}: {signs}, {projection.synapses.n_active} synapses, "
                f"{self.pruned[name]} rounded to zero, largest error {self.error[name]:.3g}"
            )
        return "\n".join(lines)


def quantise(
    network: Network,
    *,
    sign_mode: SignModeRequest | Mapping[str, SignModeRequest] = "mixed",
    keep_small: bool = False,
) -> Quantisation:
    """Turn a float network into its integer twin for Lava's ``fixed_pt`` models.

    Every population has one scale ``c``: the largest with which the weights of all projections
    onto it fit the weight grid, threshold and bias fit their registers, and the current ``u``
    cannot leave its 24 bits even if every presynaptic neuron spikes in every step. Then, rounding
    to nearest::

        weights   w c     to the grid of the sign mode
        vth       vth c
        bias      bias c 64 = mantissa 2^exponent, with the least exponent that fits
        du        4096 du - 1
        dv        4096 dv, at most 4095

    Parameters
    ----------
    network : Network
        Float network.
    sign_mode : {"mixed", "excitatory", "inhibitory", "auto"} or mapping of str to these
        For all projections, or by name of the projection (those not named are mixed). Mixed
        weights are even numbers in [-256, 254], excitatory ones 0 to 255, inhibitory ones -255
        to 0; "auto" takes the sign mode that the signs of the weights allow.
    keep_small : bool
        Raise weights that would round to zero to the smallest grid value of their sign, so that
        no synapse is lost. By default those synapses are removed and counted.

    Returns
    -------
    Quantisation

    Raises
    ------
    ExportLimitError
        With every violation: what Lava's processes lack (delays other than 1, several receptors,
        refractory periods, reset by subtraction, ``v_reset`` other than 0), ``dv`` per neuron,
        ``du`` below 1/8192, signs that contradict the sign mode, thresholds that round to 0.
    ParameterError, TopologyError
        If the network holds integers already, several synapses connect one pair, or a sign mode is
        unknown.

    Notes
    -----
    The common scale keeps ratios of weights, threshold and bias, so spikes differ from the float
    network only by rounding. A population without incoming synapses gets a threshold of 4096.

    Examples
    --------
    >>> import numpy as np
    >>> synapses = Synapses.from_edges([0, 1], [0, 0], np.array([0.5, -0.25]), n_pre=2, n_post=1)
    >>> net = Network(
    ...     {"in": Population(2), "out": Population(1, LIF(vth=0.5))},
    ...     [Projection("in", "out", synapses)],
    ... )
    >>> q = quantise(net)
    >>> q.network.projections[0].synapses.weights.tolist(), q.network.populations["out"].neuron.vth
    ([254, -128], 254)
    """
    if network.is_integer:
        raise ParameterError(
            "network: holds integers already; write_bundle takes it as it is, quantise takes a "
            "float network"
        )
    refuse_multapses(network)
    formats = _formats(network, sign_mode)
    violations = structural_violations(network)
    for projection in network.projections:
        violations.extend(_sign_violations(projection, formats[projection.name].sign_mode))
    structure = bool(violations)  # scales mean nothing before this is mended
    populations: dict[str, Population] = {}
    scales: dict[str, float] = {}
    for name, population in network.populations.items():
        if not isinstance(population.neuron, LIF):
            populations[name] = population
            continue
        own = _parameter_violations(name, population.neuron)
        violations.extend(own)
        if own or structure:
            continue
        incoming = [p for p in network.projections if p.target == name]
        scale = choose_scale(population, incoming, formats, keep_small=keep_small)
        if scale is None:
            violations.append(
                f"population {name!r}: u can leave its 24 bits even with the smallest weights; "
                "raise du, lower the fan-in, or let small weights go (keep_small=False)"
            )
            continue
        neuron = _integer_neuron(population.neuron, scale)
        if np.any(np.asarray(neuron.vth) < 1):
            violations.append(
                f"population {name!r}: vth={np.min(population.neuron.vth):g} rounds to 0 at scale "
                f"{scale:.3g}, which the weights, the bias or the range of u demand; raise vth or "
                "lower the largest weight"
            )
        populations[name] = Population(population.size, neuron)
        scales[name] = scale
    if violations:
        raise ExportLimitError(violations)
    projections, pruned, error = [], {}, {}
    for projection in network.projections:
        name, synapses = projection.name, projection.synapses
        exact = synapses.weights.astype(np.float64) * scales[projection.target]
        rounded = formats[name].grid.round(exact, keep_small=keep_small)
        kept = synapses.with_weights(rounded).without_zeros()
        pruned[name] = synapses.n_active - kept.n_active
        error[name] = float(np.abs(exact - rounded).max(initial=0.0))
        projections.append(replace(projection, synapses=kept, format=formats[name]))
    integer = Network(populations, projections, inputs=network.inputs, outputs=network.outputs)
    return Quantisation(integer, scales, pruned, error)


def scale_currents(
    quantisation: Quantisation, currents: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[np.int64]]:
    """Scale float input currents to the integers of the quantised network.

    Parameters
    ----------
    quantisation : Quantisation
        Gives the scale of every population.
    currents : mapping of str to (n_steps, size) float
        Currents of populations of neurons, in the unit of their float weights.

    Returns
    -------
    dict of str to (n_steps, size) int64
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


def _formats(
    network: Network, sign_mode: SignModeRequest | Mapping[str, SignModeRequest]
) -> dict[str, SynapseFormat]:
    given: Mapping[str, SignModeRequest]
    names = [projection.name for projection in network.projections]
    given = sign_mode if isinstance(sign_mode, Mapping) else dict.fromkeys(names, sign_mode)
    for name, mode in given.items():
        if name not in names:
            known = ", ".join(map(repr, names)) or "none"
            raise TopologyError(f"sign_mode: no projection {name!r}; there are {known}")
        if mode not in get_args(SignModeRequest):
            raise ParameterError(
                f"sign_mode: got {mode!r}; allowed is 'mixed', 'excitatory', 'inhibitory' or 'auto'"
            )
    formats = {}
    for projection in network.projections:
        mode = given.get(projection.name, "mixed")
        resolved = _sign_mode_of(projection.synapses) if mode == "auto" else mode
        formats[projection.name] = SynapseFormat(resolved)
    return formats


def _sign_mode_of(synapses: Synapses) -> SignMode:
    if (synapses.weights >= 0).all():
        return "excitatory"
    return "inhibitory" if (synapses.weights <= 0).all() else "mixed"


def _sign_violations(projection: Projection, mode: SignMode) -> list[str]:
    weights = projection.synapses.weights
    wrong = {"mixed": np.zeros(0), "excitatory": weights < 0, "inhibitory": weights > 0}[mode]
    count = int(wrong.sum())
    if not count:
        return []
    sign = "negative" if mode == "excitatory" else "positive"
    text = f"sign mode {mode}, but {count} of {weights.size} weights are {sign}; use 'mixed'"
    return [f"projection {projection.name!r}: {text}"]


def _parameter_violations(name: str, neuron: LIF) -> list[str]:
    found = [
        f"population {name!r}: du={du:g} rounds to 0 of 4096; the least is 1/4096 (a current that "
        "never decays cannot be represented)"
        for du in neuron.decays_u
        if np.rint(4096 * du) < 1
    ]
    if np.ndim(neuron.dv):
        found.append(f"population {name!r}: dv per neuron; Lava's fixed-point LIF takes one dv")
    return found


def _integer_neuron(neuron: LIF, scale: float) -> FixedPointLIF:
    bias = np.asarray(neuron.bias) * scale * 64
    mantissa, exponent = bias, 0
    for exponent in range(BIAS_EXP_MAX + 1):
        mantissa = np.rint(bias / 2**exponent)
        if mantissa.min() >= BIAS_MANT_MIN and mantissa.max() <= BIAS_MANT_MAX:
            break
    return FixedPointLIF(
        du=int(np.rint(4096 * neuron.decays_u[0])) - 1,
        dv=min(int(np.rint(4096 * np.float64(neuron.dv))), DECAY_MAX),
        vth=np.rint(np.asarray(neuron.vth) * scale).astype(np.int64),
        bias_mant=mantissa.astype(np.int64),
        bias_exp=exponent,
    )
