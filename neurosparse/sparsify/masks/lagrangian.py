"""LC: learning and compressing in turns, held together by an augmented Lagrangian."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count, check_fraction, check_positive
from neurosparse.sparsify.context import Context
from neurosparse.sparsify.masks.scheme import MaskView, clear_masked, counts_of, largest
from neurosparse.sparsify.schedules import Schedule
from neurosparse.sparsify.target import Target

__all__ = [
    "Compressed",
    "Compression",
    "HardThreshold",
    "Lagrangian",
    "LargestValues",
    "SoftThreshold",
]


class Compressed(NamedTuple):
    """Values after a C step, and which of them exist."""

    theta: NDArray[Any]
    mask: NDArray[np.bool_]


class Compression(Protocol):
    """Solves ``min over theta of mu/2 ||v - theta||^2`` with its penalty or constraint."""

    def __call__(
        self,
        values: Sequence[NDArray[Any]],
        mu: float,
        layers: Sequence[MaskView],
        context: Context,
    ) -> list[Compressed]:
        """Return the solution for the values of all layers, (n_potential,) each."""
        ...


class LargestValues:
    """Constraint ``||theta||_0 <= k``: keep the ``k`` largest ``|v|``.

    Parameters
    ----------
    target : Target
        Synapses of each layer.
    pooled : bool
        Whether ``k`` is one number for all layers, their sum; every layer keeps its largest.
    """

    def __init__(self, target: Target, *, pooled: bool = True) -> None:
        self.target, self.pooled = target, pooled

    def __call__(
        self,
        values: Sequence[NDArray[Any]],
        mu: float,
        layers: Sequence[MaskView],
        context: Context,
    ) -> list[Compressed]:
        """Keep exactly as many as the target says."""
        counts = counts_of(self.target, layers, context.step)
        sizes = [np.abs(own) for own in values]
        masks = largest(sizes, counts, context, pooled=self.pooled)
        return [Compressed(own * mask, mask) for own, mask in zip(values, masks, strict=True)]


class HardThreshold:
    """Penalty ``alpha ||theta||_0``: keep ``|v| > sqrt(2 alpha / mu)``; how many, is found out.

    Parameters
    ----------
    alpha : float
        > 0.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = check_positive("alpha", alpha)

    def __call__(
        self,
        values: Sequence[NDArray[Any]],
        mu: float,
        layers: Sequence[MaskView],
        context: Context,
    ) -> list[Compressed]:
        """Keep what is above the threshold."""
        least = np.sqrt(2 * self.alpha / mu) if mu else np.inf
        masks = [np.abs(own) > least for own in values]
        return [Compressed(own * mask, mask) for own, mask in zip(values, masks, strict=True)]


class SoftThreshold:
    """Penalty ``alpha ||theta||_1``: shrink ``|v|`` by ``alpha / mu``; how many stay, is found out.

    Parameters
    ----------
    alpha : float
        > 0.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = check_positive("alpha", alpha)

    def __call__(
        self,
        values: Sequence[NDArray[Any]],
        mu: float,
        layers: Sequence[MaskView],
        context: Context,
    ) -> list[Compressed]:
        """Shrink."""
        if not mu:
            return [Compressed(0 * own, np.zeros(own.size, dtype=np.bool_)) for own in values]
        least = self.alpha / mu
        return [
            Compressed(np.sign(own) * np.maximum(np.abs(own) - least, 0), np.abs(own) > least)
            for own in values
        ]


class Lagrangian:
    r"""The L and C steps of LC.

    ``min L(w)`` so that ``w = theta`` and ``theta`` is compressed, in turns:

    - L: train ``L(w) + mu/2 ||w - theta - lambda/mu||^2`` for ``period`` steps;
    - C: ``theta = compress(w - lambda/mu)``, then ``lambda -= mu (w - theta)``;

    with ``mu = mu_0 growth^j`` in stage ``j``. Before, a dense phase that ends with
    ``theta = compress(w)`` and ``lambda = 0``; after the last stage ``w = theta``.

    Parameters
    ----------
    compress : Compression
        The C step.
    n_steps : int
        Steps of the whole training; the last C step follows the last of them.
    n_stages : int
        Number of L steps.
    dense : float
        Share of the steps before the first, ``0 < dense < 1``.
    pull : float
        ``eta mu_0 period``, with the learning rate at the end of the dense phase, unless ``mu`` is
        given.
    growth : float
        >= 1.
    mu : float, optional
        ``mu_0``.

    Raises
    ------
    ParameterError
        If a number lies outside.

    Notes
    -----
    The penalty acts outside the optimiser, as decoupled weight decay does, by an implicit step,
    ``w = (w + eta mu (theta + lambda/mu)) / (1 + eta mu)``, which no ``mu`` makes unstable.
    """

    def __init__(
        self,
        compress: Compression,
        *,
        n_steps: int,
        n_stages: int = 40,
        dense: float = 0.2,
        pull: float = 0.1,
        growth: float = 1.1,
        mu: float | None = None,
    ) -> None:
        self.compress = compress
        check_count("n_stages", n_stages, least=1)
        self.n_steps = check_count("n_steps", n_steps, least=n_stages + 1)
        self.n_stages = n_stages
        n_dense = int(n_steps * check_fraction("dense", dense))
        self.period = max(1, min((n_steps - n_dense) // n_stages, n_steps // (n_stages + 1)))
        self.first = n_steps - 1 - n_stages * self.period  # the step that ends the dense phase
        self.pull = check_positive("pull", pull)
        if not 1 <= growth < np.inf:
            raise ParameterError(f"growth: got {growth!r}; allowed is >= 1, finite")
        self.growth = float(growth)
        self.mu = None if mu is None else check_positive("mu", mu)

    @property
    def schedule(self) -> Schedule:
        """When C steps are."""
        start = self.first + 1 - self.period
        return Schedule(every=self.period, start=start, stop=self.n_steps)

    def strength(self, context: Context) -> float:
        """Return ``mu`` of a step after the dense phase."""
        stage = (context.step - self.first - 1) // self.period
        return float(context.memory["mu"] * self.growth**stage)

    def learn(self, layers: Sequence[MaskView], context: Context) -> None:
        """Pull weights to where the last C step wants them; after the end, clear masked ones."""
        if context.step <= self.first:
            return
        if context.step >= self.n_steps:
            clear_masked(layers, context)
            return
        mu = self.strength(context)
        for layer in layers:
            share = layer.learning_rate * mu / (1 + layer.learning_rate * mu)
            target = layer.kept["theta"] + layer.kept["lambda"] / mu
            layer.weights += share * (target - layer.weights)

    def close(self, layers: Sequence[MaskView], context: Context) -> None:
        """Take a C step; after the last, leave ``theta`` as the weights, and the masks with it."""
        weights = [layer.weights for layer in layers]
        if context.step == self.first:
            context.memory["mu"] = self._first_strength(layers)
            for layer, (theta, _) in zip(
                layers, self.compress(weights, 0.0, layers, context), strict=True
            ):
                layer.kept["theta"], layer.kept["lambda"] = theta, np.zeros_like(theta)
            return
        mu = self.strength(context)
        values = [layer.weights - layer.kept["lambda"] / mu for layer in layers]
        for layer, (theta, mask) in zip(
            layers, self.compress(values, mu, layers, context), strict=True
        ):
            if context.step == self.n_steps - 1:
                layer.weights[:], layer.mask[:] = theta, mask
                layer.kept.clear()
            else:
                layer.kept["lambda"] -= mu * (layer.weights - theta)
                layer.kept["theta"] = theta

    def _first_strength(self, layers: Sequence[MaskView]) -> float:
        if self.mu is not None:
            return self.mu
        eta = layers[0].learning_rate
        if eta <= 0:
            raise ParameterError(f"learning_rate: got {eta} when LC begins to compress; give mu")
        return self.pull / (eta * self.period)
