"""Budgets: how many synapses every layer is to regrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_fraction
from neurosparse.sparsify.context import Context
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.target import Target

__all__ = [
    "Budget",
    "GlobalBudget",
    "LayerBudget",
    "NoRegrowth",
    "SurvivorBudget",
    "UpTo",
    "er_budget",
    "uniform_budget",
]


class Budget(Protocol):
    """Says how many synapses each layer grows after a drop."""

    def missing(
        self, layers: Sequence[LayerView], surviving: NDArray[np.int64], context: Context
    ) -> NDArray[np.int64]:
        """Return (n_layers,) int64 to grow, given the layers before and the counts after it."""
        ...


class LayerBudget:
    """Every layer keeps the number of synapses it has."""

    def missing(
        self, layers: Sequence[LayerView], surviving: NDArray[np.int64], context: Context
    ) -> NDArray[np.int64]:
        """Return what each layer lost."""
        return np.asarray(_active(layers) - surviving)


class GlobalBudget:
    """One budget for all layers; what is missing is split by one multinomial draw.

    Parameters
    ----------
    shares : sequence of float or "start", optional
        Probability of each layer, up to a factor, per potential synapse (``p_l``, drawn with
        ``size_l * p_l``). Default 1: proportional to the layer's size, as in Bayesian connectivity
        sampling. ``"start"``: the densities that layers have before the first exchange, as in the
        reference script of DEEP R, where small layers would starve otherwise; they are remembered
        (`Context.memory`).

    Raises
    ------
    ParameterError
        If a share is not positive.

    References
    ----------
    Bellec et al. 2018, section 2 ("global constraint") and their reference script; Ozdenizci &
    Legenstein 2021 for shares of 1.
    """

    def __init__(self, shares: Sequence[float] | Literal["start"] | None = None) -> None:
        self.at_start = isinstance(shares, str)
        if self.at_start and shares != "start":
            raise ParameterError(f"shares: got {shares!r}; allowed are numbers, 'start' and None")
        given = None if shares is None or self.at_start else shares
        self.shares = None if given is None else np.asarray(given, dtype=np.float64)
        if self.shares is not None and not (
            np.isfinite(self.shares).all() and (self.shares > 0).all()
        ):
            raise ParameterError(f"shares: got {list(self.shares)}; every one must be > 0")

    def missing(
        self, layers: Sequence[LayerView], surviving: NDArray[np.int64], context: Context
    ) -> NDArray[np.int64]:
        """Return the split; what does not fit into a full layer is drawn again for the others."""
        potential = _potential(layers)
        n_lost = int((_active(layers) - surviving).sum())
        weights = potential * self._shares(layers, context)
        room = potential - surviving
        grow = np.zeros_like(room)
        left = n_lost
        while left:
            open_layers = np.where(grow < room, weights, 0.0)
            draw = context.rng.multinomial(left, open_layers / open_layers.sum())
            grow = np.minimum(grow + draw, room)
            left = n_lost - int(grow.sum())
        return grow

    def _shares(self, layers: Sequence[LayerView], context: Context) -> NDArray[np.float64]:
        if self.at_start:
            densities = (_active(layers) / _potential(layers)).tolist()
            return np.asarray(context.memory.setdefault("densities_at_start", densities))
        if self.shares is None:
            return np.ones(len(layers))
        if self.shares.size != len(layers):
            raise ParameterError(f"shares: got {self.shares.size} for {len(layers)} layers")
        return self.shares


class SurvivorBudget:
    """One budget for all layers; each grows in proportion to what survived in it.

    What rounding leaves over, and what does not fit into a full layer, goes to layers drawn at
    random.

    References
    ----------
    Mostafa & Wang 2019 (DSR), arXiv 1902.05967, equation 4.
    """

    def missing(
        self, layers: Sequence[LayerView], surviving: NDArray[np.int64], context: Context
    ) -> NDArray[np.int64]:
        """Return the split."""
        room = _potential(layers) - surviving
        n_lost = int((_active(layers) - surviving).sum())
        shares = surviving / max(1, surviving.sum())
        grow = np.minimum(np.rint(shares * n_lost).astype(np.int64), room)
        while n_lost != grow.sum():
            sign = 1 if n_lost > grow.sum() else -1
            able = np.flatnonzero(grow < room if sign > 0 else grow > 0)
            grow[context.rng.choice(able)] += sign
        return np.asarray(grow)


class UpTo:
    """Every layer grows up to what a target says, if it has fewer.

    Parameters
    ----------
    target : Target
        How many each layer is to have.
    """

    def __init__(self, target: Target) -> None:
        self.target = target

    def missing(
        self, layers: Sequence[LayerView], surviving: NDArray[np.int64], context: Context
    ) -> NDArray[np.int64]:
        """Return what is missing from the target."""
        return np.asarray(np.maximum(0, self.target.counts(layers, context.step) - surviving))


class NoRegrowth:
    """No layer grows: pruning."""

    def missing(
        self, layers: Sequence[LayerView], surviving: NDArray[np.int64], context: Context
    ) -> NDArray[np.int64]:
        """Return zeros."""
        return np.zeros_like(surviving)


def _active(layers: Sequence[LayerView]) -> NDArray[np.int64]:
    return np.array([layer.n_active for layer in layers])


def _potential(layers: Sequence[LayerView]) -> NDArray[np.int64]:
    return np.array([layer.n_potential for layer in layers])


def er_budget(shapes: Sequence[tuple[int, int]], density: float) -> list[int]:
    """Return the synapses per layer by Erdos-Renyi: density as ``(n_post + n_pre)/(n_post n_pre)``.

    Parameters
    ----------
    shapes : sequence of (int, int)
        ``(n_post, n_pre)`` of every layer.
    density : float
        Of all layers together, ``0 < density <= 1``.

    Returns
    -------
    list of int
        At least one each. Layers that would be more than full are full, and the others are solved
        for again.

    Raises
    ------
    ParameterError
        If the density is out of range.

    References
    ----------
    Mocanu et al. 2018; Evci et al. 2020, section 3.
    """
    density = check_fraction("density", density)
    potential = np.array([n_post * n_pre for n_post, n_pre in shapes], dtype=np.float64)
    raw = np.array([n_post + n_pre for n_post, n_pre in shapes], dtype=np.float64)
    full = np.zeros(potential.size, dtype=bool)
    wanted = potential.copy()
    while not full.all():
        left = density * potential.sum() - potential[full].sum()
        wanted[~full] = left * raw[~full] / raw[~full].sum()
        over = ~full & (wanted > potential)
        if not over.any():
            break
        wanted[over] = potential[over]
        full |= over
    return [max(1, round(count)) for count in wanted.tolist()]


def uniform_budget(shapes: Sequence[tuple[int, int]], density: float) -> list[int]:
    """Return the synapses per layer when every layer gets the same density (at least one each)."""
    if not 0 < density <= 1:
        raise ParameterError(f"density: got {density!r}; allowed is 0 < value <= 1")
    return [max(1, round(density * n_post * n_pre)) for n_post, n_pre in shapes]
