"""NIR graphs in and out of files, and as one flat graph."""

from __future__ import annotations

import io
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from neurosparse.errors import NeurosparseError, ParameterError, StorageError
from neurosparse.interop.damaged import UNREADABLE
from neurosparse.network.atomic import atomic_write
from neurosparse.optional import load_optional

__all__ = ["FlatGraph", "flatten_graph", "load_nir", "read_graph", "write_graph"]


def load_nir() -> Any:
    """Return the package; `BackendMissingError` where it is not installed."""
    return load_optional("nir", "NIR graphs", "interop")


def read_graph(given: Any) -> Any:
    """Return a graph, reading it if it is in a file.

    Parameters
    ----------
    given : nir.NIRGraph, str or path
        Graph, or a file in NIR's own format (HDF5).

    Raises
    ------
    StorageError
        If the file is missing, truncated or foreign.
    ParameterError
        If it is neither graph nor path.
    """
    nir = load_nir()
    if isinstance(given, nir.NIRGraph):
        return given
    if not isinstance(given, str | PathLike):
        raise ParameterError(
            f"graph: got a {type(given).__name__}; expected nir.NIRGraph or the path of a file"
        )
    path = Path(given)
    if not path.is_file():
        raise StorageError(f"{path}: no such file")
    try:
        # sizes are checked when the network is built; graphs of older exporters lack types
        graph = nir.read(path, type_check=False)
    except NeurosparseError:
        raise
    except UNREADABLE as error:
        raise StorageError(
            f"{path}: not a readable NIR file (truncated, altered or foreign): "
            f"{str(error) or type(error).__name__}"
        ) from error
    if not isinstance(graph, nir.NIRGraph):
        raise StorageError(f"{path}: holds a {type(graph).__name__}; expected a NIRGraph")
    return graph


def write_graph(graph: Any, path: str | PathLike[str]) -> None:
    """Write a graph to a file, completely or not at all."""
    buffer = io.BytesIO()
    load_nir().write(buffer, graph)
    with atomic_write(path) as file:
        file.write(buffer.getbuffer())


class FlatGraph(NamedTuple):
    """A graph without graphs in it; nodes by name, edges in order and each once."""

    nodes: dict[str, Any]
    edges: list[tuple[str, str]]

    def after(self, name: str) -> list[str]:
        """Nodes that a node leads to."""
        return [post for pre, post in self.edges if pre == name]


def flatten_graph(graph: Any, problems: list[str]) -> FlatGraph:
    """Return a graph with what its subgraphs hold in their place, as ``subgraph.node``.

    Inputs and outputs of subgraphs disappear: what leads to the subgraph leads to what its input
    leads to. Edges to and from nodes that are not there are taken up as problems.
    """
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    heads: dict[str, list[str]] = {}  # subgraph -> nodes that take its input
    tails: dict[str, list[str]] = {}  # subgraph -> nodes whose output it gives
    nir = load_nir()
    for name, node in graph.nodes.items():
        if not isinstance(node, nir.NIRGraph):
            nodes[name] = node
            continue
        inner = flatten_graph(node, problems)
        kept = {key for key, each in inner.nodes.items() if not _is_border(nir, each)}
        nodes |= {f"{name}.{key}": inner.nodes[key] for key in inner.nodes if key in kept}
        heads[name], tails[name] = [], []
        for pre, post in inner.edges:
            if pre in kept and post in kept:
                edges.append((f"{name}.{pre}", f"{name}.{post}"))
            elif post in kept:
                heads[name].append(f"{name}.{post}")
            elif pre in kept:
                tails[name].append(f"{name}.{pre}")
    for pre, post in graph.edges:
        problems += [
            f"edge {pre!r} -> {post!r}: there is no node {end!r}"
            for end in (pre, post)
            if end not in graph.nodes
        ]
        edges += [(a, b) for a in tails.get(pre, [pre]) for b in heads.get(post, [post])]
    known = [edge for edge in dict.fromkeys(edges) if edge[0] in nodes and edge[1] in nodes]
    return FlatGraph(nodes, known)


def _is_border(nir: Any, node: Any) -> bool:
    return isinstance(node, nir.Input | nir.Output)
