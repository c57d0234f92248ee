"""Grow rules: which dormant synapses become active."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import sample_distinct
from neurosparse.sparsify.grow_kernels import draw_free, merge_distinct
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.philox import draw_key

__all__ = ["GrowRule", "Uniform", "free_keys"]

_NONE = np.zeros(0, dtype=np.int64)


class GrowRule(Protocol):
    """Chooses dormant positions of a layer to activate."""

    def __call__(
        self, layer: LayerView, dropped: NDArray[np.int64], n_grow: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return (n_grow,) int64 keys, ascending, distinct, none of a synapse that survives.

        ``dropped`` are the positions that go, ascending; their keys may be taken again.
        """
        ...


def free_keys(taken: NDArray[np.int64], ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the keys that stand at ``ranks`` among the free positions.

    Parameters
    ----------
    taken : (n_taken,) int64
        Occupied keys, ascending.
    ranks : (n,) int64
        Ranks, counted from 0 over the positions that are not taken.

    Returns
    -------
    (n,) int64
        In the order of ``ranks``.

    Notes
    -----
    Before the i-th taken key lie ``taken[i] - i`` free ones, so a binary search finds how many
    taken keys precede a rank. Nothing of the size of the matrix is touched.
    """
    free_before = taken - np.arange(taken.size)
    return ranks + np.searchsorted(free_before, ranks, side="right")


class Uniform:
    """Grow uniformly at random among all dormant positions, just-dropped ones included.

    Every set of distinct free positions is equally likely, exactly.

    Notes
    -----
    Up to a half-full matrix keys are drawn until enough are free and distinct: O(n_grow log
    n_active) time, O(n_grow) memory. Beyond that distinct ranks among the free positions are
    drawn, then found: O(n_active) both.
    """

    def __call__(
        self, layer: LayerView, dropped: NDArray[np.int64], n_grow: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return the chosen keys."""
        n_taken = layer.n_post * layer.n_pre - layer.n_potential + layer.n_active - dropped.size
        if 2 * (n_taken + n_grow) > layer.n_post * layer.n_pre:
            return _draw_by_rank(layer, dropped, n_grow, rng)
        return _draw_by_rejection(layer, dropped, n_grow, rng)


def _draw_by_rejection(
    layer: LayerView, dropped: NDArray[np.int64], n_grow: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw keys until enough are free and distinct; which come first favours none of them."""
    born = _NONE
    while born.size < n_grow:
        drawn = np.empty(n_grow - born.size, dtype=np.int64)
        key = draw_key(rng)
        draw_free(layer.indptr, layer.indices, layer.n_columns, dropped, layer.autapses, key, drawn)
        drawn.sort()
        merged = np.empty(n_grow, dtype=np.int64)
        born = merged[: merge_distinct(born, drawn, merged)]
    return born


def _draw_by_rank(
    layer: LayerView, dropped: NDArray[np.int64], n_grow: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw distinct ranks among the free positions."""
    taken = np.delete(layer.keys, dropped)
    if not layer.autapses:
        diagonal = np.arange(min(layer.n_post, layer.n_pre)) * (layer.n_columns + 1)
        taken = np.union1d(taken, diagonal)
    n_free = layer.n_post * layer.n_pre - taken.size
    return free_keys(taken, sample_distinct(rng, n_free, n_grow))
