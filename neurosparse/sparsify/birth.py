"""First weights of newborn synapses."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neurosparse.network.checks import check_positive
from neurosparse.sparsify.layer import LayerView

__all__ = ["Birth", "NormalBirth"]


class Birth(Protocol):
    """Gives newborns their first weights."""

    def __call__(
        self,
        layer: LayerView,
        born: NDArray[np.int64],
        signs: NDArray[np.int8],
        rng: np.random.Generator,
    ) -> NDArray[Any]:
        """Return (n_born,) float, of the signs that were given."""
        ...


class NormalBirth:
    """Draw ``|N(0, std)|``, with the sign a synapse was given.

    Parameters
    ----------
    std : float
        > 0.

    Raises
    ------
    ParameterError
        If it is not.
    """

    def __init__(self, std: float) -> None:
        self.std = check_positive("std", std)

    def __call__(
        self,
        layer: LayerView,
        born: NDArray[np.int64],
        signs: NDArray[np.int8],
        rng: np.random.Generator,
    ) -> NDArray[Any]:
        """Return the weights."""
        sizes = np.abs(rng.normal(0.0, self.std, born.size))
        return (sizes * signs).astype(layer.weights.dtype)
