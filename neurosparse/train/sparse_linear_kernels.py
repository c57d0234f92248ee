"""Products of a sparse matrix with many columns (numba).

Columns are the SIMD dimension: arrays are neuron-major, ``(n, n_columns)``, and a column is one
step of one sample. Every parallel kernel owns its output rows or columns, so results do not depend
on threads. For input that is spikes, ``spiking_kernels`` do the same in a fraction of the time.

Oracle: ``tests/train/test_sparse_linear.py`` (dense torch).
"""

from __future__ import annotations

import numba

from neurosparse.jit import kernel_parallel, kernel_parallel_reassociated

COLUMN_BLOCK = 2048  # columns worked on at a time: a float32 row block of 8 KiB stays in L1
SCATTER_BLOCK = 64  # so that a block of all rows stays in L2


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


@kernel_parallel
def scatter_rows(indptr, indices, weights, grad, out):
    """Write ``out = W^T grad``, blocks of columns in parallel, targets ascending.

    No copy of ``W`` by source rows is needed, which a rewired layer would have to make anew.
    """
    n_columns = grad.shape[1]
    for block in numba.prange((n_columns + SCATTER_BLOCK - 1) // SCATTER_BLOCK):
        low = block * SCATTER_BLOCK
        high = min(low + SCATTER_BLOCK, n_columns)
        out[:, low:high] = 0
        for i in range(grad.shape[0]):
            source = grad[i, low:high]
            for k in range(indptr[i], indptr[i + 1]):
                w = weights[k]
                target = out[indices[k], low:high]
                for c in range(high - low):
                    target[c] += w * source[c]
