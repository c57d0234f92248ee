"""Which synapses two projections have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import Synapses

__all__ = ["shared_synapses"]


def shared_synapses(synapses: Synapses, other: Synapses) -> NDArray[np.bool_]:
    """Return for every synapse whether ``other`` connects the same two neurons, (n_active,).

    Both must have the same shape, and neither multapses. Cost O(n_active log n_active).

    Raises
    ------
    TopologyError
        If several synapses connect one pair.
    """
    for name, given in (("synapses", synapses), ("other", other)):
        given.require_unique_pairs(name)
    return np.isin(_keys(synapses), _keys(other), assume_unique=True)


def _keys(synapses: Synapses) -> NDArray[Any]:
    keys: NDArray[Any] = synapses.post.astype(np.int64) * synapses.n_pre + synapses.indices
    return keys
