"""Lay out the synapses of projections for the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import Network
from neurosparse.network.rows import FanOut, is_constant
from neurosparse.simulate.engine_arrays import (
    FixedNeurons,
    FloatNeurons,
    Parts,
    Populations,
    Projections,
)
from neurosparse.simulate.layout_kernels import cut_rows
from neurosparse.simulate.wires import wires_of

__all__ = ["lay_out_projections"]


def lay_out_projections(
    network: Network,
    index: dict[str, int],
    populations: Populations,
    parts: Parts,
    neurons: FloatNeurons | FixedNeurons,
) -> tuple[Projections, list[NDArray[Any]]]:
    """Tell where the synapses lie; also return the arrays that have to be kept alive for it."""
    owners: list[NDArray[Any]] = []

    def address(array: NDArray[Any]) -> int:
        array = np.ascontiguousarray(array)
        owners.append(array)
        return array.ctypes.data

    projections = list(enumerate(network.projections))
    projections.sort(key=lambda numbered: index[numbered[1].target])  # stable
    rows = []
    constants = []
    targets = []
    for number, projection in projections:
        target = index[projection.target]
        stride = int(populations.stride[target])
        for wire in wires_of(network, projection):
            fan_out = wire.fan_out
            cuts = _cuts(fan_out.indptr, fan_out.post, parts, target)
            if wire.is_repeated:
                cuts = _repeated(cuts, parts.low.shape[0])
            constant, weights = _weights(fan_out, neurons.weight_type.dtype)
            constants.append(constant)
            targets.append(target)
            rows.append(
                (
                    number,
                    index[projection.source],
                    int(populations.slot[target]) + projection.receptor * stride,
                    int(populations.size[target]),
                    wire.delay,
                    fan_out.post.size,
                    cuts.size,
                    address(cuts),
                    address(fan_out.post),
                    fan_out.post.dtype.itemsize,
                    0 if weights is None else address(weights),
                    0 if fan_out.delays is None else address(fan_out.delays),
                    wire.rounding,
                )
            )
    columns = np.array(rows, dtype=np.int64).reshape(-1, 13).T.copy()
    by_target = np.searchsorted(targets, np.arange(len(network.populations) + 1))
    layout = Projections(
        to_population=by_target.astype(np.int64),
        number=columns[0],
        source=columns[1],
        slot=columns[2],
        size=columns[3],
        delay=columns[4],
        n_synapses=columns[5],
        n_cuts=columns[6],
        cuts=columns[7],
        post=columns[8],
        post_bytes=columns[9],
        weight=columns[10],
        constant=np.array(constants, dtype=neurons.u.dtype),
        delays=columns[11],
        rounding=columns[12],
        message=np.full(len(rows), -1, dtype=np.int64),
    )
    return layout, owners


def _cuts(
    indptr: NDArray[np.int64], post: NDArray[Any], parts: Parts, target: int
) -> NDArray[np.int64]:
    n_parts = parts.low.shape[0]
    if n_parts == 1:
        return indptr
    edges = np.append(parts.low[:, target], parts.high[-1, target])
    cuts = np.empty((indptr.size - 1) * n_parts + 1, dtype=np.int64)
    # read-only arrays would be compiled for anew
    cut_rows(indptr, post, edges, cuts)
    return cuts


def _repeated(cuts: NDArray[np.int64], n_parts: int) -> NDArray[np.int64]:
    """Let as many rows follow that lead to the same synapses, after one that nobody asks for."""
    return np.concatenate([cuts, np.full(n_parts - 1, cuts[-1]), cuts])


def _weights(fan_out: FanOut, dtype: Any) -> tuple[float, NDArray[Any] | None]:
    """Return the one weight, or 0 and the weight of every synapse, as the engine adds them."""
    if is_constant(fan_out.weights):
        return fan_out.weights[0].item(), None
    return 0.0, fan_out.weights.astype(dtype, copy=False)
