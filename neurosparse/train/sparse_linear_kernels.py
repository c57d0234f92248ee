"""Products of a sparse matrix with many columns (numba).

Columns are the SIMD dimension: arrays are neuron-major, ``(n, n_columns)``, and a column is one
step of one sample. Every parallel kernel owns its output rows, so results do not depend on threads.

Oracle: ``tests/train/test_sparse_linear.py`` (dense torch).
"""

from __future__ import annotations

import numba
import numpy as np

from neurosparse.jit import kernel, kernel_parallel, kernel_parallel_reassociated

COLUMN_BLOCK = 2048  # columns worked on at a time: a float32 row block of 8 KiB stays in L1


@kernel_parallel
def gather_rows(indptr, indices, weights, x, out):
    """Write ``out = W x``; the sum of a row runs over ascending columns of ``W``."""
    n_columns = x.shape[1]
    for i in numba.prange(out.shape[0]):
        for low in range(0, n_columns, COLUMN_BLOCK):
            high = min(low + COLUMN_BLOCK, n_columns)
            target = out[i, low:high]
            target[:] = 0
            for k in range(indptr[i], indptr[i + 1]):
                w = weights[k]
                source = x[indices[k], low:high]
                for c in range(high - low):
                    target[c] += w * source[c]


@kernel_parallel_reassociated
def sampled_outer(indptr, indices, x, grad, out):
    """Write ``out[k] = sum_c grad[post_k, c] x[pre_k, c]`` for the active synapses only.

    The sum over columns may be reassociated: a strict order cannot be vectorised, and no spike
    depends on it. The order is fixed for given shapes, so results repeat.
    """
    for i in numba.prange(indptr.size - 1):
        row = grad[i]
        for k in range(indptr[i], indptr[i + 1]):
            source = x[indices[k]]
            total = grad.dtype.type(0)
            for c in range(row.size):
                total += row[c] * source[c]
            out[k] = total


@kernel
def transpose(indptr, indices, pre_ptr, pre_post, pre_entry):
    """Sort the synapses by presynaptic row (counting sort); ``pre_ptr`` comes in as zeros."""
    n_post = indptr.size - 1
    n_pre = pre_ptr.size - 1
    for k in range(indices.size):
        pre_ptr[indices[k] + 1] += 1
    for j in range(n_pre):
        pre_ptr[j + 1] += pre_ptr[j]
    place = pre_ptr[:-1].copy()
    for i in range(n_post):
        for k in range(indptr[i], indptr[i + 1]):
            at = place[indices[k]]
            pre_post[at] = np.int32(i)
            pre_entry[at] = np.int32(k)
            place[indices[k]] += 1
