"""The measured roofline of delivery: the same synapses, the same spikes, and nothing else."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.roofline_kernels import scatter_rows
from neurosparse.network import Synapses

__all__ = ["scatter"]


def scatter(synapses: Synapses, spiking: NDArray[np.integer]) -> partial[None]:
    """Return a function that reads the rows of all spikes and scatters them into the targets.

    Parameters
    ----------
    synapses : Synapses
        Whose rows are read, with the index width and the weights that they have.
    spiking : (n_spikes,) integer
        Presynaptic neurons in the order of their spikes.

    Notes
    -----
    One thread; rows are asked for ahead of time. No delays, no ring, no neurons: what an engine
    that delivers these spikes one after the other cannot do without.
    """
    rows = synapses.by_pre
    out = np.zeros(synapses.shape[0], dtype=np.float32)
    order = np.asarray(spiking, dtype=np.int64)
    return partial(scatter_rows, order, rows.indptr, rows.post, rows.weights, out=out)
