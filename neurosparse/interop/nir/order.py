"""When spikes arrive: NIR's connections take no time, ours take a step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

__all__ = ["find_loops", "levels"]

Edge = tuple[str, str]


def find_loops(names: Sequence[str], edges: Collection[Edge]) -> dict[str, int]:
    """Return for every node the number of the group whose members all reach one another."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    number = {name: index for index, name in enumerate(names)}
    ends = np.array([(number[a], number[b]) for a, b in edges], dtype=np.int32).reshape(-1, 2)
    shape = (len(names), len(names))
    matrix = csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=shape)
    _, labels = connected_components(matrix, directed=True, connection="strong")
    return {name: int(label) for name, label in zip(names, labels, strict=True)}


def levels(names: Sequence[str], edges: Iterable[Edge], loops: dict[str, int]) -> dict[str, int]:
    """Return how many connections in a row lead to every node at most, loops left out."""
    between = {(loops[a], loops[b]) for a, b in edges if loops[a] != loops[b]}
    level = dict.fromkeys(loops.values(), 0)
    moved = True
    while moved:
        moved = False
        for pre, post in between:
            if level[post] < level[pre] + 1:
                level[post], moved = level[pre] + 1, True
    return {name: level[loops[name]] for name in names}
