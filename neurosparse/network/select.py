"""Fewer synapses: those that are chosen, and one for all of a pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import TopologyError
from neurosparse.network.checks import check_vector
from neurosparse.network.rows import FanIn, FanOut, frozen, is_constant, row_ties
from neurosparse.network.values import check_weights

__all__ = ["merge_ties", "select"]


def select(rows: FanIn | FanOut, keep: NDArray[np.int64]) -> FanIn | FanOut:
    """Return the entries ``keep``, ascending, as rows of the same kind."""
    indptr, indices, weights, delays = rows
    return type(rows)(
        frozen(np.searchsorted(keep, indptr)),
        frozen(indices[keep]),
        np.broadcast_to(weights[0], keep.size) if is_constant(weights) else frozen(weights[keep]),
        None if delays is None else frozen(delays[keep]),
    )


def merge_ties(rows: FanIn | FanOut) -> FanIn | FanOut:
    """Return one entry per pair, with the sum of the weights; see `Synapses.merged`."""
    indptr, indices, weights, delays = rows
    ties = row_ties(indptr, indices)
    if delays is not None:
        unequal = ties[delays[ties] != delays[ties - 1]]
        if unequal.size:
            first = int(unequal[0])
            raise TopologyError(
                f"delays: {unequal.size} synapses differ in delay from another one between the "
                f"same pair (first: {delays[first - 1]} and {delays[first]} steps); they cannot "
                "be merged"
            )
    if not ties.size:
        return rows
    is_first = np.ones(indices.size, dtype=bool)
    is_first[ties] = False
    keep = np.flatnonzero(is_first)
    # sums that int16 or float32 cannot hold are named by the checks
    wide = np.int64 if weights.dtype == np.int16 else np.float64
    sums: NDArray[Any] = np.add.reduceat(weights, keep, dtype=wide)
    values = check_weights(check_vector("weights", sums, keep.size, weights.dtype), keep.size)
    return select(rows, keep)._replace(weights=values)
