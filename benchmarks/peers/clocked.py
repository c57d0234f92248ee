"""Feed-forward networks as matrix products in scipy and torch, step by step, in this process."""

from __future__ import annotations

import warnings
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from neurosparse import LIF, Network
from neurosparse.errors import BackendMissingError

__all__ = ["ScipyTwin", "TorchTwin"]


class _Layers:
    """What both twins take from a chain of LIF populations with du = 1."""

    def __init__(self, network: Network) -> None:
        self.matrices = [projection.synapses.to_scipy().tocsr().astype(np.float32)
                         for projection in network.projections]  # fmt: skip
        neurons = [cast("LIF", p.neuron) for p in list(network.populations.values())[1:]]
        self.keep = [np.float32(1 - cast("float", lif.dv)) for lif in neurons]
        self.vth = [np.float32(cast("float", lif.vth)) for lif in neurons]


class ScipyTwin(_Layers):
    """scipy.sparse CSR times the spikes of a step."""

    def prepared(self, rasters: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return rasters (batch, n_steps, n_in) as `counts` takes them."""
        return _neurons_first(rasters)

    def counts(self, given: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return output spikes per sample and neuron, (batch, n_out) int64."""
        shapes = [(matrix.shape[0], *given.shape[2:]) for matrix in self.matrices]
        v = [np.zeros(shape, dtype=np.float32) for shape in shapes]
        fired = [np.zeros(shape, dtype=np.float32) for shape in shapes]
        counts = np.zeros(shapes[-1], dtype=np.int64)
        for t in range(1, len(given)):  # one step of delay
            # last layer first: what it receives was fired in the step before
            for i in reversed(range(len(v))):
                spikes = fired[i - 1] if i else given[t - 1]
                v[i] *= self.keep[i]
                v[i] += self.matrices[i] @ spikes
                above = v[i] > self.vth[i]
                fired[i] = above.astype(np.float32)
                v[i][above] = 0.0
            counts += fired[-1].astype(np.int64)
        return counts.reshape(len(counts), -1).T


class TorchTwin(_Layers):
    """torch, as CSR matrices or dense, times the spikes of a step; torch's usual threads.

    Raises
    ------
    BackendMissingError
        If torch is not installed.
    """

    def __init__(self, network: Network, *, dense: bool) -> None:
        super().__init__(network)
        try:
            import torch
        except ImportError as error:
            raise BackendMissingError(
                "torch is not installed: pip install 'torch==2.13.0'"
            ) from error
        self.torch: Any = torch
        self.dense = dense
        self.weights = [self._tensor(matrix) for matrix in self.matrices]

    def _tensor(self, matrix: Any) -> Any:
        torch = self.torch
        if self.dense:
            return torch.from_numpy(matrix.toarray())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta state")
            # with indices of 64 bits torch converts them in every product
            return torch.sparse_csr_tensor(
                torch.from_numpy(matrix.indptr.astype(np.int32)),
                torch.from_numpy(matrix.indices.astype(np.int32)),
                torch.from_numpy(matrix.data),
                size=matrix.shape,
                check_invariants=True,
            )

    def prepared(self, rasters: NDArray[np.uint8]) -> Any:
        """Return rasters (batch, n_steps, n_in) as `counts` takes them."""
        return self.torch.from_numpy(_neurons_first(rasters))

    def counts(self, given: Any) -> NDArray[np.int64]:
        """Return output spikes per sample and neuron, (batch, n_out) int64."""
        torch = self.torch
        with torch.inference_mode():
            v = [torch.zeros(weight.shape[0], *given.shape[2:]) for weight in self.weights]
            fired = [torch.zeros_like(state) for state in v]
            counts = torch.zeros_like(v[-1])
            for t in range(1, len(given)):  # one step of delay
                for i in reversed(range(len(v))):
                    spikes = fired[i - 1] if i else given[t - 1]
                    v[i].mul_(float(self.keep[i])).add_(self.weights[i] @ spikes)
                    fired[i] = (v[i] > float(self.vth[i])).float()
                    v[i].mul_(1 - fired[i])
                counts += fired[-1]
        return np.asarray(counts.numpy(), dtype=np.int64).reshape(len(counts), -1).T


def _neurons_first(rasters: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return spikes (n_steps, n_in, batch), one column per sample.

    One sample is a vector, (n_steps, n_in): torch's CSR takes a quarter of the time for a vector
    that it takes for a matrix of one column.
    """
    given = np.ascontiguousarray(rasters.transpose(1, 2, 0)).astype(np.float32)
    return given[:, :, 0] if rasters.shape[0] == 1 else given
