"""Slow, obvious, clock-driven reference of a float Network: one step and one weight at a time.

Imports the nouns of ``neurosparse`` and nothing that runs. What is equal here and in the
event-driven engine is equal for a reason: both add to the decayed ``u`` (in float64 to a sum
apart, which is then added to it), in the same dtype, first the sum of what synapses with delays of
their own have sent (in the order of the step it was sent in, then of the projections, then of the
sources), then weight by weight what the other projections bring (in their order, then of the
sources), then Poisson events, then the sum of the currents. In every 64th step what is then too
small to be a normal number is set to zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import LIF, Network, Projection, Spikes
from neurosparse.simulate import State
from tests.reference.stimuli import Outside

__all__ = ["DenseRun", "dense_mask", "recent_spikes", "run_dense"]


class DenseRun(NamedTuple):
    """Everything a run does, by population or projection name."""

    rasters: dict[str, NDArray[np.uint8]]  # (n_steps, size)
    u: dict[str, NDArray[Any]]  # (n_steps, n_receptors, size)
    v: dict[str, NDArray[Any]]  # (n_steps, size), after reset
    synaptic_events: dict[str, int]
    margin: float  # smallest distance of a free membrane to its threshold, before reset
    state: State  # after the last step


def dense_mask(projection: Projection) -> NDArray[np.int64]:
    """Return how many synapses every pair has, (n_post, n_pre), be their weight 0 or not."""
    mask = np.zeros(projection.synapses.shape, dtype=np.int64)
    np.add.at(mask, (projection.synapses.post, projection.synapses.indices), 1)
    return mask


class _Wires:
    """The synapses of a projection, to be walked source by source."""

    def __init__(self, projection: Projection, dtype: Any) -> None:
        synapses = projection.synapses
        self.source, self.target = projection.source, projection.target
        self.receptor, self.delay = projection.receptor, projection.delay
        self.has_own_delays = synapses.delays is not None
        order = np.argsort(synapses.indices, kind="stable")  # targets ascending within a source
        self._begin = np.searchsorted(synapses.indices[order], np.arange(synapses.n_pre + 1))
        self._post = synapses.post[order]
        self._weights = synapses.weights[order].astype(dtype)
        self._delays = np.full(order.size, projection.delay)
        if synapses.delays is not None:
            self._delays = synapses.delays[order].astype(np.int64)

    def of(self, pre: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return targets, weights and delays of a source."""
        own = slice(self._begin[pre], self._begin[pre + 1])
        return self._post[own], self._weights[own], self._delays[own]


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

    def decay(self) -> None:
        """Let the currents decay; what arrives is then added to them."""
        self.u *= self.keep_u[:, None]

    def flush(self) -> None:
        """Set to zero what is too small to be a normal number."""
        tiny = np.finfo(self.dtype).tiny
        self.u[np.abs(self.u) < tiny] = 0
        self.v[(np.abs(self.v) < tiny) & (self.wait == 0)] = 0

    def step(self) -> tuple[NDArray[np.bool_], float]:
        """Update the membranes from ``u``; return who fires and the margin."""
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


def recent_spikes(rasters: NDArray[np.uint8], n_steps: int) -> Spikes:
    """Return the last ``n_steps`` rows as spikes."""
    return Spikes.from_raster(rasters[len(rasters) - n_steps :])


def run_dense(
    network: Network,
    inputs: Mapping[str, Any],
    n_steps: int,
    *,
    dtype: Any = np.float32,
    reset_every: int | None = None,
    state: State | None = None,
    key: int | None = None,
) -> DenseRun:
    """Run ``network``; inputs as in `neurosparse.simulate.simulate`, drawn with ``key``."""
    state = State.at_rest(network, dtype=dtype) if state is None else state
    key = state.key if key is None else key
    outside = Outside(network, inputs, key, dtype)
    layers: dict[str, _Layer] = {}
    rasters: dict[str, NDArray[np.uint8]] = {}  # of the steps before this run, too
    ring: dict[str, list[NDArray[Any]]] = {}  # what arrives now, in the next step, ...
    n_recent = next(iter(state.recent.values())).n_steps
    for name, population in network.populations.items():
        rasters[name] = np.zeros((n_recent + n_steps, population.size), dtype=np.uint8)
        rasters[name][:n_recent] = state.recent[name].raster()
        if isinstance(population.neuron, LIF):
            layer = layers[name] = _Layer(population.neuron, population.size, dtype)
            layer.u, layer.v = state.u[name].copy(), state.v[name].copy()
            layer.wait = state.wait[name].copy()
            ring[name] = [np.zeros_like(layer.u) for _ in range(256)]
            for k, sent in enumerate(state.pending.get(name, ())):
                ring[name][k] = sent.copy()
    wires = [_Wires(projection, dtype) for projection in network.projections]
    u = {name: np.zeros((n_steps, *layer.u.shape), dtype) for name, layer in layers.items()}
    v = {name: np.zeros((n_steps, layer.size), dtype) for name, layer in layers.items()}
    depths = network.depths
    margin = np.inf
    for i in range(n_steps):
        t, row = state.step + i, n_recent + i
        for name in network.populations:
            if name not in layers:
                rasters[name][row] = outside.source_spikes(name, t)
                continue
            layer = layers[name]
            since = t - depths[name]
            if reset_every is not None and since >= 0 and since % reset_every == 0:
                layer.rest()
            layer.decay()
            # float32: added one by one; float64: summed apart, then added
            box = layer.u if dtype == np.float32 else np.zeros_like(layer.u)
            box += ring[name][0]
            for one in wires:
                if one.target == name and not one.has_own_delays and row >= one.delay:
                    for pre in np.flatnonzero(rasters[one.source][row - one.delay]):
                        post, weights, _ = one.of(pre)
                        np.add.at(box[one.receptor], post, weights)
            for receptor, weight, counts in outside.events(name, t):
                box[receptor] += dtype(weight) * counts.astype(dtype)
            box[0] += outside.current(name, t)
            if box is not layer.u:
                layer.u += box
            u[name][i] = layer.u
            if t % 64 == 0:
                layer.flush()
            rasters[name][row], nearest = layer.step()
            margin = min(margin, nearest)
            v[name][i] = layer.v
        for name, rows in ring.items():
            rows.append(np.zeros_like(rows.pop(0)))
            for one in wires:
                if one.target == name and one.has_own_delays:
                    for pre in np.flatnonzero(rasters[one.source][row]):
                        for post, weight, delay in zip(*one.of(pre), strict=True):
                            rows[delay - 1][one.receptor, post] += weight
    own = {name: raster[n_recent:] for name, raster in rasters.items()}
    events = {
        p.name: int((own[p.source].astype(np.int64) @ dense_mask(p).T).sum())
        for p in network.projections
    }
    after = State(
        state.step + n_steps,
        {name: layer.u for name, layer in layers.items()},
        {name: layer.v for name, layer in layers.items()},
        {name: layer.wait for name, layer in layers.items()},
        {name: recent_spikes(raster, n_recent) for name, raster in rasters.items()},
        {name: np.array(ring[name][: len(sent)]) for name, sent in state.pending.items()},
        key,
    )
    return DenseRun(own, u, v, events, float(margin), after)
