"""What a scheme sees of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network.rows import row_pointers

__all__ = ["LayerView", "rows_of"]


@dataclass
class LayerView:
    """The active synapses of one layer by row, as arrays shared with whoever owns them.

    A row is a postsynaptic neuron and a column a presynaptic one; the other way round if
    ``by_pre``. A *position* is the place of a synapse in these arrays, a *key* is its place in the
    matrix, ``row * n_columns + column``.

    Parameters
    ----------
    n_post, n_pre : int
        Shape of the matrix of potential synapses.
    indptr : (n_rows + 1,) int64
        Row ``i`` holds positions ``indptr[i]`` to ``indptr[i + 1] - 1``.
    indices : (n_active,) int32
        Columns, ascending within a row, without doubles.
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
    gradient : (n_active,) float or None
        Of the loss in this step, where a rule needs it (`Scheme.needs`).
    slots : mapping of str to (n_active,) float
        What the optimiser keeps for each synapse, by its names, where a rule needs it.
    candidates : (n,) int64 and (n,) float, or None
        Keys of dormant synapses and the size of their gradients, the largest ``n_active`` there
        are, where a rule needs them.
    """

    n_post: int
    n_pre: int
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weights: NDArray[Any]
    signs: NDArray[np.int8]
    learning_rate: float
    by_pre: bool = False
    autapses: bool = True
    gradient: NDArray[Any] | None = None
    slots: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    candidates: tuple[NDArray[np.int64], NDArray[Any]] | None = None

    @property
    def n_rows(self) -> int:
        """Number of neurons that have a row each."""
        return self.n_pre if self.by_pre else self.n_post

    @property
    def n_columns(self) -> int:
        """Number of neurons that ``indices`` counts."""
        return self.n_post if self.by_pre else self.n_pre

    @property
    def n_potential(self) -> int:
        """Number of synapses that could exist."""
        diagonal = 0 if self.autapses else min(self.n_post, self.n_pre)
        return self.n_post * self.n_pre - diagonal

    @property
    def n_active(self) -> int:
        """Number of synapses that exist."""
        return self.indices.size

    @property
    def rows(self) -> NDArray[np.int64]:
        """Row of every synapse, (n_active,) int64; made on each call."""
        return np.repeat(np.arange(self.n_rows), np.diff(self.indptr))

    @property
    def keys(self) -> NDArray[np.int64]:
        """Key of every synapse, (n_active,) int64, ascending; made on each call."""
        keys = self.rows
        keys *= self.n_columns
        keys += self.indices
        return keys

    def post_major(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return keys of this layer as ``post * n_pre + pre``."""
        if not self.by_pre:
            return keys
        pre, post = np.divmod(keys, self.n_post)
        return post * self.n_pre + pre


def rows_of(
    keys: NDArray[np.int64], n_rows: int, n_columns: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return row pointers and columns of ascending keys, ``row * n_columns + column``.

    Parameters
    ----------
    keys : (n_active,) int64
        Ascending, distinct.
    n_rows, n_columns : int
        Shape of the matrix.

    Returns
    -------
    indptr : (n_rows + 1,) int64
        Row pointers.
    indices : (n_active,) int32
        Columns.
    """
    rows = keys // n_columns
    indptr = row_pointers(np.bincount(rows, minlength=n_rows))
    rows *= n_columns
    return indptr, (keys - rows).astype(np.int32)
