"""From one kind of row to the other: a counting sort in memory for the result and little more."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network.rows import (
    FanIn,
    FanOut,
    chunks,
    count_entries,
    frozen,
    is_constant,
    row_pointers,
)

__all__ = ["RowNumbers", "group_by", "transpose"]


class RowNumbers:
    """The row of every entry, written out only where it is read."""

    def __init__(self, indptr: NDArray[np.int64], dtype: Any) -> None:
        self.indptr, self.dtype = indptr, np.dtype(dtype)

    def __getitem__(self, part: slice) -> NDArray[Any]:
        first = int(np.searchsorted(self.indptr, part.start, side="right")) - 1
        last = int(np.searchsorted(self.indptr, part.stop))
        ends = np.clip(self.indptr[first : last + 1], part.start, part.stop)
        counts: NDArray[np.int64] = ends[1:] - ends[:-1]
        return np.repeat(np.arange(first, last, dtype=self.dtype), counts)


def group_by(
    indices: NDArray[Any], n_columns: int, *aligned: NDArray[Any] | RowNumbers
) -> tuple[NDArray[np.int64], list[NDArray[Any]]]:
    """Sort what is aligned with ``indices`` by them: a stable counting sort.

    Parameters
    ----------
    indices : (n,) int
        In ``[0, n_columns)``.
    n_columns : int
        Number of groups.
    *aligned : (n,) arrays or RowNumbers
        What to sort.

    Returns
    -------
    indptr : (n_columns + 1,) int64
        Where each group begins.
    sorted : list of (n,) arrays
        Copies of ``aligned``; constants are handed through.
    """
    indptr = row_pointers(count_entries(indices, n_columns))
    out = [
        values
        if isinstance(values, np.ndarray) and is_constant(values)
        else np.empty(indices.size, dtype=values.dtype)
        for values in aligned
    ]
    moving = [pair for pair in zip(aligned, out, strict=True) if pair[0] is not pair[1]]
    free = indptr[:-1].copy()  # the next place of every group
    for low, high in chunks(indices.size, n_columns):
        columns, positions = indices[low:high], np.arange(high - low, dtype=np.uint64)
        # sorting numbers is many times faster than sorting positions by a key
        keys = (columns.astype(np.uint64) << np.uint64(32)) | positions
        keys.sort()
        order = (keys & np.uint64(0xFFFFFFFF)).view(np.int64)
        counts = np.bincount(columns, minlength=n_columns)
        place = np.repeat(free - np.cumsum(counts) + counts, counts) + positions.view(np.int64)
        free += counts
        for values, grouped in moving:
            grouped[place] = values[low:high][order]
    return indptr, out


def transpose(
    rows: FanIn | FanOut, n_columns: int, dtype: Any
) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[Any], NDArray[np.uint8] | None]:
    """Turn rows into rows of the columns, whose indices are the old rows, ascending.

    Equal pairs keep their order. The indices become ``dtype``; all arrays are read-only.
    """
    indptr, indices, weights, delays = rows
    given = [weights] if delays is None else [weights, delays]
    turned, grouped = group_by(indices, n_columns, RowNumbers(indptr, dtype), *given)
    columns, moved, *late = (frozen(array) for array in grouped)
    return frozen(turned), columns, moved, late[0] if late else None
