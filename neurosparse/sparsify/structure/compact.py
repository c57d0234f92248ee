"""Networks without what is dead: synapses on no path, neurons without synapses."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import FanIn, FanOut, Network, Neuron, Population, Projection, Synapses
from neurosparse.network.rows import index_dtype, row_pointers
from neurosparse.network.select import select
from neurosparse.sparsify.structure.paths import (
    Marks,
    beginnings,
    chosen_neurons,
    live_marks,
    synapse_marks,
)

__all__ = ["compact", "keep_synapses", "neurons_at", "remove_dead"]


def remove_dead(network: Network) -> Network:
    """Return the network without the synapses that cannot change an output's spikes.

    A synapse stays if its source may spike and a spike of its target can reach an output. A source
    may spike if it belongs to an input or a spike source, or can be reached from one, or fires by
    its bias alone, or can be reached from such a neuron: so an unreachable neuron with a large bias
    keeps its synapses, and one that is silent loses them.

    Parameters
    ----------
    network : Network
        Populations of neurons that are stimulated have to be among its ``inputs``.

    Returns
    -------
    Network
        Same populations and projections. From rest, the spikes of all outputs are the same, bit
        for bit. Other populations, which no output hears, may spike otherwise.

    Notes
    -----
    Time and memory O(synapses + neurons). Signs of weights are not looked at: a neuron that is only
    ever inhibited counts as one that may spike.

    Examples
    --------
    >>> from neurosparse import LIF
    >>> one = Synapses.from_edges([0], [0], 1.0, n_pre=1, n_post=2)
    >>> both = Synapses.all_to_all([[1.0, 1.0]])
    >>> def net(bias):
    ...     hidden = Population(2, LIF(bias=[0.0, bias]))
    ...     return Network(
    ...         {"in": Population(1), "hidden": hidden, "out": Population(1, LIF())},
    ...         [Projection("in", "hidden", one), Projection("hidden", "out", both)],
    ...     )
    >>> remove_dead(net(bias=0.01)).n_synapses, remove_dead(net(bias=0.5)).n_synapses
    (2, 3)
    """
    return _without_dead(network, live_marks(network, beginnings(network)))


def _without_dead(network: Network, live: tuple[Marks, Marks]) -> Network:
    changes = {}
    for projection in network.projections:
        marks = synapse_marks(projection, live)
        if not marks.all():
            synapses = projection.synapses
            changes[projection.name] = keep_synapses(synapses, synapses.stored, marks)
    return network.with_synapses(changes) if changes else network


def keep_synapses(synapses: Synapses, rows: FanIn | FanOut, marks: NDArray[np.bool_]) -> Synapses:
    """Return the synapses that are marked; ``rows`` is the view of them that ``marks`` follows."""
    return _of_rows(synapses, select(rows, np.flatnonzero(marks)), synapses.shape)


def _of_rows(like: Synapses, rows: FanIn | FanOut, shape: tuple[int, int]) -> Synapses:
    n_post, n_pre = shape
    if isinstance(rows, FanIn):
        return Synapses(n_post, n_pre, *rows, multapses=like.multapses)
    return Synapses.from_fan_out(n_pre, n_post, *rows, multapses=like.multapses)


def compact(network: Network) -> Network:
    """Return the network without dead synapses and without the neurons that are left without any.

    Inputs, outputs and spike sources keep their size. Of other populations the neurons of
    `live_neurons` stay, in their order; a population that has none goes, with its projections.

    Parameters
    ----------
    network : Network
        See `remove_dead`.

    Returns
    -------
    Network
        From rest, the spikes of all outputs are the same, bit for bit, for given input spikes and
        currents. (`Poisson` and noise drawn within a simulation depend on the number of a
        population, which changes where one goes.)

    Examples
    --------
    >>> from neurosparse import LIF
    >>> one = Synapses.from_edges([0], [2], 1.0, n_pre=1, n_post=5)
    >>> net = Network(
    ...     {"in": Population(1), "hidden": Population(5, LIF()), "out": Population(1, LIF())},
    ...     [
    ...         Projection("in", "hidden", one),
    ...         Projection("hidden", "out", Synapses.all_to_all([[1.0] * 5])),
    ...     ],
    ... )
    >>> compact(net)
    Network(in(1), hidden(1 LIF), out(1 LIF); 2 of 2 synapses in 2 projections)
    """
    marks = live_marks(network, beginnings(network))
    live, without = chosen_neurons(network, marks), _without_dead(network, marks)
    populations = {
        name: Population(live[name].size, neurons_at(population.neuron, live[name]))
        for name, population in network.populations.items()
        if live[name].size
    }
    projections = [
        replace(p, synapses=_renumbered(p, live[p.source], live[p.target]))
        for p in without.projections
        if live[p.source].size and live[p.target].size
    ]
    return Network(populations, projections, inputs=network.inputs, outputs=network.outputs)


def neurons_at(neuron: Neuron | None, chosen: NDArray[np.int64]) -> Any:
    """Return the parameters of the neurons ``chosen``."""
    if neuron is None:
        return None
    vectors: dict[str, Any] = {
        field.name: value[chosen]
        for field in fields(neuron)
        if isinstance(value := getattr(neuron, field.name), np.ndarray)
    }
    return replace(neuron, **vectors) if vectors else neuron


def _renumbered(
    projection: Projection, pre: NDArray[np.int64], post: NDArray[np.int64]
) -> Synapses:
    """Return the synapses between the neurons that stay; the others have none any more."""
    synapses = projection.synapses
    if (post.size, pre.size) == synapses.shape:
        return synapses
    stored = synapses.stored
    rows, columns = (post, pre) if isinstance(stored, FanIn) else (pre, post)
    n_columns = synapses.n_pre if isinstance(stored, FanIn) else synapses.n_post
    number = np.zeros(n_columns, dtype=np.int64)
    number[columns] = np.arange(columns.size)
    indices = number[stored[1]].astype(
        np.int32 if isinstance(stored, FanIn) else index_dtype(columns.size)
    )
    kept = type(stored)(
        row_pointers(np.diff(stored.indptr)[rows]), indices, stored.weights, stored.delays
    )
    return _of_rows(synapses, kept, (post.size, pre.size))
