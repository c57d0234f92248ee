"""The largest gradients of dormant synapses, without a dense gradient in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network.checks import check_count

__all__ = ["GradientProbe"]

_BLOCK = 1 << 18  # gradients looked at together
_ACTIVE = -1.0  # in the place of the size of a gradient


class GradientProbe:
    """Looks through a gradient block of rows by block, and keeps the largest of dormant synapses.

    Set as ``layer.probe``, it takes in every backward pass from then on, as ``weight.grad`` does:
    of each use of the layer, where a pass has several (a loop over time), and of each pass.

    Parameters
    ----------
    n_kept : int
        How many are kept.

    Notes
    -----
    Memory O(n_kept + block), time O(n_potential) per use. Until it is asked, it keeps alive what a
    gradient is made of, the inputs and the gradients of the outputs.
    """

    def __init__(self, n_kept: int) -> None:
        self.n_kept = check_count("n_kept", n_kept, least=1)
        self._parts: list[Callable[[int, int], NDArray[Any]]] = []
        self._rows: tuple[NDArray[np.int64], NDArray[np.int32]]
        self._n_columns = 0
        self._keys = np.zeros(0, dtype=np.int64)
        self._sizes: NDArray[Any] = np.zeros(0, dtype=np.float32)
        self._least = _ACTIVE / 2  # what is not above it is not among the largest

    def add(
        self,
        rows: tuple[NDArray[np.int64], NDArray[np.int32]],
        n_columns: int,
        gradient: Callable[[int, int], NDArray[Any]],
    ) -> None:
        """Take in a gradient; it is computed when the sum of all is asked for.

        Parameters
        ----------
        rows : (n_rows + 1,) int64 and (n_active,) int32
            Row pointers and columns of the active synapses.
        n_columns : int
            Width of the matrix.
        gradient : callable
            ``(low, high) -> (high - low, n_columns)``, the gradient of rows, as a new array.
        """
        self._rows, self._n_columns = rows, n_columns
        self._parts.append(gradient)

    def found(self) -> tuple[NDArray[np.int64], NDArray[Any]] | None:
        """Return keys and sizes of the sum, in no order; none before a backward pass."""
        if not self._parts:
            return None
        self._keys, self._sizes = self._keys[:0], self._sizes[:0]
        self._least = _ACTIVE / 2
        indptr, indices = self._rows
        for low, high in _blocks(indptr.size - 1, self._n_columns):
            total = self._parts[0](low, high)
            for part in self._parts[1:]:
                total += part(low, high)
            sizes = np.abs(total, out=total)
            taken = slice(indptr[low], indptr[high])
            counts = np.diff(indptr[low : high + 1])
            sizes[np.repeat(np.arange(high - low), counts), indices[taken]] = _ACTIVE
            self._take(sizes.ravel(), low * self._n_columns)
        self._keep_largest()
        return self._keys, self._sizes

    def _take(self, sizes: NDArray[Any], first: int) -> None:
        """Add what may be among the largest; ``sizes`` are those from key ``first`` on."""
        new = np.flatnonzero(sizes > self._least)
        self._keys = np.concatenate([self._keys, new + first])
        self._sizes = np.concatenate([self._sizes, sizes[new]])
        if self._keys.size > 2 * self.n_kept:  # not more often, as it goes through all of them
            self._keep_largest()

    def _keep_largest(self) -> None:
        n_out = self._keys.size - self.n_kept
        if n_out <= 0:
            return
        best = np.argpartition(self._sizes, n_out)[n_out:]
        self._keys, self._sizes = self._keys[best], self._sizes[best]
        self._least = float(self._sizes.min())


def _blocks(n_rows: int, n_columns: int) -> Iterator[tuple[int, int]]:
    step = max(1, _BLOCK // n_columns)
    for low in range(0, n_rows, step):
        yield low, min(low + step, n_rows)
