"""NIR graphs as networks."""

from __future__ import annotations

import warnings
from os import PathLike
from typing import Any, Literal

import numpy as np

from neurosparse.errors import NeurosparseError, ParameterError
from neurosparse.interop.nir.file import flatten_graph, read_graph
from neurosparse.interop.nir.neurons import NEURONS, notes_of, read_neuron
from neurosparse.interop.nir.notes import GraphNotes
from neurosparse.interop.nir.order import find_loops, levels
from neurosparse.interop.nir.outgoing import DEFAULT_DT
from neurosparse.interop.nir.reading import Reading, read_structure
from neurosparse.interop.nir.routes import MAPS, Routes, find_routes
from neurosparse.interop.nir.synapses import Strand, join_strands, read_strand
from neurosparse.interop.refusal import refuse
from neurosparse.network import Network, Population, Projection
from neurosparse.network.checks import check_positive

__all__ = ["from_nir"]

_TAKEN = (*NEURONS, *MAPS, "Input", "Output")
_ADVICE = {
    "I": "it does not spike; neurons are LIF, CubaLIF or IF",
    "LI": "it does not spike; neurons are LIF, CubaLIF or IF",
    "CubaLI": "it does not spike; neurons are LIF, CubaLIF or IF",
    "Conv1d": "unroll it into a Linear",
    "Conv2d": "unroll it into a Linear",
    "SumPool2d": "unroll it into a Linear",
    "AvgPool2d": "unroll it into a Linear",
}


def from_nir(
    graph: Any | str | PathLike[str],
    *,
    dt: float | None = None,
    reset: Literal["zero", "subtract"] = "zero",
) -> Network:
    r"""Make a network of a NIR graph.

    The equations of both, and how ``dt`` turns one into the other, stand in
    `neurosparse.interop.nir.neurons`.

    Parameters
    ----------
    graph : nir.NIRGraph, str or path
        Or the file it is in. It is read only.
    dt : float, optional [s]
        Length of a step. Default: what `to_nir` noted, else 1e-4, which snnTorch and Lava assume.
    reset : {"zero", "subtract"}
        What neurons do at a spike where the graph has no note of it: go to ``v_reset``, as NIR has
        it, or lose ``v_threshold``, for graphs whose exporter meant that (snnTorch drops it).

    Returns
    -------
    Network
        Populations bear the names of their nodes, or those noted. A weight of 0 is no synapse
        unless it is noted as one. An Input that leads straight to neurons drives them by currents;
        any other is a source of spikes.

    Raises
    ------
    ParameterError
        With everything, named, that has no equivalent.
    StorageError
        If the file is missing, truncated or foreign.
    BackendMissingError
        If nir is not installed.

    Warns
    -----
    UserWarning
        If loops across several populations take more steps than in frameworks whose feed-forward
        connections take no time.

    Notes
    -----
    A connection takes no time in NIR and one step here. In graphs that we did not write,
    connections that skip others get the delay that lets everything arrive together; a layer's step
    ``t`` is step ``t + depth``.

    Examples
    --------
    >>> import nir
    >>> lif = nir.LIF(*(np.full(2, value) for value in (1e-3, 10.0, 0.0)), v_threshold=np.ones(2))
    >>> network = from_nir(nir.NIRGraph.from_list(nir.Linear(np.eye(2, 3)), lif))
    >>> network.n_synapses, round(network.populations["lif"].neuron.dv, 6)
    (2, 0.1)
    """
    if reset not in ("zero", "subtract"):
        raise ParameterError(f"reset: got {reset!r}; allowed is 'zero' or 'subtract'")
    given = read_graph(graph)
    notes = GraphNotes.unpack(notes_of(given))
    step = _step(dt, notes)
    problems: list[str] = []
    flat = flatten_graph(given, problems)
    problems += [
        f"node {name!r} ({type(node).__name__}) has no equivalent"
        + (f"; {advice}" if (advice := _ADVICE.get(type(node).__name__)) else "")
        for name, node in flat.nodes.items()
        if type(node).__name__ not in _TAKEN
    ]
    found = find_routes(flat, problems)
    refuse("graph", problems)
    reading = read_structure(flat, notes, found, problems)
    refuse("graph", problems)
    populations = _populations(reading, found, step, reset, problems)
    projections = _projections(reading, step, problems)
    refuse("graph", problems)
    return _assemble(reading, found, populations, projections)


def _step(dt: float | None, notes: GraphNotes | None) -> float:
    noted = DEFAULT_DT if notes is None else notes.dt
    step = check_positive("dt", noted if dt is None else dt)
    if notes is not None and step != noted:
        raise ParameterError(
            f"dt: got {step}; the graph was written with dt={noted}, whose weights are those of "
            "that step"
        )
    return step


# ---------------------------------------------------------------------- making


def _populations(
    reading: Reading, found: Routes, dt: float, reset: str, problems: list[str]
) -> dict[str, Population]:
    populations = {}
    for node, name in reading.names.items():
        size = reading.sizes.get(node, 1)
        if type(reading.graph.nodes[node]).__name__ == "Input":
            populations[name] = Population(size)
            continue
        drive = np.zeros(size)
        for bias in found.drives.get(node, []):
            if bias.size != size:
                problems.append(f"node {node!r}: a bias of {bias.size} entries for {size} neurons")
            else:
                drive += bias
        neuron = read_neuron(node, reading.graph.nodes[node], size, drive, dt, reset, problems)
        if neuron is not None:
            populations[name] = Population(size, neuron)
    return populations


def _projections(reading: Reading, dt: float, problems: list[str]) -> list[Projection]:
    extra = _extra_steps(reading)
    strands = []
    for route, steps in zip(reading.routes, extra, strict=True):
        node = reading.graph.nodes.get(route.linear)
        n_pre = reading.sizes.get(route.source, 1)
        strand = read_strand(route, node, n_pre, steps, dt, problems)
        if strand is not None:
            strands.append(strand)
    noted = () if reading.notes is None else reading.notes.projections
    made: list[tuple[Strand, dict[str, Any]]] = []
    for note in noted:
        members = [b for b in strands if b.route.linear in note.nodes]
        ends = {(b.route.source, b.route.target) for b in members}
        if len(members) == len(note.nodes) and len(ends) == 1:
            strands = [b for b in strands if not any(b is member for member in members)]
            joined = join_strands(members, own_delays=note.own_delays)
            keep = {"name": note.name} | ({"delay": note.delay} if note.own_delays else {})
            made.append((joined, keep))
    made += [(strand, {}) for strand in strands]
    return _named(reading, made, problems)


def _named(
    reading: Reading, made: list[tuple[Strand, dict[str, Any]]], problems: list[str]
) -> list[Projection]:
    projections: list[Projection] = []
    for strand, keep in made:
        source, target = (reading.names[n] for n in (strand.route.source, strand.route.target))
        taken = {projection.name for projection in projections}
        name = keep.pop("name", f"{source}->{target}")
        if name in taken:
            name = f"{name} {strand.route.linear}".rstrip()
        while name in taken:
            name += "_"
        fields = {"delay": strand.delay} | keep
        try:
            projections.append(Projection(source, target, strand.synapses, name=name, **fields))
        except NeurosparseError as error:
            problems.append(str(error))
    return projections


def _extra_steps(reading: Reading) -> list[int]:
    """Return for every route the steps that it needs for all to arrive together."""
    routes, nodes = reading.routes, list(reading.names)
    if reading.notes is not None:  # its delays are ours
        return [0] * len(routes)
    edges = {(route.source, route.target) for route in routes}
    loops = find_loops(nodes, edges)
    level = levels(nodes, edges, loops)
    large = [a for a, b in sorted(edges) if loops[a] == loops[b] and a != b]
    if large:
        warnings.warn(
            f"graph: {', '.join(dict.fromkeys(map(repr, large)))} form loops across populations, "
            "in which every connection takes one step; where feed-forward connections take no "
            "time, spikes will differ",
            stacklevel=4,
        )
    return [max(level[route.target] - level[route.source] - 1, 0) for route in routes]


def _assemble(
    reading: Reading,
    found: Routes,
    populations: dict[str, Population],
    projections: list[Projection],
) -> Network:
    kinds = {name: type(node).__name__ for name, node in reading.graph.nodes.items()}
    names, notes = reading.names, reading.notes
    inputs = [names[n] for n in names if kinds[n] == "Input" or n in reading.driven]
    ends = [r.source for r in found.routes if kinds[r.target] == "Output"]
    outputs = [name for node, name in names.items() if node in ends]
    if notes is not None:
        inputs = [name for name in notes.inputs if name in populations]
        outputs = [name for name in notes.outputs if name in populations]
    try:
        return Network(populations, projections, inputs=inputs, outputs=outputs)
    except NeurosparseError as error:
        refuse("graph", [str(error)])
        raise
