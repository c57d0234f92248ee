"""The random walk of soft-DEEP R: masked parameters wander below zero until they come back."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neurosparse.network.checks import check_positive
from neurosparse.sparsify.context import Context
from neurosparse.sparsify.masks.scheme import MaskView, counts_of
from neurosparse.sparsify.target import Target

__all__ = ["SoftWalk"]


class SoftWalk:
    r"""Noise on all ``theta``, the prior on active ones; a synapse exists where ``theta > 0``.

    After the optimiser's step, with ``w = s theta`` stored for every potential synapse:
    ``theta -= eta alpha`` where it was active, ``theta += sqrt(2 eta T) nu`` everywhere,
    ``theta = max(theta, theta_min)`` with ``theta_min = -T (1 - p) / (alpha p)``.

    Parameters
    ----------
    target : Target
        Expected number of synapses of each layer, ``p n_potential``.
    l1 : float
        ``alpha``; > 0.
    temperature : float
        ``T``; > 0.

    Raises
    ------
    ParameterError
        If a number lies outside.
    """

    def __init__(self, target: Target, l1: float, temperature: float) -> None:
        self.target = target
        self.l1 = check_positive("l1", l1)
        self.temperature = check_positive("temperature", temperature)

    def least(self, layers: Sequence[MaskView], context: Context) -> NDArray[np.float64]:
        """Return ``theta_min`` of each layer, (n_layers,)."""
        counts = counts_of(self.target, layers, context.step)
        p = counts / np.array([layer.n_potential for layer in layers])
        least: NDArray[np.float64] = -self.temperature * (1 - p) / (self.l1 * p)
        return least

    def scatter(self, layers: Sequence[MaskView], context: Context) -> None:
        """Start: active synapses keep their weights; others get a sign, and a place below 0.

        ``theta`` of masked synapses is uniform between ``theta_min`` and 0.
        """
        rng = context.rng
        for layer, least in zip(layers, self.least(layers, context).tolist(), strict=True):
            drawn = rng.choice(np.array([-1, 1], dtype=np.int8), layer.n_potential)
            layer.signs[:] = np.where(layer.mask, np.where(layer.weights < 0, -1, 1), drawn)
            masked = ~layer.mask
            theta = rng.uniform(least, 0.0, int(masked.sum()))
            layer.weights[masked] = layer.signs[masked] * theta

    def __call__(self, layers: Sequence[MaskView], context: Context) -> None:
        """Move ``theta``, and set the masks."""
        for layer, least in zip(layers, self.least(layers, context).tolist(), strict=True):
            eta = layer.learning_rate
            theta = layer.signs * layer.weights
            theta[layer.mask] -= eta * self.l1
            noise = context.rng.standard_normal(theta.size, dtype=theta.dtype.type)
            theta += math.sqrt(2 * eta * self.temperature) * noise
            np.maximum(theta, theta.dtype.type(least), out=theta)
            layer.weights[:] = layer.signs * theta
            layer.mask[:] = theta > 0
