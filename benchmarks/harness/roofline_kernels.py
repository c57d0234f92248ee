"""The least that delivering spikes costs: read the rows, scatter into the targets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosparse.jit import kernel


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
        pre = spiking[i]
        for k in range(indptr[pre], indptr[pre + 1]):
            out[post[k]] += weights[k]
