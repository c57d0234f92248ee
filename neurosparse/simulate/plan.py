"""Lay a Network out in the flat arrays the kernels run on."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network import LIF, FixedPointLIF, Network, Projection
from neurosparse.simulate.engine_arrays import (
    FixedNeurons,
    FloatNeurons,
    Parts,
    Populations,
    Projections,
)
from neurosparse.simulate.float_kernels import BLOCK
from neurosparse.simulate.layout_kernels import cut_rows
from neurosparse.simulate.philox_kernels import WORDS
from neurosparse.simulate.poisson_kernels import MAX_EVENTS
from neurosparse.simulate.state import pending_depth

__all__ = ["MAX_THREADS", "Plan", "check_dtype", "make_plan", "parts_for"]

MAX_THREADS = 1024
_STATE_ARRAYS = ("u", "arrived", "v", "held", "until", "queue", "ring")

LANES = 16  # neurons; populations and parts begin at whole cache lines of float32
UPDATE_WORK = 200  # synapses that make as much work as the update of a neuron
RING_BYTES = 1 << 20  # of the ring that a part writes to; half a core's second cache
MAX_WINDOW = 16  # steps; longer ones save nothing and need room


class Plan(NamedTuple):
    """A network laid out for the kernels, at rest."""

    network: Any  # Network
    rows: dict[str, int]  # population name -> row
    n_parts: int
    window: int  # steps that may be run without hearing of each other
    populations: Populations
    projections: Projections
    neurons: FloatNeurons | FixedNeurons
    parts: Parts
    owners: list[NDArray[Any]]  # keeps alive what the projections hold addresses of

    @property
    def n_neurons(self) -> int:
        """Neurons and sources."""
        return int(self.populations.size.sum())

    def copy(self) -> Plan:
        """Return a plan with neurons of its own over the same synapses."""
        own: dict[str, Any] = {
            name: _aligned_copy(getattr(self.neurons, name)) for name in _STATE_ARRAYS
        }
        parts: Any = [array.copy() for array in self.parts]
        return self._replace(neurons=self.neurons._replace(**own), parts=Parts(*parts))


def check_dtype(dtype: Any) -> None:
    """Raise ParameterError unless ``dtype`` is one that float networks run in."""
    try:
        # numpy reads None as float64; here it is a mistake
        allowed = dtype is not None and np.dtype(dtype) in (np.float32, np.float64)
    except TypeError:
        allowed = False
    if not allowed:
        raise ParameterError(f"dtype: got {dtype!r}; allowed is float32 or float64")


# The last plan of every network that is alive: laying out takes longer than a short run.
_LAST: dict[int, tuple[weakref.ref[Network], tuple[np.dtype[Any], int, int], Plan]] = {}


def make_plan(
    network: Network,
    dtype: Any,
    current_columns: dict[str, int],
    n_parts: int = 1,
    depth: int | None = None,
) -> Plan:
    """Lay out ``network``.

    ``current_columns`` gives the first column of driven populations, ``depth`` the rows of the
    ring (default: what the delays need).
    """
    depth = pending_depth(network) if depth is None else depth
    kind = (np.dtype(dtype), n_parts, depth)
    known = _LAST.get(id(network))
    if known is None or known[0]() is not network or known[1] != kind:
        identity = id(network)
        alive = weakref.ref(network, lambda _: _LAST.pop(identity, None))
        known = _LAST[identity] = (alive, kind, _lay_out(network, dtype, n_parts, depth))
    plan = known[2].copy()
    columns = [current_columns.get(name, -1) for name in network.populations]
    current = np.array(columns, dtype=np.int64)
    return plan._replace(network=network, populations=plan.populations._replace(current=current))


def _lay_out(network: Network, dtype: Any, n_parts: int, depth: int) -> Plan:
    populations, n_cells, n_slots = _lay_out_populations(network)
    rows = {name: row for row, name in enumerate(network.populations)}
    dtype = np.dtype(np.int64 if network.is_integer else dtype)
    neurons: FloatNeurons | FixedNeurons
    if network.is_integer:
        neurons = _fixed_neurons(network, populations, n_cells, n_slots, depth)
    else:
        neurons = _float_neurons(network, n_cells, n_slots, depth, dtype)
    delays = [projection.min_delay for projection in network.projections]
    window = min([*delays, MAX_WINDOW])
    parts = _cut(network, populations, n_parts, window, dtype)
    projections, owners = _lay_out_projections(network, rows, populations, parts, neurons)
    # without the network, which would stay alive for its plan
    return Plan(None, rows, n_parts, window, populations, projections, neurons, parts, owners)


def _padded(size: int) -> int:
    return -(-size // LANES) * LANES


def _aligned(shape: int | tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return zeros that begin at a cache line: vectors as wide as a line then load whole lines."""
    n = int(np.prod(shape))
    room = np.zeros(n * np.dtype(dtype).itemsize + 64, dtype=np.uint8)
    skip = -room.ctypes.data % 64
    aligned: NDArray[Any] = room[skip : skip + n * np.dtype(dtype).itemsize].view(dtype)
    return aligned.reshape(shape)


def _aligned_copy(array: NDArray[Any]) -> NDArray[Any]:
    copied = _aligned(array.shape, array.dtype)
    copied[...] = array
    return copied


def _lay_out_populations(network: Network) -> tuple[Populations, int, int]:
    depths = network.depths
    rows = []
    first = cell = slot = receptor = each = 0
    for name, population in network.populations.items():
        neuron, size = population.neuron, population.size
        stride = _padded(size)
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
    columns = np.array(rows, dtype=np.int64).T.copy()
    return Populations(*columns), cell, slot


def _has_own_parameters(neuron: LIF) -> bool:
    """Whether the general update is needed: vectors of parameters, or many receptors."""
    values = (neuron.dv, neuron.vth, neuron.bias, neuron.v_reset)
    return neuron.n_receptors > 2 or any(isinstance(value, np.ndarray) for value in values)


def parts_for(network: Network, dtype: Any, threads: int, depth: int) -> int:
    """Return into how many parts to cut the neurons.

    One for every thread; more where synapses have delays of their own, so that the piece of the
    ring that a part writes to, here and there, stays in a core's own cache.
    """
    n_slots = sum(
        _padded(population.size) * population.neuron.n_receptors
        for population in network.populations.values()
        if population.neuron is not None
    )
    n_bytes = depth * n_slots * (8 if network.is_integer else np.dtype(dtype).itemsize)
    return threads * max(1, -(-n_bytes // (threads * RING_BYTES)))


def _cut(
    network: Network, populations: Populations, n_parts: int, window: int, dtype: Any
) -> Parts:
    """Cut the row of all populations into pieces of about equal work.

    A population is cut as rarely as possible, since every piece of it looks up all rows of synapses
    that lead there.
    """
    size = populations.size
    n_synapses = dict.fromkeys(network.populations, 0)
    for projection in network.projections:
        n_synapses[projection.target] += projection.synapses.n_active
    work = UPDATE_WORK * size + np.array(list(n_synapses.values()), dtype=np.int64)
    before = np.cumsum(work) - work
    ideal = np.arange(n_parts + 1)[:, None] * (work.sum() / n_parts)
    share = np.clip((ideal - before) / work, 0, 1)
    # where parts are many, at whole blocks of random numbers, of which each part draws its own
    grain = LANES if n_parts <= 4 else WORDS
    edges = np.minimum(np.rint(share * size / grain).astype(np.int64) * grain, size)
    edges[-1] = size
    shape = (n_parts, size.size)
    # one entry more: a spike is written first and counted afterwards
    room = window * int((edges[1:] - edges[:-1]).sum(axis=1).max(initial=0)) + LANES
    return Parts(
        low=edges[:-1].copy(),
        high=edges[1:].copy(),
        head=np.zeros(shape, dtype=np.int64),
        waiting=np.zeros(shape, dtype=np.int64),
        spikes=np.empty((n_parts, room), dtype=np.int32),
        starts=np.zeros((n_parts, window + 1, size.size), dtype=np.int64),
        total=np.zeros((n_parts, BLOCK), dtype=dtype),
        marks=np.zeros((n_parts, BLOCK), dtype=np.uint8),
        words=np.zeros((n_parts, WORDS), dtype=np.uint32),
        counts=np.zeros((n_parts, WORDS), dtype=np.int32),
        thresholds=np.zeros((n_parts, MAX_EVENTS), dtype=np.uint32),
    )


def _lay_out_projections(
    network: Network,
    index: dict[str, int],
    populations: Populations,
    parts: Parts,
    neurons: FloatNeurons | FixedNeurons,
) -> tuple[Projections, list[NDArray[Any]]]:
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


def _each(network: Network, attribute: str, dtype: Any) -> NDArray[Any]:
    """Per-neuron vector of one parameter, of the populations that need it, padded."""
    parts: list[NDArray[Any]] = []
    for population in _all(network):
        neuron = population.neuron
        if isinstance(neuron, LIF) and _has_own_parameters(neuron):
            value = np.asarray(getattr(neuron, attribute), dtype=np.float64)
            padding = np.zeros(_padded(population.size) - population.size)
            parts += [np.broadcast_to(value, population.size), padding]
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype=dtype)


def _shared(network: Network, attribute: str, dtype: Any) -> NDArray[Any]:
    """One entry per population; where neurons have their own, and for sources, a 0."""
    values = [getattr(population.neuron, attribute, 0) for population in _all(network)]
    return np.array([0 if isinstance(v, np.ndarray) else v for v in values], dtype=dtype)


def _all(network: Network) -> list[Any]:
    return list(network.populations.values())


def _float_neurons(
    network: Network, n_cells: int, n_slots: int, depth: int, dtype: Any
) -> FloatNeurons:
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
        each_keep_v=(1 - _each(network, "dv", np.float64)).astype(dtype),
        each_vth=_each(network, "vth", dtype),
        each_bias=_each(network, "bias", dtype),
        each_v_reset=_each(network, "v_reset", dtype),
        u=_aligned(n_slots, dtype),
        # float64 serves exactness: one sum, as Lava forms it; float32 saves the second pass
        arrived=_aligned(n_slots if dtype == np.float64 else 0, dtype),
        v=_aligned(n_cells, dtype),
        held=_aligned(n_cells, dtype),
        until=np.zeros(n_cells, dtype=np.int64),
        queue=np.zeros(n_cells, dtype=np.int32),
        ring=_aligned((depth, n_slots), dtype),
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
                cell = populations.cell[row]
                values[cell : cell + population.size] = getattr(population.neuron, attribute)
        return values

    decays = [p.neuron.du for p in _all(network) if isinstance(p.neuron, FixedPointLIF)]
    keep_u = 4096 - 1 - np.array(decays, dtype=np.int64)
    return FixedNeurons(
        keep_u=keep_u,
        keep_v=4096 - _shared(network, "dv", np.int64),
        vth=per_cell("vth") << 6,
        bias=per_cell("bias_mant") << per_cell("bias_exp"),
        u=_aligned(n_slots, np.int64),
        arrived=np.zeros(0, dtype=np.int64),
        v=_aligned(n_cells, np.int64),
        held=np.zeros(0, dtype=np.int64),
        until=np.zeros(n_cells, dtype=np.int64),
        queue=np.zeros(0, dtype=np.int32),
        ring=_aligned((depth, n_slots), np.int64),
        whole=np.full_like(keep_u, 4096),
        weight_type=np.zeros(0, dtype=np.int32),
    )
