"""What a scheme sees of a layer, and how a layer's synapses are exchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LayerView", "Rewiring", "exchange"]


@dataclass
class LayerView:
    """The active synapses of one layer, as arrays shared with whoever owns them.

    Parameters
    ----------
    n_post, n_pre : int
        Shape of the matrix of potential synapses.
    keys : (n_active,) int64
        ``post * n_pre + pre`` of every synapse, ascending.
    weights : (n_active,) float
        Signed weights ``w = s * theta``; changed in place by noise.
    signs : (n_active,) int8
        The sign ``s`` a synapse was given.
    learning_rate : float
        Of this step.
    """

    n_post: int
    n_pre: int
    keys: NDArray[np.int64]
    weights: NDArray[Any]
    signs: NDArray[np.int8]
    learning_rate: float

    @property
    def n_potential(self) -> int:
        """Number of synapses that could exist."""
        return self.n_post * self.n_pre

    @property
    def n_active(self) -> int:
        """Number of synapses that exist."""
        return self.keys.size


@dataclass(frozen=True)
class Rewiring:
    """A layer's synapses after an exchange.

    Parameters
    ----------
    keys : (n_active,) int64
        New synapses and survivors, ascending.
    origin : (n_active,) int64
        Where each stood before; -1 for a newborn. Whatever is aligned with the synapses (weights,
        signs, optimiser slots) moves by this.
    signs : (n_active,) int8
        Signs, newborns included.
    n_dropped, n_grown : int
        Turnover of this exchange.
    """

    keys: NDArray[np.int64]
    origin: NDArray[np.int64]
    signs: NDArray[np.int8]
    n_dropped: int
    n_grown: int


def exchange(
    layer: LayerView,
    dropped: NDArray[np.bool_],
    born: NDArray[np.int64],
    born_signs: NDArray[np.int8],
) -> Rewiring:
    """Take out the dropped synapses and merge the newborn in, keeping the order.

    Parameters
    ----------
    layer : LayerView
        Before.
    dropped : (n_active,) bool
        Synapses to take out.
    born : (n_born,) int64
        Keys to add, none of them among the survivors.
    born_signs : (n_born,) int8
        Their signs.

    Returns
    -------
    Rewiring
        O(n_active) time and memory.
    """
    survivors = np.flatnonzero(~dropped)
    keys = np.concatenate([layer.keys[survivors], born])
    origin = np.concatenate([survivors, np.full(born.size, -1)])
    signs = np.concatenate([layer.signs[survivors], born_signs])
    order = np.argsort(keys, kind="stable")  # two sorted runs: the merge is linear
    return Rewiring(
        keys[order],
        origin[order],
        signs[order],
        n_dropped=layer.n_active - survivors.size,
        n_grown=born.size,
    )
