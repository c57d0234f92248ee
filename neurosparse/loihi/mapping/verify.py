"""Count a mapping again, from the network alone."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ExportLimitError
from neurosparse.loihi.mapping.demand import Counter
from neurosparse.loihi.mapping.mapping import Mapping
from neurosparse.loihi.mapping.rules import RESOURCES
from neurosparse.loihi.mapping.wiring import Wiring
from neurosparse.network import Network

__all__ = ["recount", "verify_mapping"]


def verify_mapping(mapping: Mapping, network: Network) -> None:
    """Raise unless every neuron and synapse has one place and no limit is exceeded.

    A synapse lies on the core of its target, so that it has one place if its target has.

    Parameters
    ----------
    mapping : Mapping
        From wherever.
    network : Network
        Which it is said to place.

    Raises
    ------
    ExportLimitError
        With everything that is wrong.
    """
    problems = _misplaced(mapping, network)
    if problems:
        raise ExportLimitError(problems)
    counter, order, cuts = recount(mapping, network)
    demand = counter.count(order, cuts).demand
    for core, column in np.argwhere(counter.exceeding(demand)).tolist():
        resource = list(RESOURCES)[column]
        problems.append(
            f"core {core}: needs {demand[core, column]:,} {resource.replace('_', ' ')}; it has "
            f"{counter.limits[column]:,}"
        )
    n_placed = int(demand[:, -1].sum())
    if n_placed != network.n_synapses:
        problems.append(f"synapses: {n_placed:,} placed; the network has {network.n_synapses:,}")
    if not np.array_equal(demand, mapping.demand):
        core = int(np.flatnonzero((demand != mapping.demand).any(axis=1))[0])
        problems.append(
            f"core {core}: needs {demand[core].tolist()}; the mapping says "
            f"{mapping.demand[core].tolist()}"
        )
    if problems:
        raise ExportLimitError(problems)


def recount(
    mapping: Mapping, network: Network, rates: NDArray[np.float64] | None = None
) -> tuple[Counter, NDArray[np.int32], NDArray[np.int64]]:
    """Return what counts the cores of a mapping: counter, neurons core by core, and cuts.

    Parameters
    ----------
    mapping : Mapping
        Whose blocks are those of ``network``.
    network : Network
        Which it places.
    rates : (n_neurons,) float64, optional
        Spikes per neuron and step, through all populations; default 1 each.
    """
    placed_sources = any(network.populations[b.population].neuron is None for b in mapping.blocks)
    wiring = Wiring.of_network(network, mapping.rules, sources_on_cores=placed_sources)
    first = dict(zip(wiring.names, wiring.starts.tolist(), strict=False))
    order = np.concatenate([b.neurons + np.int32(first[b.population]) for b in mapping.blocks])
    sizes = np.zeros(mapping.n_cores, dtype=np.int64)
    np.add.at(sizes, [b.core for b in mapping.blocks], [b.neurons.size for b in mapping.blocks])
    cuts = np.concatenate([[0], np.cumsum(sizes)])
    return (
        Counter(wiring, mapping.rules, wiring.rates(None) if rates is None else rates),
        order,
        cuts,
    )


def _misplaced(mapping: Mapping, network: Network) -> list[str]:
    """Name neurons without a place or with two, and blocks out of order."""
    sizes = {name: population.size for name, population in network.populations.items()}
    if dict(mapping.sizes) != sizes:
        return [f"populations: the mapping is of {dict(mapping.sizes)}; the network has {sizes}"]
    found = []
    for name, population in network.populations.items():
        blocks = mapping.blocks_of.get(name, ())
        if not blocks and population.neuron is None:
            continue
        times = np.zeros(population.size, dtype=np.int64)
        for block in blocks:
            np.add.at(times, block.neurons, 1)
        wrong = np.flatnonzero(times != 1)
        if wrong.size:
            found.append(
                f"population {name!r}: {wrong.size:,} neurons do not have exactly one place "
                f"(first: neuron {wrong[0]} has {times[wrong[0]]})"
            )
    keys = list(mapping.sizes)
    places = [(b.core, keys.index(b.population)) for b in mapping.blocks]
    rising = all(one < other for one, other in itertools.pairwise(places))
    inside = all(b.neurons.size and (np.diff(b.neurons) > 0).all() for b in mapping.blocks)
    cores = sorted({core for core, _ in places})
    if not rising or not inside or cores != list(range(mapping.n_cores)):
        found.append("blocks: must stand core by core, populations and neurons in their order")
        return found
    end: dict[int, int] = {}
    for block in mapping.blocks:
        if block.start != end.get(block.core, 0):
            found.append(
                f"core {block.core}: the block of {block.population!r} starts at {block.start}; "
                f"expected {end.get(block.core, 0)}"
            )
        end[block.core] = block.start + block.neurons.size
    return found
