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
        ``post * n_pre + pre`` of every synapse, ascending; ``pre * n_post + post`` if ``by_pre``.
    weights : (n_active,) float
        Signed weights ``w = s * theta``; changed in place by noise.
    signs : (n_active,) int8
        The sign ``s`` a synapse was given.
    learning_rate : float
        Of this step.
    by_pre : bool
        Whether synapses stand by presynaptic row, as the simulator has them.
    autapses : bool
        Whether neuron ``i`` of the source may connect to neuron ``i`` of the target.
    """

    n_post: int
    n_pre: int
    keys: NDArray[np.int64]
    weights: NDArray[Any]
    signs: NDArray[np.int8]
    learning_rate: float
    by_pre: bool = False
    autapses: bool = True

    @property
    def n_potential(self) -> int:
        """Number of synapses that could exist."""
        diagonal = 0 if self.autapses else min(self.n_post, self.n_pre)
        return self.n_post * self.n_pre - diagonal

    @property
    def n_active(self) -> int:
        """Number of synapses that exist."""
        return self.keys.size

    def post_major(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return keys of this layer as ``post * n_pre + pre``."""
        if not self.by_pre:
            return keys
        pre, post = np.divmod(keys, self.n_post)
        return post * self.n_pre + pre


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
