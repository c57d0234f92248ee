"""Synapses by row: the two layouts, and how rows are checked and counted.

Whatever is as long as the synapses is read in chunks, so that this needs little memory of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import TopologyError
from neurosparse.network.checks import check_indices, check_vector

__all__ = [
    "FanIn",
    "FanOut",
    "check_rows",
    "chunks",
    "count_entries",
    "frozen",
    "index_dtype",
    "is_constant",
    "row_pointers",
    "row_ties",
]

CHUNK = 1 << 20  # entries; order and places of a chunk stay within the last-level cache


class FanOut(NamedTuple):
    """The synapses by presynaptic row: row ``j`` holds ``indptr[j]:indptr[j + 1]``.

    ``indptr`` (n_pre + 1,) int64; ``post`` (n_active,) uint16 if ``n_post <= 65536``, else int32,
    ascending within a row; ``weights`` (n_active,); ``delays`` (n_active,) uint8 or None. All are
    read-only; one weight for all synapses is a view of one number, with a stride of 0.
    """

    indptr: NDArray[np.int64]
    post: NDArray[Any]
    weights: NDArray[Any]
    delays: NDArray[np.uint8] | None


class FanIn(NamedTuple):
    """The synapses by postsynaptic row, as `FanOut`; ``pre`` is (n_active,) int32."""

    indptr: NDArray[np.int64]
    pre: NDArray[np.int32]
    weights: NDArray[Any]
    delays: NDArray[np.uint8] | None


def index_dtype(n_neurons: int) -> np.dtype[Any]:
    """Return the narrowest dtype that numbers ``n_neurons`` neurons, uint16 or int32."""
    return np.dtype(np.uint16 if n_neurons <= 1 << 16 else np.int32)


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view; the array itself may be the caller's, and stays as it is."""
    view = array.view()
    view.setflags(write=False)
    return view


def is_constant(values: NDArray[Any]) -> bool:
    """Whether ``values`` is one number seen many times (`numpy.broadcast_to`)."""
    return values.size > 0 and values.strides == (0,)


def row_pointers(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Return where every row begins, and the end of the last, (n_rows + 1,) int64."""
    indptr = np.zeros(counts.size + 1, dtype=np.int64)
    np.cumsum(counts, out=indptr[1:])
    return indptr


def chunks(n_entries: int, n_columns: int = 0) -> Iterator[tuple[int, int]]:
    """Cut entries into pieces that are not small against a vector over all columns."""
    step = max(CHUNK, 4 * n_columns)
    for low in range(0, n_entries, step):
        yield low, min(low + step, n_entries)


def count_entries(indices: NDArray[Any], n_columns: int) -> NDArray[np.int64]:
    """Count how often each column occurs, (n_columns,) int64."""
    counts = np.zeros(n_columns, dtype=np.int64)
    for low, high in chunks(indices.size, n_columns):  # bincount makes int64 of what it counts
        counts += np.bincount(indices[low:high], minlength=n_columns)
    return counts


# ---------------------------------------------------------------------- checks


def check_rows(
    name: str,
    indptr: Any,
    indices: Any,
    *,
    shape: tuple[int, int],
    dtype: Any,
    multapses: bool,
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return validated row pointers and column indices; arrays of the right dtype are shared.

    Parameters
    ----------
    name : str
        What messages call ``indices``.
    indptr : (n_rows + 1,) int
        Row pointers.
    indices : (n_active,) int
        Columns, ascending within a row.
    shape : (int, int)
        Number of rows and of columns.
    dtype : dtype
        Of the indices returned.
    multapses : bool
        Whether a column may stand several times in a row.

    Raises
    ------
    ShapeError, TopologyError, ParameterError
        If lengths do not fit, the pointers fall, or an index is out of range or out of order.
    """
    n_rows, n_columns = shape
    indptr = check_vector("indptr", indptr, n_rows + 1, np.int64)
    if indptr[0] != 0 or np.any(indptr[1:] < indptr[:-1]):
        raise TopologyError("indptr: must start at 0 and never fall")
    n_active = int(indptr[-1])
    given = np.asarray(indices)
    if given.shape == (n_active,):
        check_indices(name, given, n_columns)
    indices = check_vector(name, given, n_active, dtype)
    wrong = _out_of_order(indptr, indices, np.less if multapses else np.less_equal)
    if wrong.size:
        what = "not ascending within a row" + ("" if multapses else ", or doubled")
        raise TopologyError(
            f"{name}: {what} (first at {wrong[0]}); "
            "build with Synapses.from_edges, which sorts and names duplicates"
        )
    return indptr, indices


def row_ties(indptr: NDArray[np.int64], indices: NDArray[Any]) -> NDArray[np.int64]:
    """Return the entries that stand in the same row and column as the one before, ascending."""
    return _out_of_order(indptr, indices, np.equal)


def _out_of_order(
    indptr: NDArray[np.int64], indices: NDArray[Any], wrong: np.ufunc
) -> NDArray[np.int64]:
    """Return the entries for which ``wrong(entry, the one before)`` holds within a row."""
    parts = [np.zeros(0, dtype=np.int64)]
    for low, high in chunks(max(0, indices.size - 1)):
        found = np.flatnonzero(wrong(indices[low + 1 : high + 1], indices[low:high])) + low + 1
        # whatever the order of the entries, a new row may begin there
        begins = indptr[np.searchsorted(indptr, found)] == found
        parts.append(found[~begins])
    return np.concatenate(parts)
