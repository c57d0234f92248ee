"""Grow rules: which dormant synapses become active."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import sample_distinct
from neurosparse.sparsify.layer import LayerView

__all__ = ["GrowRule", "Uniform", "free_keys"]


class GrowRule(Protocol):
    """Chooses dormant positions of a layer to activate."""

    def __call__(
        self, layer: LayerView, surviving: NDArray[np.int64], n_grow: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return (n_grow,) int64 keys, ascending, distinct, none among ``surviving``."""
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

    Exact and without rejection: distinct ranks among the free positions are drawn, then found.
    """

    def __call__(
        self, layer: LayerView, surviving: NDArray[np.int64], n_grow: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return the chosen keys."""
        taken = surviving
        if not layer.autapses:
            least = min(layer.n_post, layer.n_pre)
            step = (layer.n_post if layer.by_pre else layer.n_pre) + 1
            taken = np.union1d(surviving, np.arange(least) * step)
        n_free = layer.n_post * layer.n_pre - taken.size
        return free_keys(taken, sample_distinct(rng, n_free, n_grow))
