"""The least that delivering spikes costs: read the rows, scatter into the targets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosparse.jit import kernel
from neurosparse.simulate.machine_kernels import prefetch

AHEAD = 3  # rows asked for ahead of time; without that, memory is waited for


@kernel
def scatter_rows(
    spiking: NDArray[np.int64],
    indptr: NDArray[np.int64],
    post: NDArray[np.integer],
    weights: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Add the row of every spiking neuron to ``out``, in the order given."""
    for i in range(spiking.size):
        if i + AHEAD < spiking.size:
            ahead = spiking[i + AHEAD]
            for k in range(indptr[ahead], indptr[ahead + 1], 64 // post.itemsize):
                prefetch(post, k)
            for k in range(indptr[ahead], indptr[ahead + 1], 64 // weights.itemsize):
                prefetch(weights, k)
        pre = spiking[i]
        # unsigned: numba asks of every signed index whether it counts from the end
        for entry in range(np.uint64(indptr[pre]), np.uint64(indptr[pre + 1])):
            out[post[entry]] += weights[entry]
