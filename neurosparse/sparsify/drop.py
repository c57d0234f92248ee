"""Drop rules: which active synapses go."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import sample_distinct
from neurosparse.network.checks import check_fraction
from neurosparse.sparsify.layer import LayerView

__all__ = ["DropRule", "Nothing", "RandomShare", "SignChange"]


class DropRule(Protocol):
    """Chooses the synapses of a layer to drop."""

    def __call__(self, layer: LayerView, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return (n_active,) bool, true where a synapse goes."""
        ...


class SignChange:
    """Drop a synapse whose weight has crossed zero: ``theta = s w < 0`` (DEEP R, algorithm 1).

    Strictly below zero, as in the paper: a newborn at exactly 0 that has not moved stays.
    """

    def __call__(self, layer: LayerView, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return true where the weight has the other sign than the synapse."""
        return layer.weights * layer.signs < 0


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

    def __call__(self, layer: LayerView, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return true where a synapse was chosen."""
        dropped = np.zeros(layer.n_active, dtype=bool)
        dropped[sample_distinct(rng, layer.n_active, round(self.share * layer.n_active))] = True
        return dropped


class Nothing:
    """Drop nothing: static connectivity."""

    def __call__(self, layer: LayerView, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return all false."""
        return np.zeros(layer.n_active, dtype=bool)
