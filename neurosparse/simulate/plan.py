"""Lay a Network out in the flat arrays the kernels run on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import LIF, FixedPointLIF, Network
from neurosparse.simulate.engine_kernels import (
    FixedNeurons,
    FloatNeurons,
    Populations,
    Projections,
)

__all__ = ["Plan", "make_plan"]


class Plan(NamedTuple):
    """A network laid out for the kernels, with fresh state."""

    rows: dict[str, int]  # population name -> row
    populations: Populations
    projections: Projections
    neurons: FloatNeurons | FixedNeurons
    ring: NDArray[Any]  # (max_delay + 1, n_slots): what arrives at which step

    @property
    def n_neurons(self) -> int:
        """Neurons and sources."""
        return int(self.populations.size.sum())


def make_plan(network: Network, dtype: Any, current_columns: dict[str, int]) -> Plan:
    """Lay out ``network``; ``current_columns`` gives the first column of driven populations."""
    populations = _lay_out_populations(network, current_columns)
    index = {name: row for row, name in enumerate(network.populations)}
    weight_dtype = np.int16 if network.is_integer else dtype
    projections = _lay_out_projections(network, index, populations, weight_dtype)
    n_slots = max(1, int((populations.size * populations.n_receptors).sum()))
    n_neurons = int(populations.size.sum())
    longest = max((projection.max_delay for projection in network.projections), default=1)
    if network.is_integer:
        neurons: FloatNeurons | FixedNeurons = _fixed_neurons(network, n_neurons, n_slots)
        ring = np.zeros((longest + 1, n_slots), dtype=np.int32)
    else:
        neurons = _float_neurons(network, n_neurons, n_slots, dtype)
        ring = np.zeros((longest + 1, n_slots), dtype=dtype)
    return Plan(index, populations, projections, neurons, ring)


def _lay_out_populations(network: Network, current_columns: dict[str, int]) -> Populations:
    depths = network.depths
    rows = []
    first = slot = receptor = 0
    for name, population in network.populations.items():
        neuron, size = population.neuron, population.size
        n_receptors = 0 if neuron is None else neuron.n_receptors
        is_lif = isinstance(neuron, LIF)
        rows.append(
            (
                first,
                size,
                -1 if neuron is None else slot,
                receptor,
                n_receptors,
                neuron.refractory if is_lif else 0,  # type: ignore[union-attr]
                is_lif and neuron.reset == "subtract",  # type: ignore[union-attr]
                current_columns.get(name, -1),
                depths[name],
            )
        )
        first += size
        slot += n_receptors * size
        receptor += n_receptors
    return Populations(*np.array(rows, dtype=np.int64).T.copy())


def _lay_out_projections(
    network: Network, index: dict[str, int], populations: Populations, dtype: Any
) -> Projections:
    rows = []
    row_ptr: list[NDArray[np.int64]] = []
    targets: list[NDArray[np.int32]] = []
    weights: list[NDArray[Any]] = []
    delays: list[NDArray[np.uint8]] = []
    n_ptr = n_synapses = n_delays = 0
    for projection in network.projections:
        fan_out = projection.synapses.by_pre
        target = index[projection.target]
        slot = populations.slot[target] + projection.receptor * populations.size[target]
        rows.append(
            (
                index[projection.source],
                n_ptr,
                projection.delay,
                -1 if fan_out.delays is None else n_delays,
                n_synapses,
            )
        )
        row_ptr.append(fan_out.indptr)
        targets.append(fan_out.post + np.int32(slot))
        weights.append(fan_out.weights.astype(dtype))
        n_ptr += fan_out.indptr.size
        n_synapses += fan_out.post.size
        if fan_out.delays is not None:
            delays.append(fan_out.delays)
            n_delays += fan_out.delays.size
    columns = np.array(rows, dtype=np.int64).reshape(-1, 5).T.copy()
    return Projections(
        source=columns[0],
        indptr=columns[1],
        delay=columns[2],
        delays=columns[3],
        synapse=columns[4],
        row_ptr=_joined(row_ptr, np.int64),
        target=_joined(targets, np.int32),
        weight=_joined(weights, dtype),
        synapse_delay=_joined(delays, np.uint8),
    )


def _joined(parts: list[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    # always a writeable copy: kernels are compiled for one array type only
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype, copy=False)


def _expanded(network: Network, attribute: str, dtype: Any) -> NDArray[Any]:
    """Per-neuron vector of one parameter; sources hold zeros."""
    return np.concatenate(
        [
            np.broadcast_to(
                np.asarray(getattr(population.neuron, attribute, 0), dtype=dtype), population.size
            )
            for population in network.populations.values()
        ]
    ).astype(dtype)


def _float_neurons(network: Network, n_neurons: int, n_slots: int, dtype: Any) -> FloatNeurons:
    decays = [
        decay
        for population in network.populations.values()
        if isinstance(population.neuron, LIF)
        for decay in population.neuron.decays_u
    ]
    return FloatNeurons(
        # 1 - d in float64 first, as Lava computes it
        keep_u=(1 - np.array(decays, dtype=np.float64)).astype(dtype),
        keep_v=(1 - _expanded(network, "dv", np.float64)).astype(dtype),
        vth=_expanded(network, "vth", dtype),
        bias=_expanded(network, "bias", dtype),
        v_reset=_expanded(network, "v_reset", dtype),
        u=np.zeros(n_slots, dtype=dtype),
        v=np.zeros(n_neurons, dtype=dtype),
        wait=np.zeros(n_neurons, dtype=np.int64),
    )


def _fixed_neurons(network: Network, n_neurons: int, n_slots: int) -> FixedNeurons:
    decays = [
        population.neuron.du
        for population in network.populations.values()
        if isinstance(population.neuron, FixedPointLIF)
    ]
    return FixedNeurons(
        keep_u=4096 - 1 - np.array(decays, dtype=np.int64),
        keep_v=4096 - _expanded(network, "dv", np.int64),
        vth=_expanded(network, "vth", np.int64) << 6,
        bias=_expanded(network, "bias_mant", np.int64) << _expanded(network, "bias_exp", np.int64),
        u=np.zeros(n_slots, dtype=np.int64),
        v=np.zeros(n_neurons, dtype=np.int64),
        wait=np.zeros(n_neurons, dtype=np.int64),
    )
