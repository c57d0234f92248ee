"""Budgets: how many synapses every layer is to regrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError

__all__ = ["Budget", "GlobalBudget", "LayerBudget", "uniform_budget"]


class Budget(Protocol):
    """Says how many synapses each layer grows after a drop; the total is kept exactly."""

    def missing(
        self,
        before: NDArray[np.int64],
        surviving: NDArray[np.int64],
        potential: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> NDArray[np.int64]:
        """Return (n_layers,) int64 to grow, given the counts before and after the drop."""
        ...


class LayerBudget:
    """Every layer keeps the number of synapses it has."""

    def missing(
        self,
        before: NDArray[np.int64],
        surviving: NDArray[np.int64],
        potential: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> NDArray[np.int64]:
        """Return what each layer lost."""
        return before - surviving


class GlobalBudget:
    """One budget for all layers; what is missing is split by one multinomial draw.

    Parameters
    ----------
    shares : sequence of float, optional
        Probability of each layer, up to a factor, per potential synapse (``p_l`` of the reference
        script, drawn with ``size_l * p_l``). Default 1: proportional to the layer's size, as in
        Bayesian connectivity sampling.

    Raises
    ------
    ParameterError
        If a share is not positive.

    References
    ----------
    Bellec et al. 2018, section 2 ("global constraint") and their reference script; Ozdenizci &
    Legenstein 2021 for shares of 1.
    """

    def __init__(self, shares: Sequence[float] | None = None) -> None:
        self.shares = None if shares is None else np.asarray(shares, dtype=np.float64)
        if self.shares is not None and not (
            np.isfinite(self.shares).all() and (self.shares > 0).all()
        ):
            raise ParameterError(f"shares: got {list(self.shares)}; every one must be > 0")

    def missing(
        self,
        before: NDArray[np.int64],
        surviving: NDArray[np.int64],
        potential: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> NDArray[np.int64]:
        """Return the split; what does not fit into a full layer is drawn again for the others."""
        if self.shares is not None and self.shares.size != potential.size:
            raise ParameterError(f"shares: got {self.shares.size} for {potential.size} layers")
        weights = potential * (1.0 if self.shares is None else self.shares)
        room = potential - surviving
        grow = np.zeros_like(room)
        left = int(before.sum() - surviving.sum())
        while left:
            open_layers = np.where(grow < room, weights, 0.0)
            draw = rng.multinomial(left, open_layers / open_layers.sum())
            grow = np.minimum(grow + draw, room)
            left = int(before.sum() - surviving.sum() - grow.sum())
        return grow


def uniform_budget(shapes: Sequence[tuple[int, int]], density: float) -> list[int]:
    """Return the synapses per layer when every layer gets the same density (at least one each)."""
    if not 0 < density <= 1:
        raise ParameterError(f"density: got {density!r}; allowed is 0 < value <= 1")
    return [max(1, round(density * n_post * n_pre)) for n_post, n_pre in shapes]
