"""Find the synapses that go (numba).

Oracle: ``tests/sparsify/test_drop.py`` (NumPy).
"""

from __future__ import annotations

import numpy as np

from neurosparse.jit import kernel
from neurosparse.simulate.machine_kernels import prefer_wide_vectors

BLOCK = 128  # weights looked at together, before any of them by itself


@kernel
def count_across(weights, signs):
    """Count the weights that have the other sign than their synapse (this loop vectorises)."""
    prefer_wide_vectors()
    n = 0
    for k in range(weights.size):
        n += weights[k] * weights.dtype.type(signs[k]) < 0
    return n


@kernel
def find_across(weights, signs, positions):
    """Write where weights have the other sign than their synapse, ascending; return how many do.

    Counts on, without writing, where ``positions`` has no more room.
    """
    n = 0
    for low in range(0, weights.size, BLOCK):
        own = weights[low : low + BLOCK]
        given = signs[low : low + BLOCK]
        n_across = count_across(own, given)  # in most blocks few
        if n_across == 0 or n + n_across > positions.size:
            n += n_across
            continue
        for k in range(own.size):
            if own[k] * own.dtype.type(given[k]) < 0:
                positions[n] = low + k
                n += 1
                n_across -= 1
                if n_across == 0:
                    break
    return n


@kernel
def are_ascending(values, limit):
    """Whether ``values`` ascend without doubles from 0 or above to below ``limit``."""
    before = np.int64(-1)
    for k in range(values.size):
        if values[k] <= before:
            return False
        before = values[k]
    return before < limit
