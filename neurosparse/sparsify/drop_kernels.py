"""Find the synapses that go (numba).

Oracle: ``tests/sparsify/test_drop.py`` (NumPy).
"""

from __future__ import annotations

import numpy as np

from neurosparse.jit import kernel

BLOCK = 64  # weights looked at together, before any of them by itself


@kernel
def count_across(weights, signs):
    """Count the weights that have the other sign than their synapse."""
    n = 0
    for k in range(weights.size):
        n += weights[k] * weights.dtype.type(signs[k]) < 0
    return n


@kernel
def find_across(weights, signs, positions):
    """Write the positions that `count_across` counts, ascending."""
    n = 0
    for low in range(0, weights.size, BLOCK):
        own = weights[low : low + BLOCK]
        given = signs[low : low + BLOCK]
        n_across = 0  # in most blocks none, and this loop vectorises
        for k in range(own.size):
            n_across += own[k] * own.dtype.type(given[k]) < 0
        if n_across == 0:
            continue
        for k in range(own.size):
            if own[k] * own.dtype.type(given[k]) < 0:
                positions[n] = low + k
                n += 1


@kernel
def are_ascending(values, limit):
    """Whether ``values`` ascend without doubles from 0 or above to below ``limit``."""
    before = np.int64(-1)
    for k in range(values.size):
        if values[k] <= before:
            return False
        before = values[k]
    return before < limit
