"""What Lava's LIF and Sparse processes cannot do, whatever the numbers."""

from __future__ import annotations

import numpy as np

from neurosparse.network import LIF, Network, choose_sign_mode

__all__ = ["off_grid_violations", "refuse_multapses", "structural_violations"]


def refuse_multapses(network: Network) -> None:
    """Raise if a projection holds several synapses between a pair: a matrix has one entry for it.

    Raises
    ------
    TopologyError
        Naming the projection.
    """
    for projection in network.projections:
        projection.synapses.require_unique_pairs(f"projection {projection.name!r}")


def structural_violations(network: Network) -> list[str]:
    """Name everything in ``network`` that has no counterpart in Lava's processes.

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
        if isinstance(neuron, LIF):
            found.extend(f"population {name!r}: {text}" for text in _neuron_violations(neuron))
    for projection in network.projections:
        shortest, longest = projection.min_delay, projection.max_delay
        if (shortest, longest) != (1, 1):
            came = f"{longest}" if shortest == longest else f"{shortest} to {longest}"
            found.append(
                f"projection {projection.name!r}: delay of {came} steps; Lava's Sparse takes "
                "exactly 1"
            )
    return found


def _neuron_violations(neuron: LIF) -> list[str]:
    found = []
    if neuron.n_receptors > 1:
        found.append(f"{neuron.n_receptors} receptors; Lava's LIF has 1")
    if neuron.refractory:
        found.append(
            f"refractory={neuron.refractory}; Lava's fixed-point LIF has no refractory period"
        )
    if neuron.reset != "zero":
        found.append(f"reset={neuron.reset!r}; Lava's LIF resets to zero")
    if np.any(np.asarray(neuron.v_reset) != 0):
        found.append(f"v_reset={neuron.v_reset}; Lava's LIF resets to 0")
    return found


def off_grid_violations(network: Network) -> list[str]:
    """Name the projections of an integer network whose weights Lava would alter."""
    return [
        f"projection {p.name!r}: weights from {p.synapses.weights.min()} to "
        f"{p.synapses.weights.max()} lie on none of Lava's grids; allowed are even numbers -256 "
        "to 254, or 0 to 255, or -255 to 0"
        for p in network.projections
        if p.format is None and choose_sign_mode(p.synapses.weights) is None
    ]
