"""Neurons that talk to each other side by side: METIS, where pymetis is installed."""

from __future__ import annotations

import importlib.util

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import BackendMissingError
from neurosparse.loihi.mapping.demand import Counter

__all__ = ["MISSING", "Affinity", "metis_available"]

MISSING = "pymetis is not installed; pip install 'neurosparse[map]'"
LARGEST_WEIGHT = 1000  # of an edge; METIS adds them up in 32 bits


def metis_available() -> bool:
    """Whether pymetis is installed."""
    return importlib.util.find_spec("pymetis") is not None


class Affinity:
    """The graph whose cut METIS makes small.

    Two vertices per neuron: the cell, which needs a place, and its axon, which weighs nothing. The
    axon is tied to every cell it ends on and to its own, as strongly as it spikes. Cells that
    share axons end up together, and so do those that talk to each other; where only cells were
    tied to cells, whole layers that share all their sources would fall apart. Sources from outside
    have an axon only.

    Parameters
    ----------
    counter : Counter
        The network and its rates.
    load : (n_neurons,) float64
        Largest share of a limit that each neuron needs on a core of its own.

    Raises
    ------
    BackendMissingError
        If pymetis is not installed.
    """

    def __init__(self, counter: Counter, load: NDArray[np.float64]) -> None:
        if not metis_available():
            raise BackendMissingError(f"method 'metis': {MISSING}")
        from scipy.sparse import coo_array

        topology, placed = counter.wiring.topology, counter.wiring.placed
        n = counter.wiring.n_neurons
        post = np.concatenate([np.repeat(np.arange(n), np.diff(topology.indptr)), placed])
        pre = np.concatenate([counter.wiring.sources(), placed])
        rates = counter.rates[pre]
        ties = coo_array((rates, (pre + n, post)), shape=(2 * n, 2 * n)).tocsr()
        graph = (ties + ties.T).tocsr()
        top = graph.data.max(initial=0.0) or 1.0
        self._weights = np.maximum(1, np.rint(graph.data * (LARGEST_WEIGHT / top))).astype(np.int32)
        self._indptr = graph.indptr.astype(np.int32)
        self._indices = graph.indices.astype(np.int32)
        self._loads = np.zeros(2 * n, dtype=np.int32)
        scale = load[placed].max(initial=0.0) or 1.0
        self._loads[placed] = np.maximum(1, np.rint(load[placed] * (100 / scale)))
        self._placed = placed

    def parts(self, n_parts: int, imbalance: float) -> NDArray[np.int32]:
        """Return the part of every placed neuron, (n_placed,) int32.

        Parameters
        ----------
        n_parts : int
            How many.
        imbalance : float
            How much heavier than the mean a part may be.
        """
        import pymetis

        if n_parts == 1:
            return np.zeros(self._placed.size, dtype=np.int32)
        options = pymetis.Options(seed=0, ufactor=max(1, round(1000 * imbalance)))
        found = pymetis.part_graph(
            n_parts,
            pymetis.CSRAdjacency(self._indptr, self._indices),
            vweights=self._loads,
            eweights=self._weights,
            recursive=False,
            options=options,
        )
        return np.asarray(found[1], dtype=np.int32)[self._placed]
