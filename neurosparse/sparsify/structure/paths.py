"""Which synapses lie on a path from input to output: effective sparsity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import LIF, FanIn, FixedPointTernaryLIF, Network, Neuron, Projection

__all__ = [
    "Marks",
    "beginnings",
    "chosen_neurons",
    "effective_synapses",
    "fires_alone",
    "live_marks",
    "live_neurons",
    "synapse_marks",
]

Marks = dict[str, NDArray[np.bool_]]
"""A mark for every neuron of every population."""

# a membrane that rests this close below its threshold, relative to the threshold, may fire by the
# rounding of float32: of the decay and of a step's sum
_ROUNDING = 4 * float(np.finfo(np.float32).eps)


def effective_synapses(network: Network) -> dict[str, int]:
    """Count the synapses that lie on a path from an input neuron to an output neuron.

    Parameters
    ----------
    network : Network
        Paths begin at its ``inputs`` and end at its ``outputs``, and may go round in loops. A
        synapse counts whatever its weight is.

    Returns
    -------
    dict of str to int
        Per projection. What is left of ``synapses.n_active`` is dead: it takes memory and, on a
        chip, a place, for nothing.

    Notes
    -----
    Time and memory O(synapses + neurons): every neuron is expanded once each way. A synapse is on
    a path if its source can be reached from the inputs and the outputs can be reached from its
    target. Neurons that fire by themselves begin no path here; in `remove_dead` they do.

    References
    ----------
    Vysogorets & Kempe 2021, Connectivity Matters: Neural Network Pruning Through the Lens of
    Effective Sparsity (arXiv 2107.02306).

    Examples
    --------
    Of two synapses in a row and one that leads nowhere, two are effective:

    >>> from neurosparse import LIF, Population, Synapses
    >>> first = Synapses.from_edges([0, 1], [0, 1], 1.0, n_pre=2, n_post=2)
    >>> second = Synapses.from_edges([0], [0], 1.0, n_pre=2, n_post=1)
    >>> populations = {"in": Population(2), "hidden": Population(2, LIF())}
    >>> populations["out"] = Population(1, LIF())
    >>> net = Network(
    ...     populations, [Projection("in", "hidden", first), Projection("hidden", "out", second)]
    ... )
    >>> effective_synapses(net)
    {'in->hidden': 1, 'hidden->out': 1}
    """
    live = live_marks(network, _whole(network, network.inputs))
    return {p.name: int(np.count_nonzero(synapse_marks(p, live))) for p in network.projections}


def live_neurons(network: Network) -> dict[str, NDArray[np.int64]]:
    """Return the neurons of every population that `compact` keeps, ascending.

    All of the inputs, of the outputs and of spike sources; of the others those through which an
    output's spikes can be changed: a spike can come to them, or they fire by themselves, and one of
    theirs can reach an output.
    """
    return chosen_neurons(network, live_marks(network, beginnings(network)))


def chosen_neurons(network: Network, live: tuple[Marks, Marks]) -> dict[str, NDArray[np.int64]]:
    """Return the neurons that stay: live ones, and all of inputs, outputs and sources."""
    reached, needed = live
    fixed = {*network.inputs, *network.outputs}
    chosen = {}
    for name, population in network.populations.items():
        if name in fixed or population.neuron is None:
            chosen[name] = np.arange(population.size)
        else:
            chosen[name] = np.flatnonzero(reached[name] & needed[name])
    return chosen


def beginnings(network: Network) -> Marks:
    """Mark the neurons that may spike although nothing within the network reaches them.

    Those of the inputs and of all spike sources, which are driven from outside, and those that
    `fires_alone` names.
    """
    marks = _whole(network, network.inputs)
    for name, population in network.populations.items():
        if population.neuron is None:
            marks[name][:] = True
        else:
            marks[name] |= fires_alone(population.neuron, population.size)
    return marks


def fires_alone(neuron: Neuron, size: int) -> NDArray[np.bool_]:
    """Mark the neurons that may fire, from rest, by their bias alone, (size,) bool.

    Parameters
    ----------
    neuron : LIF, FixedPointLIF or FixedPointTernaryLIF
        Without input ``v`` rises from 0 towards ``bias / dv``, or without bound where ``dv`` is 0.
        A threshold below that is crossed; where the bias is not positive none is, as thresholds
        are. Reset and refractory period act after a spike only.
    size : int
        Number of neurons.

    Notes
    -----
    Never errs towards silence: neurons at the edge of rounding are marked. Starting a simulation
    from another state than rest is not covered.
    """
    if isinstance(neuron, LIF):
        drive: NDArray[Any] = np.asarray(neuron.bias)
        edge = np.asarray(neuron.vth) * (np.asarray(neuron.dv) - _ROUNDING)
    elif isinstance(neuron, FixedPointTernaryLIF):  # any bias may do, and so may a threshold
        wakes = np.asarray(neuron.bias_mant) != 0
        wakes = wakes | (np.asarray(neuron.vth_hi) < 0) | (np.asarray(neuron.vth_lo) > 0)
        return np.broadcast_to(wakes, (size,))
    else:  # v stops growing where ceil(v dv / 4096) is the bias, so at 4096 bias / dv at most
        drive = np.asarray(neuron.bias_mant) << (neuron.bias_exp + 12)
        edge = np.asarray(neuron.vth) * 64 * neuron.dv
    return np.broadcast_to((drive > 0) & (drive > edge), (size,))


def live_marks(network: Network, begin: Marks) -> tuple[Marks, Marks]:
    """Return who can be reached from ``begin``, and from whom the outputs can be reached."""
    forward, backward = _ways(network.projections, forward=True), _ways(network.projections)
    reached = _reach(network, begin, forward)
    return reached, _reach(network, _whole(network, network.outputs), backward)


def _whole(network: Network, names: Iterable[str]) -> Marks:
    chosen = set(names)
    return {name: np.full(p.size, name in chosen) for name, p in network.populations.items()}


# for every population: where one gets from it, and by which rows
_Ways = Mapping[str, list[tuple[str, NDArray[np.int64], NDArray[Any]]]]


def _ways(projections: Iterable[Projection], *, forward: bool = False) -> _Ways:
    ways: dict[str, list[tuple[str, NDArray[np.int64], NDArray[Any]]]] = {}
    for p in projections:
        rows = p.synapses.by_pre if forward else p.synapses.by_post
        here, there = (p.source, p.target) if forward else (p.target, p.source)
        ways.setdefault(here, []).append((there, rows[0], rows[1]))
    return ways


def _reach(network: Network, begin: Marks, ways: _Ways) -> Marks:
    """Mark all that can be reached; every neuron is expanded once."""
    marks = {name: mark.copy() for name, mark in begin.items()}
    waiting = [(name, np.flatnonzero(mark)) for name, mark in marks.items() if mark.any()]
    while waiting:
        name, neurons = waiting.pop()
        for there, indptr, indices in ways.get(name, ()):
            met = indices[_entries(indptr, neurons)]
            new = np.unique(met[~marks[there][met]])
            if new.size:
                marks[there][new] = True
                waiting.append((there, new))
    return marks


def _entries(indptr: NDArray[np.int64], rows: NDArray[Any]) -> NDArray[np.int64]:
    """Return the positions of all entries of ``rows``, row by row."""
    first = indptr[rows]
    sizes = indptr[rows + 1] - first
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if ends.size else 0
    positions: NDArray[np.int64] = np.repeat(first - ends + sizes, sizes)
    positions += np.arange(total)
    return positions


def synapse_marks(projection: Projection, live: tuple[Marks, Marks]) -> NDArray[np.bool_]:
    """Mark the live synapses in the order in which they are stored, (n_active,) bool."""
    reached, needed = live
    stored = projection.synapses.stored
    by_post = isinstance(stored, FanIn)
    of_rows, of_columns = reached[projection.source], needed[projection.target]
    if by_post:
        of_rows, of_columns = of_columns, of_rows
    return np.repeat(of_rows, np.diff(stored.indptr)) & of_columns[stored[1]]
