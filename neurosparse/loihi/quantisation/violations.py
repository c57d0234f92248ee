"""What the integer network cannot hold, whatever the scale."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurosparse.network import LIF, Network, Projection, SynapseFormat
from neurosparse.network.fixed_point import REFRACTORY_MAX

__all__ = ["DELAY_MAX", "quantisable_violations"]

DELAY_MAX = 63  # steps: the chip's and Lava's largest delay, 62, and the step of any connection


def quantisable_violations(network: Network, formats: Mapping[str, SynapseFormat]) -> list[str]:
    """Name everything in a float ``network`` that has no integer counterpart.

    Parameters
    ----------
    network : Network
        Of float neurons.
    formats : mapping of str to SynapseFormat
        By projection.

    Returns
    -------
    list of str
        One line per violation, in the order of the network; empty if there is none.
    """
    found = []
    neurons = {name: p.neuron for name, p in network.populations.items() if p.neuron is not None}
    if not neurons:
        found.append("network: holds spike sources only; there is nothing to quantise")
    for name, neuron in neurons.items():
        if isinstance(neuron, LIF):
            found.extend(f"population {name!r}: {text}" for text in _of_neuron(neuron))
    for projection in network.projections:
        texts = _of_projection(projection, formats[projection.name])
        found.extend(f"projection {projection.name!r}: {text}" for text in texts)
    return found


def _of_neuron(neuron: LIF) -> list[str]:
    found = []
    if neuron.n_receptors > 1:
        found.append(f"{neuron.n_receptors} receptors; the integer LIF has 1")
    if neuron.refractory > REFRACTORY_MAX:
        found.append(f"refractory={neuron.refractory}; the most is {REFRACTORY_MAX} steps")
    if neuron.reset != "zero":
        found.append(f"reset={neuron.reset!r}; the integer LIF resets to zero")
    if np.any(np.asarray(neuron.v_reset) != 0):
        found.append(f"v_reset={neuron.v_reset}; the integer LIF resets to 0")
    found.extend(
        f"du={du:g} rounds to 0 of 4096; the least is 1/4096 (a current that never decays cannot "
        "be represented)"
        for du in neuron.decays_u
        if np.rint(4096 * du) < 1
    )
    if np.ndim(neuron.dv):
        found.append("dv per neuron; the integer LIF takes one dv")
    return found


def _of_projection(projection: Projection, stored: SynapseFormat) -> list[str]:
    found = []
    if projection.max_delay > DELAY_MAX:
        found.append(f"delay of {projection.max_delay} steps; the most is {DELAY_MAX}")
    weights, mode = projection.synapses.weights, stored.sign_mode
    sign = "negative" if mode == "excitatory" else "positive"
    wrong = weights < 0 if mode == "excitatory" else weights > 0
    n_wrong = int(wrong.sum())
    if mode != "mixed" and n_wrong:
        found.append(
            f"sign mode {mode}, but {n_wrong} of {weights.size} weights are {sign}; use 'mixed'"
        )
    if mode == "mixed" and stored.num_weight_bits == 1 and n_wrong:
        found.append(
            f"1 bit of mixed sign holds 0 and -256 only, but {n_wrong} of {weights.size} weights "
            "are positive; use 2 bits or more, or sign mode 'excitatory'"
        )
    return found
