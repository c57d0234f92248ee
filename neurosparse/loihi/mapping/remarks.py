"""What a network asks for that a chip does not have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosparse.loihi.mapping.rules import CoreRules
from neurosparse.network import LIF, FixedPointLIF, Network, choose_sign_mode

__all__ = ["FLOAT_WEIGHT_BITS", "remarks_on"]

FLOAT_WEIGHT_BITS = 8  # what float weights will have once they are quantised


def remarks_on(network: Network, rules: CoreRules) -> list[str]:
    """Return a line for everything that is counted other than the chip could hold it."""
    found = []
    if not network.is_integer:
        found.append(
            f"float weights are counted as {FLOAT_WEIGHT_BITS} bits of mixed sign, which "
            "quantising gives them"
        )
    if late := list(_late(network, rules)):
        found.append(
            f"delays beyond the {rules.delay_max} steps that {rules.chip} has: {', '.join(late)}; "
            "they are counted with the bits they would need"
        )
    if idle := list(_idle(network, rules)):
        found.append(
            f"refractory periods beyond the {rules.refractory_max} steps that {rules.chip} has: "
            f"{', '.join(idle)}"
        )
    if wide := list(_wide(network, rules)):
        found.append(
            f"spikes with values of more than the {rules.message_bits_max} bits that {rules.chip} "
            f"has: {', '.join(wide)}"
        )
    if off := list(_off_grid(network)):
        found.append(
            f"weights that {FLOAT_WEIGHT_BITS} bits cannot hold: {', '.join(off)}; they are "
            "counted as if those could"
        )
    return found


def _late(network: Network, rules: CoreRules) -> Iterator[str]:
    for projection in network.projections:
        delay = projection.max_delay - 1
        if rules.delay_max is not None and delay > rules.delay_max:
            yield f"{projection.name!r} ({delay})"


def _idle(network: Network, rules: CoreRules) -> Iterator[str]:
    for name, population in network.populations.items():
        neuron = population.neuron
        if not isinstance(neuron, LIF | FixedPointLIF) or rules.refractory_max is None:
            continue
        if neuron.refractory > rules.refractory_max:
            yield f"{name!r} ({neuron.refractory})"


def _wide(network: Network, rules: CoreRules) -> Iterator[str]:
    for projection in network.projections:
        if projection.format is None or rules.message_bits_max is None:
            continue
        if projection.format.num_message_bits > rules.message_bits_max:
            yield f"{projection.name!r} ({projection.format.num_message_bits})"


def _off_grid(network: Network) -> Iterator[str]:
    for projection in network.projections:
        synapses = projection.synapses
        if projection.format is not None or synapses.dtype != np.int16:
            continue
        if choose_sign_mode(synapses.stored.weights) is None:
            yield repr(projection.name)
