"""Noise and prior: what moves the weights besides the gradient of the loss."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from neurosparse.errors import ParameterError
from neurosparse.sparsify.layer import LayerView

__all__ = ["Langevin", "Noise"]


class Noise(Protocol):
    """Perturbs the active weights of a layer in place after the optimiser's step."""

    def __call__(self, layer: LayerView, rng: np.random.Generator) -> None:
        """Change ``layer.weights``."""
        ...


class Langevin:
    r"""L1 prior and thermal noise of DEEP R, applied outside the optimiser's adaptive step.

    ``theta -= eta alpha`` and ``theta += sqrt(2 eta T) nu`` with ``nu ~ N(0, 1)``, for active
    synapses only; with ``w = s theta`` the prior pulls every weight towards zero.

    Parameters
    ----------
    l1 : float
        ``alpha``, strength of the prior; >= 0.
    temperature : float
        ``T``; >= 0. 0 gives the deterministic variant.

    Raises
    ------
    ParameterError
        If one is negative or not finite.

    References
    ----------
    Bellec et al. 2018 (arXiv 1711.05136), algorithm 1 and equation 4.
    """

    def __init__(self, l1: float = 0.0, temperature: float = 0.0) -> None:
        for name, value in (("l1", l1), ("temperature", temperature)):
            if not 0 <= value < np.inf:
                raise ParameterError(f"{name}: got {value!r}; allowed is >= 0")
        self.l1 = float(l1)
        self.temperature = float(temperature)

    def __call__(self, layer: LayerView, rng: np.random.Generator) -> None:
        """Move the weights; nothing is drawn at temperature 0."""
        eta = layer.learning_rate
        if self.l1:
            layer.weights -= (eta * self.l1 * layer.signs).astype(layer.weights.dtype)
        if self.temperature:
            scale = np.sqrt(2 * eta * self.temperature)
            layer.weights += (scale * rng.standard_normal(layer.n_active)).astype(
                layer.weights.dtype
            )
