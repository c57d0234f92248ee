"""How many synapses a layer is to have, where that changes over a training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count, check_fraction
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.schedules import Curve

__all__ = ["Target"]


class Target:
    """Synapses per layer, from all potential ones (where the curve is 0) to a final number (1).

    Parameters
    ----------
    final : float or sequence of int
        Density of every layer, or synapses of every layer.
    curve : callable
        ``step -> share of the way``, for example `Polynomial`; sparsity is linear in it.

    Raises
    ------
    ParameterError
        If a density or a number is out of range.
    """

    def __init__(self, final: float | Sequence[int], curve: Curve) -> None:
        self.curve = curve
        self.final: float | tuple[int, ...]
        if isinstance(final, Sequence | np.ndarray):
            self.final = tuple(check_count("final", count, least=1) for count in final)
        else:
            self.final = check_fraction("final", final)

    def final_counts(self, layers: Sequence[LayerView]) -> NDArray[np.int64]:
        """Return synapses per layer where the curve stands at 1, (n_layers,) int64."""
        potential = np.array([layer.n_potential for layer in layers])
        if not isinstance(self.final, tuple):
            return np.asarray(np.maximum(1, np.rint(self.final * potential)), dtype=np.int64)
        if len(self.final) != len(layers):
            raise ParameterError(f"final: got {len(self.final)} numbers for {len(layers)} layers")
        return np.asarray(np.minimum(self.final, potential))

    def counts(self, layers: Sequence[LayerView], step: int) -> NDArray[np.int64]:
        """Return synapses per layer after ``step``, (n_layers,) int64."""
        potential = np.array([layer.n_potential for layer in layers])
        ways = self.curve(step) * (potential - self.final_counts(layers))
        return np.asarray(np.rint(potential - ways), dtype=np.int64)
