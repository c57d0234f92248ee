"""How synapses of a layer are exchanged, and how everything aligned with them follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ShapeError, TopologyError
from neurosparse.sparsify.exchange_kernels import OUT_OF_ORDER, TAKEN, place_newborns, settle
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.moving_kernels import copy_moved, move_parallel, move_serial

__all__ = ["Rewiring", "exchange"]

PARALLEL_FROM = 1 << 14  # synapses; to wake threads for fewer gains nothing


@dataclass
class Rewiring:
    """What changes in a layer, in memory of the synapses that change.

    Whatever is aligned with the synapses (columns, weights, signs, optimiser slots) moves by
    ``dropped`` and ``places``: survivors keep their order and close up around the newborn.

    Parameters
    ----------
    n_before : int
        Number of synapses before.
    dropped : (n_dropped,) int64
        Positions that go, ascending, counted before the exchange.
    places : (n_grown,) int64
        Positions of the newborn, ascending, counted after the exchange.
    born : (n_grown,) int64
        Keys of the newborn, ascending.
    columns : (n_grown,) int32
        Their columns.
    signs : (n_grown,) int8
        Their signs.
    indptr : (n_rows + 1,) int64
        Row pointers after the exchange.
    weights : (n_grown,) float or None
        Their first weights; without them 0.
    """

    n_before: int
    dropped: NDArray[np.int64]
    places: NDArray[np.int64]
    born: NDArray[np.int64]
    columns: NDArray[np.int32]
    signs: NDArray[np.int8]
    indptr: NDArray[np.int64]
    weights: NDArray[Any] | None = None

    @property
    def n_dropped(self) -> int:
        """Number of synapses that go."""
        return self.dropped.size

    @property
    def n_grown(self) -> int:
        """Number of synapses that come."""
        return self.places.size

    @property
    def n_after(self) -> int:
        """Number of synapses after the exchange."""
        return self.n_before - self.dropped.size + self.places.size

    @property
    def origin(self) -> NDArray[np.int64]:
        """Where each stood before, -1 for a newborn, (n_after,) int64; made on each call."""
        return self.moved(np.arange(self.n_before), -1)

    def moved(self, values: NDArray[Any], born: Any) -> NDArray[Any]:
        """Return what is aligned with the synapses as it is after the exchange.

        Parameters
        ----------
        values : (n_before,)
            Stays as it is.
        born : scalar or (n_grown,)
            What the newborn get.

        Returns
        -------
        (n_after,)
            Of the same dtype.
        """
        values = np.ascontiguousarray(values)
        out = np.empty(self.n_after, dtype=values.dtype)
        source, target, size = (
            np.array([number]) for number in (values.ctypes.data, out.ctypes.data, values.itemsize)
        )
        copy_moved(source, target, size, self.n_before, self.n_after, self.dropped, self.places)
        out[self.places] = born
        return out

    def move_at(self, addresses: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
        """Move arrays that are aligned with the synapses in place; the newborn get zeros.

        Parameters
        ----------
        addresses : (n_arrays,) int64
            Where arrays of ``n_before`` contiguous entries lie; there have to be ``n_after`` too.
        sizes : (n_arrays,) int64 [bytes]
            Of an entry of each.

        Notes
        -----
        No copy is made. Time O(n_active) at the speed of memmove.
        """
        n = self.n_before
        if n < PARALLEL_FROM:
            move_serial(addresses, sizes, n, self.dropped, self.places, np.array([0, n]))
        else:
            n_parts = numba.get_num_threads()
            bounds = np.arange(n_parts + 1) * n // n_parts
            move_parallel(addresses, sizes, n, self.dropped, self.places, bounds)

    def settle(self, layer: LayerView) -> None:
        """Write the newborn into columns and signs, and row pointers, of arrays that were moved."""
        settle(
            layer.indptr,
            layer.indices,
            layer.signs,
            self.places,
            self.columns,
            self.signs,
            self.indptr,
        )


def exchange(
    layer: LayerView,
    dropped: NDArray[np.int64],
    born: NDArray[np.int64],
    born_signs: NDArray[np.int8],
) -> Rewiring:
    """Decide where survivors and newborns stand when dropped synapses are out.

    Parameters
    ----------
    layer : LayerView
        Before; it stays as it is.
    dropped : (n_dropped,) int64
        Positions to take out, ascending.
    born : (n_born,) int64
        Keys to add, ascending.
    born_signs : (n_born,) int8
        Their signs.

    Returns
    -------
    Rewiring

    Raises
    ------
    TopologyError
        If keys are not ascending inside the matrix, or stand among the survivors.
    ShapeError
        If there are more or fewer signs than keys.

    Notes
    -----
    Time O(n_dropped + n_born log n_active + n_rows), memory O(n_dropped + n_born + n_rows).
    """
    if born_signs.size != born.size:
        raise ShapeError(f"born_signs: got {born_signs.size} for {born.size} newborn synapses")
    born = np.ascontiguousarray(born, dtype=np.int64)
    places = np.empty(born.size, dtype=np.int64)
    columns = np.empty(born.size, dtype=np.int32)
    indptr = np.empty_like(layer.indptr)
    status = place_newborns(
        layer.indptr, layer.indices, layer.n_columns, dropped, born, places, columns, indptr
    )
    if status == OUT_OF_ORDER:
        last = layer.n_rows * layer.n_columns - 1
        raise TopologyError(f"born: keys must ascend, without doubles, within 0..{last}")
    if status == TAKEN:
        raise TopologyError("born: a key stands among the surviving synapses")
    return Rewiring(layer.n_active, dropped, places, born, columns, born_signs, indptr)
