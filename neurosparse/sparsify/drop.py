"""Drop rules: which active synapses go."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import sample_distinct
from neurosparse.network.checks import check_fraction
from neurosparse.sparsify.drop_kernels import find_across
from neurosparse.sparsify.layer import LayerView

__all__ = ["DropRule", "Nothing", "RandomShare", "SignChange"]


class DropRule(Protocol):
    """Chooses the synapses of a layer to drop."""

    def __call__(self, layer: LayerView, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return (n_dropped,) int64 positions, ascending, distinct (`numpy.flatnonzero`)."""
        ...


class SignChange:
    """Drop a synapse whose weight has crossed zero: ``theta = s w < 0`` (DEEP R, algorithm 1).

    Strictly below zero, as in the paper: a newborn at exactly 0 that has not moved stays.
    """

    def __call__(self, layer: LayerView, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return where the weight has the other sign than the synapse."""
        weights, signs = np.ascontiguousarray(layer.weights), np.ascontiguousarray(layer.signs)
        positions = np.empty(64 + weights.size // 64, dtype=np.int64)
        n = find_across(weights, signs, positions)
        if n > positions.size:  # more at once than a step of training makes
            positions = np.empty(n, dtype=np.int64)
            find_across(weights, signs, positions)
        return positions[:n]


class RandomShare:
    """Drop a share of the synapses, chosen uniformly at random.

    Parameters
    ----------
    share : float
        ``0 < share <= 1``; ``round(share * n_active)`` synapses go.

    Raises
    ------
    ParameterError
        If it lies outside.
    """

    def __init__(self, share: float) -> None:
        self.share = check_fraction("share", share)

    def __call__(self, layer: LayerView, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the positions that were drawn."""
        return sample_distinct(rng, layer.n_active, round(self.share * layer.n_active))


class Nothing:
    """Drop nothing: static connectivity."""

    def __call__(self, layer: LayerView, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return no position."""
        return np.zeros(0, dtype=np.int64)
