"""From neurons to neurons: what stands between them in a NIR graph, as one linear map each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.interop.nir.file import FlatGraph
from neurosparse.interop.nir.neurons import NEURONS

__all__ = ["MAPS", "ORDER", "Route", "Routes", "find_routes", "size_of"]

MAPS = ("Linear", "Affine", "Scale", "Delay", "Flatten")
# a Flatten does nothing to neurons that are counted in this order of their axes
ORDER = "C"


@dataclass(frozen=True)
class Route:
    """A way from one node of neurons (or Input) to another, or to an Output.

    Parameters
    ----------
    source, target : str
        Nodes.
    weight : (n_post, n_pre) float array, optional
        None where no linear node stands between them.
    linear : str
        That node; empty if there is none.
    before, after : vector, optional
        What Scale nodes multiply by, before and after the linear node.
    delay_before, delay_after : vector or 0 [s]
        Of Delay nodes.
    width : int, optional
        Values that arrive at the target; None if nothing on the way says.
    """

    source: str
    target: str = ""
    weight: NDArray[Any] | None = None
    linear: str = ""
    before: Any = 1.0
    after: Any = 1.0
    delay_before: Any = 0.0
    delay_after: Any = 0.0
    width: int | None = None

    @property
    def is_bare(self) -> bool:
        """Whether nothing but a Flatten stands between the two."""
        parts = (self.before, self.after)
        return (
            self.weight is None
            and all(np.ndim(part) == 0 for part in parts)
            and not (np.any(self.delay_before) or np.any(self.delay_after))
        )


class Routes(NamedTuple):
    """All of them, and what Affine nodes add to every node of neurons."""

    routes: list[Route]
    drives: dict[str, list[NDArray[np.float64]]]


def size_of(node: Any) -> int | None:
    """Return the number of neurons of an Input, Output or node of neurons; None if unknown."""
    kind = type(node).__name__
    if kind in ("Input", "Output"):
        shape = (node.input_type or {}).get("input")
        # no axis: what an exporter makes of neurons with one number for all
        return int(np.prod(shape)) if shape is not None and np.size(shape) else None
    values = node.threshold if kind == "Threshold" else node.v_threshold
    # a single number: as snnTorch writes neurons that share their parameters
    return None if np.size(values) == 1 else int(np.size(values))


def find_routes(graph: FlatGraph, problems: list[str]) -> Routes:
    """Return every way from neurons (or Input) to neurons (or Output).

    Parameters
    ----------
    graph : FlatGraph
        Its nodes of kinds that have no equivalent are passed over; they are the caller's to name.
    problems : list of str
        Takes up ways that have no equivalent.
    """
    routes: list[Route] = []
    biases: dict[tuple[str, ...], NDArray[np.float64]] = {}
    seen: set[str] = set()
    unknown = False
    for name, node in graph.nodes.items():
        if type(node).__name__ not in (*NEURONS, "Input"):
            unknown |= type(node).__name__ not in (*MAPS, "Output")
            continue
        for route, path in _walk(graph, Route(name, width=size_of(node)), (name,), problems):
            routes.append(route)
            seen |= set(path)
            biases |= _biases(graph, path)
    drives: dict[str, list[NDArray[np.float64]]] = {}
    for path, bias in biases.items():
        drives.setdefault(path[-1], []).append(bias)
    if not problems and not unknown:  # which would explain it
        problems += [
            f"node {name!r} ({type(node).__name__}) stands on no way from an Input or neurons to "
            "neurons; remove it"
            for name, node in graph.nodes.items()
            if type(node).__name__ in MAPS and name not in seen
        ]
    return Routes(routes, drives)


def _walk(
    graph: FlatGraph, route: Route, path: tuple[str, ...], problems: list[str]
) -> Iterator[tuple[Route, tuple[str, ...]]]:
    for name in graph.after(path[-1]):
        node = graph.nodes[name]
        kind = type(node).__name__
        if kind in (*NEURONS, "Output"):
            yield replace(route, target=name), (*path, name)
        elif kind in MAPS and name in path[1:]:
            problems.append(f"node {name!r} ({kind}): a loop without neurons")
        elif kind in MAPS:
            further = _through(name, node, route, problems)
            if further is not None:
                yield from _walk(graph, further, (*path, name), problems)


def _through(name: str, node: Any, route: Route, problems: list[str]) -> Route | None:
    """Return the way as it goes on behind a node; None if it cannot."""
    kind = type(node).__name__
    if kind == "Flatten":
        return route
    values = np.asarray(getattr(node, {"Scale": "scale", "Delay": "delay"}.get(kind, "weight")))
    where, n_pre = f"node {name!r} ({kind})", values.shape[-1] if values.ndim else 1
    wrong = None
    if kind in ("Linear", "Affine") and values.ndim != 2:
        wrong = f"weight has {values.ndim} axes; allowed are 2"
    elif kind in ("Linear", "Affine") and route.weight is not None:
        wrong = f"follows {route.linear!r} without neurons between them; multiply the two"
    elif kind in ("Scale", "Delay"):
        values = values.astype(np.float64).ravel()
        n_pre = values.size
    if wrong is None and route.width not in (None, n_pre):
        wrong = f"takes {n_pre} values, but {route.width} arrive"
    if wrong is not None:
        problems.append(f"{where}: {wrong}")
        return None
    if kind in ("Linear", "Affine"):
        return replace(route, weight=values, linear=name, width=values.shape[0])
    width = values.size if route.width is None else route.width
    side = "before" if route.weight is None else "after"
    if kind == "Scale":
        return replace(route, width=width, **{side: getattr(route, side) * values})
    side = f"delay_{side}"
    return replace(route, width=width, **{side: getattr(route, side) + values})


def _biases(graph: FlatGraph, path: tuple[str, ...]) -> dict[tuple[str, ...], NDArray[np.float64]]:
    """Return what the Affine nodes of a way add, by the way from each to its end.

    So what two sources share is counted once. What scales a signal scales its bias too.
    """
    found = {}
    for index, name in enumerate(path):
        node = graph.nodes[name]
        if type(node).__name__ != "Affine":
            continue
        bias = np.asarray(node.bias, dtype=np.float64).ravel()
        for later in path[index + 1 :]:
            if type(graph.nodes[later]).__name__ == "Scale":
                bias = bias * np.asarray(graph.nodes[later].scale, dtype=np.float64).ravel()
        found[path[index:]] = bias
    return found
