"""Name what fits on no core."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosparse.loihi.mapping.demand import Counter
from neurosparse.loihi.mapping.rules import RESOURCES

__all__ = ["lonely_violations", "sending_violation"]

SHOWN = 5  # neurons named by number; the rest are counted


def lonely_violations(counter: Counter, alone: NDArray[np.int64]) -> list[str]:
    """Name the neurons that exceed a limit even on a core of their own.

    Parameters
    ----------
    counter : Counter
        Network and core.
    alone : (n_placed, 9) int64
        Demand of every placed neuron on its own.

    Returns
    -------
    list of str
        One line per population and limit.
    """
    found = []
    wiring = counter.wiring
    population = wiring.topology.population[wiring.placed]
    exceeding = counter.exceeding(alone)
    for column, resource in enumerate(RESOURCES):
        for index in np.unique(population[exceeding[:, column]]).tolist():
            rows = np.flatnonzero(exceeding[:, column] & (population == index))
            needs = alone[rows, column]
            numbers = (wiring.placed[rows[:SHOWN]] - wiring.starts[index]).tolist()
            named = ", ".join(map(str, numbers))
            more = f" and {rows.size - SHOWN:,} more" if rows.size > SHOWN else ""
            span = f"{needs.min():,}" + (
                f" to {needs.max():,}" if needs.max() > needs.min() else ""
            )
            what = resource.replace("_", " ")
            needing = (
                f"neuron {named} needs {span} {what}"
                if rows.size == 1
                else f"neurons {named}{more} need {span} {what} each"
            )
            found.append(
                f"population {wiring.names[index]!r}: {needing}; a core of {counter.rules.chip} "
                f"has {counter.limits[column]:,}"
            )
    return found


def sending_violation(counter: Counter, neuron: int) -> str:
    """Name a neuron whose targets are on more cores than it can send to."""
    wiring = counter.wiring
    index = int(wiring.topology.population[neuron])
    limit = counter.rules.limits["output_axons"]
    has = "than its memory holds" if limit is None else f"than the {limit:,} it has"
    return (
        f"population {wiring.names[index]!r}: neuron {neuron - int(wiring.starts[index])} needs "
        f"more output axons {has}, alone on a core of {counter.rules.chip}, in every placement "
        "tried"
    )
