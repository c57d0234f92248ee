"""Grow rules: which dormant synapses become active."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network import sample_distinct
from neurosparse.sparsify.grow_kernels import draw_free, merge_distinct
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.philox import draw_key

__all__ = ["GrowRule", "LargestGradient", "Uniform", "free_keys"]

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
    """Grow uniformly at random among all dormant positions.

    Every set of distinct free positions is equally likely, exactly.

    Parameters
    ----------
    again : bool
        Whether a position that is just dropped may be taken at once. If not, it may where there
        are not enough others; all are then equally likely.

    Notes
    -----
    Up to a half-full matrix keys are drawn until enough are free and distinct: O(n_grow log
    n_active) time, O(n_grow) memory. Beyond that distinct ranks among the free positions are
    drawn, then found: O(n_active) both.
    """

    def __init__(self, *, again: bool = True) -> None:
        self.again = again

    def __call__(
        self, layer: LayerView, dropped: NDArray[np.int64], n_grow: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return the chosen keys."""
        if not self.again and n_grow <= layer.n_potential - layer.n_active:
            dropped = _NONE
        n_taken = layer.n_post * layer.n_pre - layer.n_potential + layer.n_active - dropped.size
        if 2 * (n_taken + n_grow) > layer.n_post * layer.n_pre:
            return _draw_by_rank(layer, dropped, n_grow, rng)
        return _draw_by_rejection(layer, dropped, n_grow, rng)


class LargestGradient:
    """Grow where the loss has the largest gradient, of all positions that no survivor holds.

    A position that is just dropped competes with the size of its own gradient; where it wins, the
    synapse simply stays, with its weight and what the optimiser keeps for it. If there are fewer
    candidates than wanted, chance gives the rest.

    References
    ----------
    Evci et al. 2020 (RigL), arXiv 1911.11134, section 3, and their code
    (``sparse_optimizers_base.py``).
    """

    needs = ("gradient", "candidates")
    revives = True

    def __call__(
        self, layer: LayerView, dropped: NDArray[np.int64], n_grow: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return the chosen keys.

        Raises
        ------
        ParameterError
            If the layer came without candidates.
        """
        if not n_grow:
            return _NONE
        if layer.candidates is None or layer.gradient is None:
            raise ParameterError(
                "grow: LargestGradient needs the gradients of dormant synapses, which there are "
                "only in training (neurosparse.train.Rewirer) after a backward pass"
            )
        keys, sizes = layer.candidates
        keys = np.concatenate([keys, layer.keys[dropped]])
        sizes = np.concatenate([sizes, np.abs(layer.gradient[dropped])])
        n = min(n_grow, keys.size)
        born = np.sort(keys[np.argpartition(sizes, keys.size - n)[keys.size - n :]])
        if n == n_grow:
            return born
        taken = np.union1d(np.delete(layer.keys, dropped), born)
        n_free = layer.n_post * layer.n_pre - taken.size
        rest = free_keys(taken, sample_distinct(rng, n_free, n_grow - n))
        return np.sort(np.concatenate([born, rest]))


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
