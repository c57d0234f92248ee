"""Slow, obvious, clock-driven reference of a float Network: dense matrices, one step at a time.

Imports the nouns of ``neurosparse.network`` and nothing that simulates. What is equal here and in
the event-driven engine is equal for a reason: both add what arrives at a neuron in the order of
the step it was sent in, then of the projections, then of the sources, in the same dtype.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import LIF, Network, Projection, Spikes

__all__ = ["DenseRun", "dense_mask", "dense_weights", "run_dense"]


class DenseRun(NamedTuple):
    """Everything a run does, by population or projection name."""

    rasters: dict[str, NDArray[np.uint8]]  # (n_steps, size)
    u: dict[str, NDArray[Any]]  # (n_steps, n_receptors, size)
    v: dict[str, NDArray[Any]]  # (n_steps, size), after reset
    synaptic_events: dict[str, int]
    margin: float  # smallest distance of a free membrane to its threshold, before reset


def dense_weights(projection: Projection, dtype: Any) -> dict[int, NDArray[Any]]:
    """Return one matrix (n_post, n_pre) for every delay that occurs."""
    synapses = projection.synapses
    matrices: dict[int, NDArray[Any]] = {}
    for k in range(synapses.n_active):
        delay = projection.delay if synapses.delays is None else int(synapses.delays[k])
        matrix = matrices.setdefault(delay, np.zeros(synapses.shape, dtype=dtype))
        matrix[synapses.post[k], synapses.indices[k]] = synapses.weights[k]
    return matrices


def dense_mask(projection: Projection) -> NDArray[np.int64]:
    """Return (n_post, n_pre) of zeros and ones: where a synapse is, be its weight 0 or not."""
    mask = np.zeros(projection.synapses.shape, dtype=np.int64)
    mask[projection.synapses.post, projection.synapses.indices] = 1
    return mask


class _Layer:
    """State and update of one population of LIF neurons."""

    def __init__(self, neuron: LIF, size: int, dtype: Any) -> None:
        def each(value: Any) -> NDArray[Any]:
            return np.broadcast_to(np.asarray(value, dtype=np.float64), size).astype(dtype)

        self.size = size
        self.keep_u = (1 - np.array(neuron.decays_u)).astype(dtype)
        self.keep_v = (1 - np.broadcast_to(np.float64(neuron.dv), size)).astype(dtype)
        self.vth = each(neuron.vth)
        self.bias = each(neuron.bias)
        self.v_reset = each(neuron.v_reset)
        self.refractory = neuron.refractory
        self.subtract = neuron.reset == "subtract"
        self.dtype = dtype
        self.rest()

    def rest(self) -> None:
        self.u = np.zeros((self.keep_u.size, self.size), dtype=self.dtype)
        self.v = np.zeros(self.size, dtype=self.dtype)
        self.wait = np.zeros(self.size, dtype=np.int64)

    def step(self, a: NDArray[Any]) -> tuple[NDArray[np.bool_], float]:
        """Take what arrives, (n_receptors, size); return who fires and the margin."""
        for r, keep in enumerate(self.keep_u):
            self.u[r] = self.u[r] * keep + a[r]
        total = self.u[0].copy()
        for r in range(1, self.keep_u.size):
            total = total + self.u[r]
        free = self.wait == 0
        v = np.where(free, self.v * self.keep_v + total + self.bias, self.v)
        fires = free & (v > self.vth)
        margin = float(np.abs(v - self.vth)[free].min(initial=np.inf))
        after = v - self.vth if self.subtract else self.v_reset
        self.v = np.where(fires, after, v)
        self.wait = np.where(fires, self.refractory, np.maximum(self.wait - 1, 0))
        return fires, margin


def run_dense(
    network: Network,
    inputs: Mapping[str, Any],
    n_steps: int,
    *,
    dtype: Any = np.float32,
    reset_every: int | None = None,
) -> DenseRun:
    """Run ``network``; inputs as in `neurosparse.simulate.simulate`."""
    rasters: dict[str, NDArray[np.uint8]] = {}
    layers: dict[str, _Layer] = {}
    for name, population in network.populations.items():
        rasters[name] = np.zeros((n_steps, population.size), dtype=np.uint8)
        if isinstance(population.neuron, LIF):
            layers[name] = _Layer(population.neuron, population.size, dtype)
        elif name in inputs:
            given = inputs[name]
            table = given.raster() if isinstance(given, Spikes) else np.asarray(given)
            shared = min(n_steps, len(table))
            rasters[name][:shared] = table[:shared]
    weights = [dense_weights(projection, dtype) for projection in network.projections]
    longest = max((projection.max_delay for projection in network.projections), default=0)
    u = {name: np.zeros((n_steps, *layer.u.shape), dtype) for name, layer in layers.items()}
    v = {name: np.zeros((n_steps, layer.size), dtype) for name, layer in layers.items()}
    depths = network.depths
    margin = np.inf
    for t in range(n_steps):
        for name, layer in layers.items():
            since = t - depths[name]
            if reset_every is not None and since >= 0 and since % reset_every == 0:
                layer.rest()
            a = np.zeros_like(layer.u)
            for delay in range(min(longest, t), 0, -1):  # what was sent first is added first
                for projection, matrices in zip(network.projections, weights, strict=True):
                    if projection.target == name and delay in matrices:
                        for pre in np.flatnonzero(rasters[projection.source][t - delay]):
                            a[projection.receptor] += matrices[delay][:, pre]
            if name in inputs and t < len(inputs[name]):
                a[0] += np.asarray(inputs[name], dtype=dtype)[t]
            rasters[name][t], nearest = layer.step(a)
            margin = min(margin, nearest)
            u[name][t], v[name][t] = layer.u, layer.v
    events = {
        p.name: int((rasters[p.source].astype(np.int64) @ dense_mask(p).T).sum())
        for p in network.projections
    }
    return DenseRun(rasters, u, v, events, float(margin))
