"""The exchange of SNFS: small weights go, synapses with a large momentum come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.sparsify.context import Context
from neurosparse.sparsify.magnitude import lowest
from neurosparse.sparsify.masks.scheme import MaskView, clear_masked
from neurosparse.sparsify.schedules import Curve

__all__ = ["MomentumExchange", "share_out"]

_ROOM = 0.99  # share of a layer's free places that it may take at once
_NEARLY_FULL = 0.2  # sparsity below which a layer that grows drops no more than it has free places


class MomentumExchange:
    """Drop a share of every layer's smallest ``|w|``; regrow as many where the momentum is largest.

    What went is shared out over layers by the mean ``|momentum|`` of their active weights, and
    grown where ``|momentum|`` of masked weights is largest.

    Parameters
    ----------
    rate : callable
        `Curve` of the share that goes.

    Notes
    -----
    The number of synapses of all layers together is kept exactly. The authors' code rounds every
    layer up and corrects the sum later by a smoothed residual, so that its density drifts
    (sparse_learning, issue 22). A layer keeps at least one synapse. A synapse that went may come
    back at once and then keeps its weight, as in the authors' code; other newborns start at 0.
    """

    def __init__(self, rate: Curve) -> None:
        self.rate = rate

    def __call__(self, layers: Sequence[MaskView], context: Context) -> None:
        """Exchange synapses."""
        momenta = [np.abs(layer.momentum()) for layer in layers]
        means = np.array(
            [
                float(own[layer.mask].mean(dtype=np.float64)) if layer.mask.any() else 0.0
                for layer, own in zip(layers, momenta, strict=True)
            ]
        )
        total = means.sum()
        shares = means / total if total > 0 else np.full(means.size, 1 / means.size)
        rate = self.rate(context.step)
        gone = np.array(
            [
                self._n_dropped(layer, relative, rate)
                for layer, relative in zip(layers, shares * means.size, strict=True)
            ]
        )
        free = np.array([layer.n_potential - layer.n_active for layer in layers]) + gone
        come = share_out(int(gone.sum()), shares, free)
        for layer, own, n_gone, n_come in zip(
            layers, momenta, gone.tolist(), come.tolist(), strict=True
        ):
            _exchange(layer, own, n_gone, n_come, context)
        clear_masked(layers, context)

    def _n_dropped(self, layer: MaskView, relative_share: float, rate: float) -> int:
        """Return how many go; ``relative_share`` above 1 means that the layer grows."""
        n = layer.n_active
        sparsity = 1 - n / layer.n_potential
        if sparsity < _NEARLY_FULL and relative_share > 1:
            rate = min(rate, sparsity)
        return max(0, min(math.ceil(rate * n), n - 1))


def _exchange(
    layer: MaskView, momentum: NDArray[Any], n_gone: int, n_come: int, context: Context
) -> None:
    active = np.flatnonzero(layer.mask)
    layer.mask[active[lowest(np.abs(layer.weights[active]), n_gone, context.rng)]] = False
    masked = np.flatnonzero(~layer.mask)
    layer.mask[masked[lowest(-momentum[masked], n_come, context.rng)]] = True


def share_out(total: int, shares: NDArray[Any], free: NDArray[np.int64]) -> NDArray[np.int64]:
    """Split a number over layers by their shares; what does not fit goes to the others, equally.

    Parameters
    ----------
    total : int
        What is split; at most the sum of ``free``.
    shares : (n_layers,) float
        Adding up to 1.
    free : (n_layers,) int64
        Free places. 99 % of them are taken at most, unless the sum asks for more.

    Returns
    -------
    (n_layers,) int64
        Adding up to ``total`` exactly, by largest remainders.
    """
    room = np.floor(_ROOM * free)
    if room.sum() < total:
        room = free.astype(np.float64)
    wanted = np.minimum(shares * total, room)
    while (left := total - wanted.sum()) > 1e-9 * total:
        open_layers = wanted < room
        wanted[open_layers] += left / open_layers.sum()
        wanted = np.minimum(wanted, room)
    counts: NDArray[np.int64] = np.floor(wanted + 1e-6).astype(np.int64)
    by_remainder = np.argsort(counts - wanted, kind="stable")
    counts[by_remainder[: total - int(counts.sum())]] += 1
    return counts
