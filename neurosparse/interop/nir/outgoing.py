"""Networks as NIR graphs."""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Iterator
from os import PathLike
from typing import Any

import numpy as np

from neurosparse.errors import ParameterError
from neurosparse.interop.nir.file import load_nir, write_graph
from neurosparse.interop.nir.neurons import has_affine_bias, neuron_problems, write_neuron
from neurosparse.interop.nir.notes import GraphNotes, ProjectionNote
from neurosparse.interop.nir.synapses import Piece, write_pieces
from neurosparse.interop.refusal import refuse
from neurosparse.network import LIF, Network, Projection
from neurosparse.network.checks import check_positive

__all__ = ["DEFAULT_DT", "to_nir"]

DEFAULT_DT = 1e-4  # s; what snnTorch and Lava's readers of NIR assume
MAX_BYTES = 2**31  # of all dense matrices together, unless told otherwise


class _Names:
    """Names of nodes: they are folders in the file, and attributes in torch."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def give(self, wanted: str) -> str:
        """Return a name that is free."""
        name = re.sub(r"\W", "_", wanted.replace("->", "_to_"), flags=re.ASCII)
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name


def to_nir(
    network: Network,
    path: str | PathLike[str] | None = None,
    *,
    dt: float = DEFAULT_DT,
    max_bytes: int = MAX_BYTES,
) -> Any:
    """Make a NIR graph of a float network, and write it to a file if asked.

    Parameters
    ----------
    network : Network
        Of float neurons.
    path : str or path, optional
        File to write, in NIR's own format (HDF5).
    dt : float [s]
        Length of a step, for the time constants: ``tau = dt / decay``.
    max_bytes : int [B]
        What all weights together may take, as NIR has dense matrices only.

    Returns
    -------
    nir.NIRGraph
        For every population an Input, a LIF (no synaptic filter), a CubaLIF or an IF (no leak);
        for every projection a Linear or Affine and, with a delay above one step, a Delay before
        it; for every delay if synapses have delays of their own. Metadata keeps what NIR cannot
        say: `from_nir` makes the same network again, synapses of weight 0 included.

    Raises
    ------
    ParameterError
        With everything, named, that NIR cannot say: integer networks, several receptors,
        refractory periods, several synapses between a pair, matrices above ``max_bytes``.
    BackendMissingError
        If nir is not installed.

    Warns
    -----
    UserWarning
        If neurons reset by subtraction: that stands in the metadata only, as NIR's neurons go to
        ``v_reset``.

    Examples
    --------
    >>> from neurosparse.network import Population, Synapses
    >>> network = Network(
    ...     {"in": Population(2), "out": Population(2, LIF(dv=0.5))},
    ...     [Projection("in", "out", Synapses.from_edges([0], [1], 0.5, n_pre=2, n_post=2))],
    ... )
    >>> graph = to_nir(network)
    >>> sorted(graph.nodes), graph.nodes["out"].tau.tolist()
    (['in', 'in_to_out', 'out', 'out_output'], [0.0002, 0.0002])
    """
    nir = load_nir()
    if not isinstance(network, Network):
        raise ParameterError(f"network: got a {type(network).__name__}; expected Network")
    check_positive("dt", dt)
    refuse("network", list(_problems(network, max_bytes)))
    names = _Names()
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    own = {name: names.give(name) for name in network.populations}
    arriving = _arriving(network)
    for name, population in network.populations.items():
        node, neuron = own[name], population.neuron
        size = np.array([population.size])
        if isinstance(neuron, LIF):
            leak = not has_affine_bias(neuron, len(arriving[name]))
            nodes[node] = write_neuron(neuron, population.size, dt, leak=leak)
            if name in network.inputs:
                source = names.give(f"{node}_input")
                nodes[source] = nir.Input(size)
                edges.append((source, node))
        else:
            nodes[node] = nir.Input(size)
        if name in network.outputs:
            sink = names.give(f"{node}_output")
            nodes[sink] = nir.Output(size)
            edges.append((node, sink))
    noted = []
    for projection in network.projections:
        linear = []
        bias = _bias(network, projection, first=arriving[projection.target][0] is projection)
        for piece in write_pieces(projection.synapses, projection.delay):
            added = _add_piece(nodes, names, projection, piece, bias, dt)
            chain = [own[projection.source], *added, own[projection.target]]
            edges += itertools.pairwise(chain)
            linear.append(added[-1])
            bias = None
        own_delays = projection.synapses.delays is not None
        noted.append(ProjectionNote(projection.name, projection.delay, own_delays, linear))
    notes = GraphNotes(dt, own, noted, network.inputs, network.outputs)
    # NIR infers shapes along edges that begin at an Input: without one it would refuse
    whole = any(isinstance(nodes[a], nir.Input) for a, _ in edges) and bool(network.outputs)
    graph = nir.NIRGraph(nodes, edges, metadata=notes.pack(), type_check=whole)
    _warn_of_resets(network)
    if path is not None:
        write_graph(graph, path)
    return graph


def _problems(network: Network, max_bytes: int) -> Iterator[str]:
    if network.is_integer:
        yield (
            "it is an integer network, and NIR's neurons are continuous; export the float network "
            "that it was made from"
        )
        return
    arriving = _arriving(network)
    for name, population in network.populations.items():
        if isinstance(population.neuron, LIF):
            n_arriving = len(arriving[name])
            yield from neuron_problems(name, population.neuron, population.size, n_arriving)
    n_bytes = 0
    for projection in network.projections:
        synapses = projection.synapses
        if synapses.n_pairs < synapses.n_active:
            yield (
                f"projection {projection.name!r}: several synapses between a pair; a matrix has "
                "one entry; merge them with Synapses.merged()"
            )
        own = synapses.delays
        n_pieces = 1 if own is None else max(1, np.unique(own).size)
        n_bytes += n_pieces * synapses.n_potential * synapses.dtype.itemsize
    if n_bytes > max_bytes:
        yield (
            f"its weights take {n_bytes:,} bytes as the dense matrices of NIR (one for each delay "
            f"of a projection); allowed are max_bytes={max_bytes:,}"
        )


def _arriving(network: Network) -> dict[str, list[Projection]]:
    arriving: dict[str, list[Projection]] = {name: [] for name in network.populations}
    for projection in network.projections:
        arriving[projection.target].append(projection)
    return arriving


def _bias(network: Network, projection: Projection, *, first: bool) -> Any:
    """Return the bias that the linear node of a projection adds; None if another does."""
    target = network.populations[projection.target]
    if not (first and isinstance(target.neuron, LIF) and has_affine_bias(target.neuron, 1)):
        return None
    return np.broadcast_to(np.asarray(target.neuron.bias, dtype=np.float64), target.size).copy()


def _add_piece(
    nodes: dict[str, Any],
    names: _Names,
    projection: Projection,
    piece: Piece,
    bias: Any,
    dt: float,
) -> list[str]:
    """Add the nodes of a piece; return their names in the order in which spikes pass them."""
    nir = load_nir()
    added = []
    if piece.delay > 1:
        added.append(names.give(f"{projection.name}_delay"))
        n_pre = projection.synapses.n_pre
        nodes[added[0]] = nir.Delay(np.full(n_pre, (piece.delay - 1) * dt))
    added.append(names.give(projection.name))
    if bias is None:
        nodes[added[-1]] = nir.Linear(piece.weight, metadata=piece.metadata)
    else:
        nodes[added[-1]] = nir.Affine(piece.weight, bias, metadata=piece.metadata)
    return added


def _warn_of_resets(network: Network) -> None:
    losing = [
        repr(name)
        for name, population in network.populations.items()
        if isinstance(population.neuron, LIF) and population.neuron.reset == "subtract"
    ]
    if losing:
        warnings.warn(
            f"network: {', '.join(losing)} reset by subtraction, which NIR's neurons do not; "
            "from_nir reads it from the metadata, other readers will reset to v_reset",
            stacklevel=3,
        )
