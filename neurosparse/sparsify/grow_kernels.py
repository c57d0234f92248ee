"""Draw free positions (numba).

Oracle: ``tests/sparsify/test_grow.py`` (Python sets).
"""

from __future__ import annotations

import numpy as np

from neurosparse.jit import kernel
from neurosparse.simulate.philox_kernels import WORDS, philox_block

_ALL_ONES = np.uint64(0xFFFFFFFFFFFFFFFF)


@kernel
def first_not_below(values, low, high, wanted):
    """Return the first place of ascending ``values[low:high]`` that is not below ``wanted``."""
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def draw_free(indptr, indices, n_columns, dropped, diagonal, key, drawn):
    """Fill ``drawn`` with free keys, each drawn uniformly and by itself; some may be equal.

    Free is what no synapse holds or one that is dropped; without ``diagonal`` no entry of the
    diagonal is. ``key`` chooses the random words.
    """
    n_keys = np.uint64((indptr.size - 1) * n_columns)
    # 2^64 is no multiple of n_keys: the last few words would favour small keys
    last = _ALL_ONES - (_ALL_ONES % n_keys + np.uint64(1)) % n_keys
    words = np.empty(WORDS, np.uint32)
    word = WORDS
    block = 0
    n = 0
    while n < drawn.size:
        if word == WORDS:
            philox_block(key, block, 0, 0, words)
            block += 1
            word = 0
        long = np.uint64(words[word]) << np.uint64(32) | np.uint64(words[word + 1])
        word += 2
        if long > last:
            continue
        drawn_key = np.int64(long % n_keys)
        row = drawn_key // n_columns
        column = drawn_key - row * n_columns
        if not diagonal and row == column:
            continue
        place = first_not_below(indices, indptr[row], indptr[row + 1], column)
        if place < indptr[row + 1] and indices[place] == column:
            gone = first_not_below(dropped, 0, dropped.size, place)
            if gone == dropped.size or dropped[gone] != place:
                continue
        drawn[n] = drawn_key
        n += 1


@kernel
def merge_distinct(one, two, out):
    """Merge ascending arrays; what stands in both or twice comes once. Return how many."""
    n = 0
    i = 0
    j = 0
    while i < one.size or j < two.size:
        if j == two.size or (i < one.size and one[i] <= two[j]):
            value = one[i]
            i += 1
        else:
            value = two[j]
            j += 1
        if n == 0 or out[n - 1] != value:
            out[n] = value
            n += 1
    return n
