"""Lay out parameters and state of neurons for the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import LIF, Network
from neurosparse.simulate.engine_arrays import FixedNeurons, FloatNeurons, Populations
from neurosparse.simulate.layout import aligned, has_own_parameters, padded
from neurosparse.simulate.wires import has_signs, rounding_of

__all__ = ["lay_out_neurons"]


def lay_out_neurons(
    network: Network, populations: Populations, depth: int, n_parts: int, dtype: Any
) -> FloatNeurons | FixedNeurons:
    """Lay out parameters and state; ``depth`` rows of the ring."""
    has_neurons = populations.cell >= 0
    n_cells = int(populations.stride[has_neurons].sum())
    n_slots = int((populations.stride * populations.n_receptors).sum())
    if network.is_integer:
        return _fixed_neurons(network, populations, n_cells, n_slots, depth, n_parts)
    return _float_neurons(network, populations, n_cells, n_slots, depth, np.dtype(dtype))


def _each(network: Network, attribute: str, lanes: int, dtype: Any) -> NDArray[Any]:
    """Per-neuron vector of one parameter, of the populations that need it, padded."""
    parts: list[NDArray[Any]] = []
    for population in _all(network):
        neuron = population.neuron
        if isinstance(neuron, LIF) and has_own_parameters(neuron):
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
    network: Network,
    populations: Populations,
    n_cells: int,
    n_slots: int,
    depth: int,
    n_parts: int,
) -> FixedNeurons:
    def per_cell(attribute: str, other: str = "", shift: Any = 0) -> NDArray[np.int32]:
        values = aligned(n_cells, np.int32)
        for row, population in enumerate(_all(network)):
            neuron = population.neuron
            if neuron is not None:
                name = attribute if hasattr(neuron, attribute) else other
                value = np.broadcast_to(getattr(neuron, name) if name else 0, population.size)
                cell, size = populations.cell[row], populations.size[row]
                values[cell : cell + size] = np.repeat(value, 1 << int(populations.lane_bits))
        values <<= shift
        return values

    neurons = [p.neuron for p in _all(network) if p.neuron is not None]
    has_two = any(has_signs(neuron) for neuron in neurons)
    rounds = any(rounding_of(projection) for projection in network.projections)
    keep_u = 4096 - 1 - np.array([neuron.du for neuron in neurons], dtype=np.int64)
    counts = (n_parts, len(network.populations))
    return FixedNeurons(
        keep_u=keep_u.astype(np.uint32),
        keep_v=(4096 - _shared(network, "dv", np.int64)).astype(np.uint32),
        vth=per_cell("vth", "vth_hi", shift=6),
        vth_lo=per_cell("vth_lo", shift=6) if has_two else np.zeros(0, dtype=np.int32),
        bias=per_cell("bias_mant", shift=per_cell("bias_exp")),
        u=aligned(n_slots, np.int32),
        arrived=np.zeros(0, dtype=np.int32),
        sums=aligned(n_slots if rounds else 0, np.int64),
        v=aligned(n_cells, np.int32),
        held=aligned(n_cells, np.int32),
        until=np.zeros(n_cells, dtype=np.int64),
        queue=np.zeros(0, dtype=np.int32),
        ring=aligned((depth, n_slots), np.int32),
        whole=np.full(keep_u.size, 4096, dtype=np.uint32),
        weight_type=np.zeros(0, dtype=np.int32),
        wraps=np.zeros(counts, dtype=np.int64),
        clips=np.zeros(counts, dtype=np.int64),
    )
