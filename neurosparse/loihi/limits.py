"""What Lava's LIF and Sparse processes cannot do, by the models (tag) that would run.

Lava itself enforces next to nothing: an integer that is too large wraps around silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import (
    LIF,
    FixedPointLIF,
    FixedPointTernaryLIF,
    Network,
    Projection,
    SynapseFormat,
    choose_sign_mode,
)

__all__ = [
    "MAX_FIXED_DELAY",
    "Tag",
    "arrival_violations",
    "refuse_multapses",
    "reset_violations",
    "violations_of",
]

Tag = Literal["floating_pt", "fixed_pt"]

MAX_FIXED_DELAY = 63
"""Longest delay of the ``fixed_pt`` models and of the chip [steps]: 62 and the step of every
connection."""

# What arrives is shifted by 6 bits and added to a decayed u of 24 bits, in int32.
_ARRIVAL_LIMIT = 2**25 - 2**18
_SUM_LIMIT = 2**31


def refuse_multapses(network: Network) -> None:
    """Raise if a projection holds several synapses between a pair: a matrix has one entry for it.

    Raises
    ------
    TopologyError
        Naming the projection.
    """
    for projection in network.projections:
        projection.synapses.require_unique_pairs(f"projection {projection.name!r}")


def violations_of(network: Network, tag: Tag) -> list[str]:
    """Name everything in ``network`` that Lava's models of this tag cannot do.

    Returns
    -------
    list of str
        One line per violation, in the order of the network; empty if there is none.
    """
    found = []
    neurons = {name: p.neuron for name, p in network.populations.items() if p.neuron is not None}
    if not neurons:
        found.append("network: holds spike sources only; there is nothing to run")
    for name, neuron in neurons.items():
        texts = _float_violations(neuron) if isinstance(neuron, LIF) else _fixed_violations(neuron)
        found.extend(f"population {name!r}: {text}" for text in texts)
    if tag == "fixed_pt":
        for projection in network.projections:
            texts = _projection_violations(projection)
            found.extend(f"projection {projection.name!r}: {text}" for text in texts)
        found.extend(arrival_violations(network, {}))
    return found


def _float_violations(neuron: LIF) -> list[str]:
    found = []
    if neuron.n_receptors > 1:
        found.append(f"{neuron.n_receptors} receptors; Lava's LIF has 1")
    if neuron.refractory and np.ndim(neuron.dv) > 0:
        found.append(
            f"refractory={neuron.refractory} with dv per neuron; Lava's LIFRefractory takes one dv"
        )
    if neuron.reset != "zero":
        found.append(f"reset={neuron.reset!r}; Lava's LIF resets to zero")
    if np.any(np.asarray(neuron.v_reset) != 0):
        found.append(f"v_reset={neuron.v_reset}; Lava's LIF resets to 0")
    return found


def _fixed_violations(neuron: FixedPointLIF | FixedPointTernaryLIF) -> list[str]:
    if isinstance(neuron, FixedPointLIF) and neuron.refractory:
        text = f"refractory={neuron.refractory}; Lava's fixed_pt models have no refractory period"
        return [f"{text} (floating_pt has LIFRefractory, and the chip has one)"]
    return []


def _projection_violations(projection: Projection) -> list[str]:
    found = []
    shortest, longest = projection.min_delay, projection.max_delay
    if longest > MAX_FIXED_DELAY:
        came = f"{longest}" if shortest == longest else f"{shortest} to {longest}"
        found.append(
            f"delay of {came} steps; Lava's fixed_pt DelaySparse takes 1 to {MAX_FIXED_DELAY}"
        )
    weights, form = projection.synapses.weights, projection.format
    if form is None and choose_sign_mode(weights) is None:
        found.append(
            f"weights from {weights.min()} to {weights.max()} lie on none of Lava's grids; allowed "
            "are even numbers -256 to 254, or 0 to 255, or -255 to 0"
        )
    if form is not None and form.shift == "synapse" and form.weight_exp < 0:
        found.append(
            f"shift='synapse' with weight_exp={form.weight_exp}; Lava shifts the sum: use "
            "shift='sum', or an exponent of 0 or more"
        )
    return found


def arrival_violations(network: Network, messages: Mapping[str, int]) -> list[str]:
    """Name the populations of an integer network that could receive more than int32 holds.

    Parameters
    ----------
    network : Network
        Of integers.
    messages : mapping of str to int
        Largest absolute message of every source that sends others than 1.

    Returns
    -------
    list of str
        One line per population where all synapses at once would exceed Lava's 32 bits.
    """
    found = []
    for name, population in network.populations.items():
        total = np.zeros(population.size)
        partial = 0.0
        for projection in network.projections:
            if projection.target == name:
                form = projection.format or SynapseFormat()
                size = messages.get(projection.source, 1) if form.num_message_bits else 1
                sums = _row_sums(projection) * float(size)
                partial = max(partial, float(sums.max(initial=0)))
                total += sums * 2.0**form.weight_exp
        largest = float(total.max(initial=0))
        if largest > _ARRIVAL_LIMIT or partial >= _SUM_LIMIT:
            found.append(
                f"population {name!r}: {max(largest, partial):.0f} could arrive in one step; "
                f"Lava's 32 bits take {_ARRIVAL_LIMIT}"
            )
    return found


def _row_sums(projection: Projection) -> NDArray[Any]:
    """Sum of absolute weights of every postsynaptic neuron."""
    rows = projection.synapses.by_post
    sums = np.concatenate([[0], np.cumsum(np.abs(rows.weights.astype(np.int64)))])
    return np.asarray(np.diff(sums[rows.indptr]))


def reset_violations(network: Network, reset_every: int) -> list[str]:
    """Name the populations that Lava's LIFReset cannot reset in this interval."""
    found = []
    for name, depth in network.depths.items():
        neuron = network.populations[name].neuron
        if isinstance(neuron, FixedPointTernaryLIF):
            found.append(f"population {name!r}: two thresholds; Lava has no TernaryLIF with reset")
        elif isinstance(neuron, LIF) and neuron.refractory:
            found.append(
                f"population {name!r}: refractory={neuron.refractory}; Lava has no LIFRefractory "
                "with reset"
            )
        elif neuron is not None and depth >= reset_every:
            found.append(
                f"population {name!r} lies {depth} steps deep: LIFReset would reset it before its "
                f"first sample; allowed is reset_every > {depth}"
            )
    return found
