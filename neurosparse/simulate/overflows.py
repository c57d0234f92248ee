"""How often integer neurons left their 24 bits."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import RegisterOverflowWarning
from neurosparse.network import Network
from neurosparse.simulate.engine_arrays import FloatNeurons
from neurosparse.simulate.plan import Plan

__all__ = ["Overflow", "count_overflows", "named_overflows", "warn_of_overflows"]


class Overflow(NamedTuple):
    """How often the neurons of a population left their 24 bits, summed over neurons and steps.

    Parameters
    ----------
    wraps : int
        Currents ``u`` that turned over, from one end of their range to the other.
    saturations : int
        Membranes ``v`` that were stopped at an end of their range.
    """

    wraps: int
    saturations: int


def count_overflows(plan: Plan) -> NDArray[np.int64]:
    """Return what a plan has counted so far, (n_populations, 2); zeros for float neurons."""
    neurons = plan.neurons
    if isinstance(neurons, FloatNeurons):
        return np.zeros((len(plan.rows), 2), dtype=np.int64)
    counted: NDArray[np.int64] = np.stack(
        [neurons.wraps.sum(axis=0), neurons.clips.sum(axis=0)], axis=1
    )
    return counted


def named_overflows(network: Network, counted: NDArray[np.int64]) -> dict[str, Overflow]:
    """Return the counts of every population of integer neurons."""
    if not network.is_integer:
        return {}
    return {
        name: Overflow(*counts)
        for (name, population), counts in zip(
            network.populations.items(), counted.tolist(), strict=True
        )
        if population.neuron is not None
    }


def warn_of_overflows(overflows: Mapping[str, Overflow]) -> None:
    """Warn once, by name, of populations that left their 24 bits."""
    told = [
        f"population {name!r}: u turned over {wraps} times, v was stopped {saturations} times"
        for name, (wraps, saturations) in overflows.items()
        if wraps or saturations
    ]
    if told:
        warnings.warn(
            "more than 24 bits: " + "; ".join(told) + ". Lava and the chip do the same; smaller "
            "weights, biases or inputs avoid it",
            RegisterOverflowWarning,
            stacklevel=3,  # whoever called the function that runs networks
        )
