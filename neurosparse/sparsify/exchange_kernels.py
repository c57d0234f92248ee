"""Take synapses out of rows and put others in (numba).

Oracle: ``tests/sparsify/reference.py`` (Python lists and sets).
"""

from __future__ import annotations

import numpy as np

from neurosparse.jit import kernel

FINE, OUT_OF_ORDER, TAKEN = 0, 1, 2  # what `place_newborns` returns


@kernel
def place_newborns(indptr, indices, n_columns, dropped, born, places, columns, new_indptr):
    """Find where newborns stand after the exchange, and the new row pointers.

    ``dropped`` are ascending positions. Returns FINE, or OUT_OF_ORDER or TAKEN where ``born`` are
    no ascending keys or one of them survives.
    """
    n_rows = indptr.size - 1
    before = np.int64(-1)
    n_out = 0  # of the dropped, those before the place of the newborn
    for b in range(born.size):
        key = born[b]
        if key <= before or key >= n_rows * n_columns:
            return OUT_OF_ORDER
        before = key
        row = key // n_columns
        column = key - row * n_columns
        low = indptr[row]
        high = indptr[row + 1]
        while low < high:
            middle = (low + high) >> 1
            if indices[middle] < column:
                low = middle + 1
            else:
                high = middle
        while n_out < dropped.size and dropped[n_out] < low:
            n_out += 1
        if low < indptr[row + 1] and indices[low] == column:
            if n_out == dropped.size or dropped[n_out] != low:
                return TAKEN
        columns[b] = column
        places[b] = low - n_out + b
    n_out = 0
    n_in = 0
    for row in range(n_rows + 1):
        while n_out < dropped.size and dropped[n_out] < indptr[row]:
            n_out += 1
        while n_in < born.size and born[n_in] < row * n_columns:
            n_in += 1
        new_indptr[row] = indptr[row] - n_out + n_in
    return FINE


@kernel
def settle(indptr, indices, signs, places, columns, born_signs, new_indptr):
    """Write columns and signs of the newborn, and the new row pointers."""
    for b in range(places.size):
        indices[places[b]] = columns[b]
        signs[places[b]] = born_signs[b]
    indptr[:] = new_indptr
