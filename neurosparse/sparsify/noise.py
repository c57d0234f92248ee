"""Noise and prior: what moves the weights besides the gradient of the loss."""

from __future__ import annotations

import math
from typing import Protocol

import numba
import numpy as np

from neurosparse.errors import ParameterError
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.noise_kernels import add_langevin, add_langevin_parallel, pull_weights
from neurosparse.sparsify.philox import draw_key

__all__ = ["Langevin", "Noise"]

PARALLEL_FROM = 1 << 15  # weights that one core shakes in some 35 microseconds


class Noise(Protocol):
    """Perturbs the active weights of a layer in place after the optimiser's step."""

    def __call__(self, layer: LayerView, rng: np.random.Generator) -> None:
        """Change ``layer.weights``."""
        ...


class Langevin:
    r"""Prior and thermal noise of DEEP R, applied outside the optimiser's adaptive step.

    ``theta -= eta (alpha + beta theta)`` and ``theta += sqrt(2 eta T) nu`` with ``nu ~ N(0, 1)``,
    for active synapses only; with ``w = s theta`` a prior pulls every weight towards zero.

    Parameters
    ----------
    l1 : float
        ``alpha``, strength of a Laplacian prior; >= 0.
    temperature : float
        ``T``; >= 0. 0 gives the deterministic variant.
    l2 : float
        ``beta``, strength of a Gaussian prior (decoupled weight decay); >= 0.

    Raises
    ------
    ParameterError
        If one is negative or not finite.

    Notes
    -----
    ``nu`` is float32, whatever the weights are, and ends at 6.6 standard deviations. The same
    generator gives the same numbers on every machine.

    At temperature 0, a pull of less than half a unit in a float32 weight's last place (6e-8 of the
    weight) is rounded away; noise, where there is any, carries it.

    References
    ----------
    Bellec et al. 2018 (arXiv 1711.05136), algorithm 1 and equation 4. Ozdenizci & Legenstein 2021
    for the Gaussian prior.
    """

    def __init__(self, l1: float = 0.0, temperature: float = 0.0, l2: float = 0.0) -> None:
        for name, value in (("l1", l1), ("temperature", temperature), ("l2", l2)):
            if not 0 <= value < np.inf:
                raise ParameterError(f"{name}: got {value!r}; allowed is >= 0")
        self.l1 = float(l1)
        self.temperature = float(temperature)
        self.l2 = float(l2)

    def __call__(self, layer: LayerView, rng: np.random.Generator) -> None:
        """Move the weights; at temperature 0 nothing is drawn, else one number, a key."""
        eta = layer.learning_rate
        pull = eta * self.l1
        decay = eta * self.l2
        if self.temperature:
            scale = math.sqrt(2 * eta * self.temperature)
            arguments = (layer.weights, layer.signs, decay, pull, scale, draw_key(rng))
            if layer.n_active < PARALLEL_FROM:
                add_langevin(*arguments)
            else:
                add_langevin_parallel(*arguments, numba.get_num_threads())
        elif pull or decay:
            pull_weights(layer.weights, layer.signs, decay, pull)
