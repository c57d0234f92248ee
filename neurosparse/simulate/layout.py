"""Lay out populations, neurons and projections in the arrays the kernels run on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import LIF, FixedPointLIF, Network, Projection
from neurosparse.simulate.engine_arrays import (
    FixedNeurons,
    FloatNeurons,
    Parts,
    Populations,
    Projections,
)
from neurosparse.simulate.layout_kernels import cut_rows

__all__ = [
    "LINE",
    "aligned_copy",
    "lay_out_neurons",
    "lay_out_populations",
    "lay_out_projections",
    "padded",
]

LINE = 16  # neurons; populations and parts begin at whole cache lines of float32


def padded(size: int) -> int:
    """Return the cells that ``size`` neurons take."""
    return -(-size // LINE) * LINE


def aligned(shape: int | tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return zeros that begin at a cache line: vectors as wide as a line then load whole lines."""
    n = int(np.prod(shape))
    room = np.zeros(n * np.dtype(dtype).itemsize + 64, dtype=np.uint8)
    skip = -room.ctypes.data % 64
    aligned: NDArray[Any] = room[skip : skip + n * np.dtype(dtype).itemsize].view(dtype)
    return aligned.reshape(shape)


def aligned_copy(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy that begins at a cache line."""
    copied = aligned(array.shape, array.dtype)
    copied[...] = array
    return copied


def lay_out_populations(network: Network, lane_bits: int) -> Populations:
    """Give every population its place, ``1 << lane_bits`` samples side by side."""
    depths = network.depths
    rows = []
    first = cell = slot = receptor = each = 0
    for name, population in network.populations.items():
        neuron, size = population.neuron, population.size << lane_bits
        stride = padded(size)
        n_receptors = 0 if neuron is None else neuron.n_receptors
        is_lif = isinstance(neuron, LIF)
        has_own = is_lif and _has_own_parameters(neuron)  # type: ignore[arg-type]
        rows.append(
            (
                first,
                size,
                -1 if neuron is None else cell,
                slot,
                stride,
                n_receptors,
                receptor,
                each if has_own else -1,
                neuron.refractory if is_lif else 0,  # type: ignore[union-attr]
                is_lif and neuron.reset == "subtract",  # type: ignore[union-attr]
                -1,
                depths[name],
            )
        )
        first += size
        each += stride * has_own
        receptor += n_receptors
        if neuron is not None:
            cell += stride
            slot += stride * n_receptors
    columns: Any = [*np.array(rows, dtype=np.int64).T.copy(), np.int64(lane_bits)]
    return Populations(*columns)


def _has_own_parameters(neuron: LIF) -> bool:
    """Whether the general update is needed: vectors of parameters, or many receptors."""
    values = (neuron.dv, neuron.vth, neuron.bias, neuron.v_reset)
    return neuron.n_receptors > 2 or any(isinstance(value, np.ndarray) for value in values)


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

    targets = [index[projection.target] for projection in network.projections]
    order = np.argsort(np.array(targets, dtype=np.int64), kind="stable")
    rows = []
    constants = []
    for number in order.tolist():
        projection = network.projections[number]
        target = targets[number]
        fan_out = projection.synapses.by_pre
        stride = int(populations.stride[target])
        cuts = _cuts(fan_out.indptr, fan_out.post, parts, target)
        constant, weights = _weights(projection, neurons.weight_type.dtype)
        constants.append(constant)
        rows.append(
            (
                number,
                index[projection.source],
                int(populations.slot[target]) + projection.receptor * stride,
                int(populations.size[target]),
                projection.delay if fan_out.delays is None else 0,
                fan_out.post.size,
                cuts.size,
                address(cuts),
                address(fan_out.post),
                fan_out.post.dtype.itemsize,
                0 if weights is None else address(weights),
                0 if fan_out.delays is None else address(fan_out.delays),
            )
        )
    columns = np.array(rows, dtype=np.int64).reshape(-1, 12).T.copy()
    by_target = np.searchsorted(np.sort(targets), np.arange(len(network.populations) + 1))
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


def _weights(projection: Projection, dtype: Any) -> tuple[float, NDArray[Any] | None]:
    """Return the one weight, or 0 and the weight of every synapse, as the engine adds them."""
    synapses = projection.synapses
    shift = 6 if np.dtype(dtype).kind == "i" else 0  # Lava adds weights shifted by 6 bits
    if synapses.constant_weight is not None:
        value = synapses.constant_weight
        return (int(value) << shift if shift else value), None
    weights = synapses.by_pre.weights.astype(dtype, copy=False)
    return 0.0, (weights << shift if shift else weights)


def lay_out_neurons(
    network: Network, populations: Populations, depth: int, dtype: Any
) -> FloatNeurons | FixedNeurons:
    """Lay out parameters and state; ``depth`` rows of the ring."""
    has_neurons = populations.cell >= 0
    n_cells = int(populations.stride[has_neurons].sum())
    n_slots = int((populations.stride * populations.n_receptors).sum())
    if network.is_integer:
        return _fixed_neurons(network, populations, n_cells, n_slots, depth)
    return _float_neurons(network, populations, n_cells, n_slots, depth, np.dtype(dtype))


def _each(network: Network, attribute: str, lanes: int, dtype: Any) -> NDArray[Any]:
    """Per-neuron vector of one parameter, of the populations that need it, padded."""
    parts: list[NDArray[Any]] = []
    for population in _all(network):
        neuron = population.neuron
        if isinstance(neuron, LIF) and _has_own_parameters(neuron):
            value = np.asarray(getattr(neuron, attribute), dtype=np.float64)
            values = np.repeat(np.broadcast_to(value, population.size), lanes)
            parts += [values, np.zeros(padded(values.size) - values.size)]
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype=dtype)


def _shared(network: Network, attribute: str, dtype: Any) -> NDArray[Any]:
    """One entry per population; where neurons have their own, and for sources, a 0."""
    values = [getattr(population.neuron, attribute, 0) for population in _all(network)]
    return np.array([0 if isinstance(v, np.ndarray) else v for v in values], dtype=dtype)


def _all(network: Network) -> list[Any]:
    return list(network.populations.values())


def _float_neurons(
    network: Network,
    populations: Populations,
    n_cells: int,
    n_slots: int,
    depth: int,
    dtype: np.dtype[Any],
) -> FloatNeurons:
    lanes = 1 << int(populations.lane_bits)
    decays = [
        decay
        for population in network.populations.values()
        if isinstance(population.neuron, LIF)
        for decay in population.neuron.decays_u
    ]
    # 1 - d in float64 first, as Lava computes it
    keep_u = (1 - np.array(decays, dtype=np.float64)).astype(dtype)
    return FloatNeurons(
        keep_u=keep_u,
        keep_v=(1 - _shared(network, "dv", np.float64)).astype(dtype),
        vth=_shared(network, "vth", dtype),
        bias=_shared(network, "bias", dtype),
        v_reset=_shared(network, "v_reset", dtype),
        each_keep_v=(1 - _each(network, "dv", lanes, np.float64)).astype(dtype),
        each_vth=_each(network, "vth", lanes, dtype),
        each_bias=_each(network, "bias", lanes, dtype),
        each_v_reset=_each(network, "v_reset", lanes, dtype),
        u=aligned(n_slots, dtype),
        # float64 serves exactness: one sum, as Lava forms it; float32 saves the second pass
        arrived=aligned(n_slots if dtype == np.float64 else 0, dtype),
        v=aligned(n_cells, dtype),
        held=aligned(n_cells, dtype),
        until=np.zeros(n_cells, dtype=np.int64),
        queue=np.zeros(n_cells, dtype=np.int32),
        ring=aligned((depth, n_slots), dtype),
        whole=np.ones_like(keep_u),
        weight_type=np.zeros(0, dtype=dtype),
    )


def _fixed_neurons(
    network: Network, populations: Populations, n_cells: int, n_slots: int, depth: int
) -> FixedNeurons:
    def per_cell(attribute: str) -> NDArray[np.int64]:
        values = np.zeros(n_cells, dtype=np.int64)
        for row, population in enumerate(_all(network)):
            if population.neuron is not None:
                value = np.broadcast_to(getattr(population.neuron, attribute), population.size)
                cell, size = populations.cell[row], populations.size[row]
                values[cell : cell + size] = np.repeat(value, 1 << int(populations.lane_bits))
        return values

    decays = [p.neuron.du for p in _all(network) if isinstance(p.neuron, FixedPointLIF)]
    keep_u = 4096 - 1 - np.array(decays, dtype=np.int64)
    return FixedNeurons(
        keep_u=keep_u,
        keep_v=4096 - _shared(network, "dv", np.int64),
        vth=per_cell("vth") << 6,
        bias=per_cell("bias_mant") << per_cell("bias_exp"),
        u=aligned(n_slots, np.int64),
        arrived=np.zeros(0, dtype=np.int64),
        v=aligned(n_cells, np.int64),
        held=np.zeros(0, dtype=np.int64),
        until=np.zeros(n_cells, dtype=np.int64),
        queue=np.zeros(0, dtype=np.int32),
        ring=aligned((depth, n_slots), np.int64),
        whole=np.full_like(keep_u, 4096),
        weight_type=np.zeros(0, dtype=np.int32),
    )
