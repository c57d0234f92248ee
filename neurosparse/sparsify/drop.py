"""Drop rules: which active synapses go. `magnitude` has those that go by size."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import sample_distinct
from neurosparse.network.checks import check_fraction
from neurosparse.sparsify.context import Context
from neurosparse.sparsify.drop_kernels import find_across
from neurosparse.sparsify.layer import LayerView

__all__ = ["DropRule", "LayerDropRule", "Nothing", "RandomShare", "SignChange"]


class DropRule(Protocol):
    """Chooses the synapses to drop, in all layers at once.

    A rule that needs more than the weights has an attribute ``needs``, see `Scheme.needs`.
    """

    def __call__(self, layers: Sequence[LayerView], context: Context) -> list[NDArray[np.int64]]:
        """Return per layer (n_dropped,) int64 positions, ascending (`numpy.flatnonzero`)."""
        ...


class LayerDropRule(ABC):
    """A drop rule that looks at one layer at a time; a subclass says how."""

    def __call__(self, layers: Sequence[LayerView], context: Context) -> list[NDArray[np.int64]]:
        """Return what is chosen in each layer."""
        return [self.choose(layer, context) for layer in layers]

    @abstractmethod
    def choose(self, layer: LayerView, context: Context) -> NDArray[np.int64]:
        """Return (n_dropped,) int64 positions, ascending, distinct."""


class SignChange(LayerDropRule):
    """Drop a synapse whose weight has crossed zero: ``theta = s w < 0`` (DEEP R, algorithm 1).

    Strictly below zero, as in the paper: a newborn at exactly 0 that has not moved stays.
    """

    def choose(self, layer: LayerView, context: Context) -> NDArray[np.int64]:
        """Return where the weight has the other sign than the synapse."""
        weights, signs = np.ascontiguousarray(layer.weights), np.ascontiguousarray(layer.signs)
        positions = np.empty(64 + weights.size // 64, dtype=np.int64)
        n = find_across(weights, signs, positions)
        if n > positions.size:  # more at once than a step of training makes
            positions = np.empty(n, dtype=np.int64)
            find_across(weights, signs, positions)
        return positions[:n]


class RandomShare(LayerDropRule):
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

    def choose(self, layer: LayerView, context: Context) -> NDArray[np.int64]:
        """Return the positions that were drawn."""
        return sample_distinct(context.rng, layer.n_active, round(self.share * layer.n_active))


class Nothing(LayerDropRule):
    """Drop nothing: static connectivity."""

    def choose(self, layer: LayerView, context: Context) -> NDArray[np.int64]:
        """Return no position."""
        return np.zeros(0, dtype=np.int64)
