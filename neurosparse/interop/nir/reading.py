"""What a NIR graph holds in our terms, before numbers are looked at."""

from __future__ import annotations

from typing import NamedTuple

from neurosparse.interop.nir.file import FlatGraph
from neurosparse.interop.nir.neurons import NEURONS
from neurosparse.interop.nir.notes import GraphNotes
from neurosparse.interop.nir.routes import Route, Routes, size_of

__all__ = ["Reading", "read_structure"]


class Reading(NamedTuple):
    """What is known of a graph on the way to a network."""

    graph: FlatGraph
    notes: GraphNotes | None
    sizes: dict[str, int]  # of Inputs and nodes of neurons
    names: dict[str, str]  # node -> population
    driven: set[str]  # nodes of neurons that an Input drives by currents
    routes: list[Route]  # between populations


def read_structure(
    graph: FlatGraph, notes: GraphNotes | None, found: Routes, problems: list[str]
) -> Reading:
    """Return which nodes are populations, how large they are, and what leads from one to another.

    An Input that leads to one node of neurons, and nothing stands between them, is no population.
    What has no equivalent is added to ``problems``.
    """
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    leaving: dict[str, list[Route]] = {}
    for route in found.routes:
        leaving.setdefault(route.source, []).append(route)
        if kinds[route.target] == "Output" and not (route.is_bare and not route.linear):
            problems.append(
                f"node {route.target!r} (Output): {route.linear or 'a Scale or Delay'!r} leads to "
                "it; outputs are spikes of neurons"
            )
    driven, dropped = set(), set()
    for name, kind in kinds.items():
        ways = leaving.get(name, [])
        lone = ways[0] if kind == "Input" and len(ways) == 1 else None
        if lone is not None and lone.is_bare and kinds[lone.target] in NEURONS:
            driven.add(lone.target)
            dropped.add(name)
    carriers = [n for n, kind in kinds.items() if kind in (*NEURONS, "Input") and n not in dropped]
    routes = [r for r in found.routes if r.source not in dropped and kinds[r.target] != "Output"]
    sizes = _sizes(graph, found.routes, problems)
    if not carriers:
        problems.append("there are no neurons and no Input")
    names = _names(carriers, notes)
    return Reading(graph, notes, sizes, names, driven, routes)


def _sizes(graph: FlatGraph, routes: list[Route], problems: list[str]) -> dict[str, int]:
    """Return the number of neurons of every node; where it has one number, others say."""
    sizes: dict[str, int] = {}
    for name, node in graph.nodes.items():
        if type(node).__name__ in (*NEURONS, "Input", "Output"):
            size = size_of(node)
            if size is not None:
                sizes[name] = size
    for _ in graph.nodes:  # at most as many rounds as sizes can travel
        before = len(sizes)
        for route in routes:
            n_pre = None if route.weight is None else route.weight.shape[1]
            if n_pre is not None:
                sizes.setdefault(route.source, n_pre)
            width = route.width if n_pre is not None else sizes.get(route.source, route.width)
            if width is not None:
                sizes.setdefault(route.target, width)
        if len(sizes) == before:
            break
    for route in routes:
        width = sizes.get(route.source, 1) if route.weight is None else route.weight.shape[0]
        if sizes.get(route.target, width) != width:
            problems.append(
                f"node {route.target!r} has {sizes[route.target]} neurons, but {width} values "
                f"arrive from {route.linear or route.source!r}"
            )
    return sizes


def _names(carriers: list[str], notes: GraphNotes | None) -> dict[str, str]:
    """Return node -> population, in the order of populations."""
    noted = {} if notes is None else {node: name for name, node in notes.populations.items()}
    names = {node: name for node, name in noted.items() if node in carriers}
    for node in carriers:
        if node not in names:
            free = node
            while free in names.values():
                free += "_"
            names[node] = free
    return names
