"""A mapped network as a network with one population per block, and back."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ExportLimitError, ParameterError, ShapeError
from neurosparse.loihi.mapping.mapping import Block, Mapping
from neurosparse.network import Network, Neuron, Population, Projection, Spikes, Synapses

__all__ = ["block_names", "merge_spikes", "split_inputs", "split_network"]


def block_names(mapping: Mapping) -> dict[str, tuple[str, ...]]:
    """Return the names of the blocks of every population; one that was not placed keeps its own.

    Blocks are numbered core by core: ``"hidden[0]"``, ``"hidden[1]"``.
    """
    return {
        name: tuple(f"{name}[{index}]" for index in range(len(mapping.blocks_of[name])))
        if name in mapping.blocks_of
        else (name,)
        for name in mapping.sizes
    }


def split_network(network: Network, mapping: Mapping) -> Network:
    """Return the network with a population per block: what each core runs.

    It spikes as the network does, block by block (`split_inputs`, `merge_spikes`): exactly with
    integers, and with floats up to the order in which one step's synapses are added up.

    Parameters
    ----------
    network : Network
        Which `mapping` places.
    mapping : Mapping
        Of it.

    Returns
    -------
    Network
        Projections between blocks without synapses are left out; a projection that stays whole
        keeps its name, the others are called ``"name [i->j]"`` by the numbers of their blocks.

    Raises
    ------
    ExportLimitError
        If a sum that is rounded over all sources at once (a format with a negative exponent and
        ``shift="sum"``) would be taken apart.
    ParameterError
        If the mapping is of another network, or a population has the name of another's block.

    Notes
    -----
    Cost O(synapses log synapses).
    """
    _check_sizes(network, mapping)
    names = block_names(mapping)
    times = Counter(part for parts in names.values() for part in parts)
    doubled = [part for part, n in times.items() if n > 1]
    if doubled:
        raise ParameterError(
            f"network: blocks and populations are both called {', '.join(map(repr, doubled))}; "
            "rename the populations"
        )
    populations: dict[str, Population] = {}
    for name, population in network.populations.items():
        for part, block in zip(names[name], _blocks(mapping, name), strict=True):
            neurons = block.neurons
            neuron = population.neuron and _part_of(population.neuron, neurons)
            populations[part] = Population(neurons.size, neuron)
    _refuse_split_sums(network, mapping)
    projections = [
        part for projection in network.projections for part in _split(projection, mapping, names)
    ]
    return Network(
        populations,
        projections,
        inputs=[part for name in network.inputs for part in names[name]],
        outputs=[part for name in network.outputs for part in names[name]],
    )


def split_inputs(mapping: Mapping, inputs: AnyMapping[str, Any]) -> dict[str, Any]:
    """Return inputs of the network as inputs of its blocks.

    Parameters
    ----------
    mapping : Mapping
        Of the network.
    inputs : mapping of str to Spikes or (n_steps, size) array
        By population.

    Raises
    ------
    ParameterError, ShapeError
        If a population is unknown, or an input is neither, or of another size.
    """
    names = block_names(mapping)
    out: dict[str, Any] = {}
    for name, value in inputs.items():
        if name not in names:
            raise ParameterError(f"inputs: no population {name!r}; there are {', '.join(names)}")
        for part, block in zip(names[name], _blocks(mapping, name), strict=True):
            out[part] = _part_of_input(name, value, block.neurons, mapping.sizes[name])
    return out


def merge_spikes(mapping: Mapping, spikes: AnyMapping[str, Spikes]) -> dict[str, Spikes]:
    """Return spikes of blocks as spikes of the populations.

    Parameters
    ----------
    mapping : Mapping
        Of the network.
    spikes : mapping of str to Spikes
        Of the split network, by block. Populations of which no block is there are left out.

    Raises
    ------
    ParameterError
        If some blocks of a population are there and others not.
    """
    merged = {}
    for name, parts in block_names(mapping).items():
        there = [part for part in parts if part in spikes]
        if not there:
            continue
        if len(there) < len(parts):
            missing = ", ".join(part for part in parts if part not in spikes)
            raise ParameterError(f"spikes: those of {missing} are missing")
        blocks = list(zip(_blocks(mapping, name), (spikes[part] for part in parts), strict=True))
        neurons = np.concatenate([block.neurons[train.neurons] for block, train in blocks])
        trains = [train for _, train in blocks]
        merged[name] = Spikes(
            np.concatenate([train.steps for train in trains]),
            neurons,
            trains[0].n_steps,
            mapping.sizes[name],
            _signs(trains),
        )
    return merged


def _signs(trains: list[Spikes]) -> NDArray[np.int8] | None:
    if all(train.signs is None for train in trains):
        return None
    plus = [np.ones(train.n_spikes, dtype=np.int8) for train in trains]
    return np.concatenate(
        [
            one if train.signs is None else train.signs
            for one, train in zip(plus, trains, strict=True)
        ]
    )


def _blocks(mapping: Mapping, name: str) -> tuple[Block, ...]:
    """Return the blocks of a population; all of it where it was not placed."""
    whole = Block(-1, name, 0, np.arange(mapping.sizes[name], dtype=np.int32))
    return mapping.blocks_of.get(name, (whole,))


def _check_sizes(network: Network, mapping: Mapping) -> None:
    sizes = {name: population.size for name, population in network.populations.items()}
    if sizes != dict(mapping.sizes):
        raise ParameterError(
            f"mapping: is of populations {dict(mapping.sizes)}; the network has {sizes}"
        )


def _refuse_split_sums(network: Network, mapping: Mapping) -> None:
    found = [
        f"projection {p.name!r}: weight_exp={p.format.weight_exp} with shift='sum' rounds the sum "
        f"over all of {p.source!r}, which lies on {len(_blocks(mapping, p.source))} cores; the "
        "chip shifts each synapse (shift='synapse')"
        for p in network.projections
        if p.format is not None
        and p.format.weight_exp < 0
        and p.format.shift == "sum"
        and len(_blocks(mapping, p.source)) > 1
    ]
    if found:
        raise ExportLimitError(found)


def _part_of(neuron: Neuron, neurons: NDArray[np.int32]) -> Neuron:
    vectors = {
        field.name: getattr(neuron, field.name)[neurons]
        for field in dataclasses.fields(neuron)
        if isinstance(getattr(neuron, field.name), np.ndarray)
    }
    return dataclasses.replace(neuron, **vectors)


def _part_of_input(name: str, value: Any, neurons: NDArray[np.int32], size: int) -> Any:
    if isinstance(value, Spikes):
        if value.n_neurons != size:
            raise ShapeError(f"inputs[{name!r}]: got {value!r}; expected spikes of {size} neurons")
        local = np.full(size, -1, dtype=np.int32)
        local[neurons] = np.arange(neurons.size)
        there = local[value.neurons]
        keep = there >= 0
        signs = None if value.signs is None else value.signs[keep]
        return Spikes(value.steps[keep], there[keep], value.n_steps, neurons.size, signs)
    array = np.asarray(value)
    if array.ndim != 2 or array.shape[1] != size:
        raise ShapeError(
            f"inputs[{name!r}]: got shape {array.shape}; expected Spikes or (n_steps, {size})"
        )
    return array[:, neurons]


def _split(
    projection: Projection, mapping: Mapping, names: dict[str, tuple[str, ...]]
) -> Iterator[Projection]:
    """Yield what of a projection lies between each pair of blocks."""
    sources = _blocks(mapping, projection.source)
    targets = _blocks(mapping, projection.target)
    synapses = projection.synapses
    whole = len(sources) == len(targets) == 1
    from_part, from_local = _numbered(sources, synapses.n_pre)
    to_part, to_local = _numbered(targets, synapses.n_post)
    post, pre = synapses.post, synapses.indices
    pair = from_part[pre] * len(targets) + to_part[post]
    order = np.argsort(pair, kind="stable")
    edges = np.searchsorted(pair[order], np.arange(len(sources) * len(targets) + 1))
    for index, (low, high) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        if low == high and not whole:
            continue
        i, j = divmod(index, len(targets))
        chosen = order[low:high]
        rows = to_local[post[chosen]]
        yield dataclasses.replace(
            projection,
            source=names[projection.source][i],
            target=names[projection.target][j],
            name=projection.name if whole else f"{projection.name} [{i}->{j}]",
            synapses=Synapses(
                targets[j].neurons.size,
                sources[i].neurons.size,
                np.searchsorted(rows, np.arange(targets[j].neurons.size + 1)),
                from_local[pre[chosen]],
                synapses.weights[chosen],
                None if synapses.delays is None else synapses.delays[chosen],
                multapses=synapses.multapses,
            ),
        )


def _numbered(blocks: tuple[Block, ...], size: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return for every neuron its block and its number there."""
    part = np.zeros(size, dtype=np.int64)
    local = np.zeros(size, dtype=np.int32)
    for index, block in enumerate(blocks):
        part[block.neurons] = index
        local[block.neurons] = np.arange(block.neurons.size)
    return part, local
