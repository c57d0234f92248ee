"""Slow, obvious reference of an integer Network: Python integers, one neuron at a time.

Written from the equations of Lava's ``fixed_pt`` models, not from the engine: no NumPy arithmetic,
so that nothing here can overflow unseen, and no import of anything that runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import (
    FixedPointLIF,
    FixedPointTernaryLIF,
    Network,
    Projection,
    Spikes,
    SynapseFormat,
)
from neurosparse.simulate import State
from tests.reference.stimuli import Outside

__all__ = ["FixedPointRun", "run_fixed_point"]

LIMIT = 2**23
Arriving = dict[tuple[str, int, int], int]
"""Population, neuron, step -> what is added to u."""


class FixedPointRun(NamedTuple):
    """Everything a run does, by population or projection."""

    rasters: dict[str, NDArray[Any]]  # (n_steps, size); -1, 0, 1 of neurons with two thresholds
    u: dict[str, NDArray[np.int64]]  # (n_steps, size)
    v: dict[str, NDArray[np.int64]]  # (n_steps, size), after reset
    overflows: dict[str, tuple[int, int]]  # how often u turned over, and v met its bound
    synaptic_events: dict[str, int]
    state: State  # after the last step

    @property
    def n_wraps(self) -> int:
        """How often any u left its 24 bits."""
        return sum(wraps for wraps, _ in self.overflows.values())

    @property
    def n_clips(self) -> int:
        """How often any v met its bound."""
        return sum(clips for _, clips in self.overflows.values())


def toward_zero(value: int, keep: int) -> int:
    """Multiply by ``keep / 4096`` and cut the fraction off."""
    product = abs(value) * keep // 4096
    return product if value >= 0 else -product


def int32(value: int) -> int:
    """What a sum is in 32 bits, in which Lava adds."""
    return (value + 2**31) % 2**32 - 2**31


def wrapped(u: int) -> int:
    """One turn of a 24-bit register; +2^23 itself is still allowed."""
    if u > LIMIT:
        return u - 2 * LIMIT
    if u <= -LIMIT:
        return u + 2 * LIMIT
    return u


def clipped(v: int) -> int:
    """Saturate at 24 bits."""
    return max(-(LIMIT - 1), min(LIMIT - 1, v))


class _Layer:
    """Neurons of one population."""

    def __init__(self, neuron: FixedPointLIF | FixedPointTernaryLIF, size: int) -> None:
        self.neuron, self.size = neuron, size
        self.is_ternary = isinstance(neuron, FixedPointTernaryLIF)
        self.n_wraps = self.n_clips = 0
        self.bias = [
            m * 2**neuron.bias_exp for m in np.broadcast_to(neuron.bias_mant, size).tolist()
        ]
        above = neuron.vth_hi if isinstance(neuron, FixedPointTernaryLIF) else neuron.vth
        self.above = [64 * vth for vth in np.broadcast_to(above, size).tolist()]
        if isinstance(neuron, FixedPointTernaryLIF):
            self.below = [64 * vth for vth in np.broadcast_to(neuron.vth_lo, size).tolist()]
        self.rest()

    def rest(self) -> None:
        self.u, self.v, self.wait = [0] * self.size, [0] * self.size, [0] * self.size

    def step(self, i: int, arriving: int) -> int:
        """Update neuron ``i``; return 1, -1 or 0."""
        current = int32(toward_zero(self.u[i], 4096 - self.neuron.du - 1) + arriving)
        self.n_wraps += wrapped(current) != current
        self.u[i] = wrapped(current)
        if self.wait[i] > 0:
            self.wait[i] -= 1
            self.v[i] = 0
        else:
            decayed = toward_zero(self.v[i], 4096 - self.neuron.dv)
            membrane = int32(decayed + self.u[i] + self.bias[i])
            self.n_clips += clipped(membrane) != membrane
            self.v[i] = clipped(membrane)
        spike = 0
        if self.v[i] > self.above[i]:
            spike = 1
        elif self.is_ternary and self.v[i] < self.below[i]:
            spike = -1
        if spike:
            self.v[i] = 0
            self.wait[i] = getattr(self.neuron, "refractory", 0)
        return spike


class _Wires:
    """A projection: what it sends, delay by delay."""

    def __init__(self, network: Network, projection: Projection) -> None:
        self.of, self.source, self.target = projection, projection.source, projection.target
        self.format = projection.format or SynapseFormat()
        self.has_messages = self.format.num_message_bits > 0
        synapses = projection.synapses
        self.pre, self.post = synapses.indices.tolist(), synapses.post.tolist()
        self.weights = np.asarray(synapses.weights).tolist()
        self.delays = np.full(len(self.pre), projection.delay).tolist()
        if synapses.delays is not None:
            self.delays = synapses.delays.tolist()
        exponent, step = self.format.weight_exp, self.format.grid.step
        rounds = self.format.shift == "sum" and exponent < 0 and step % 2**-exponent != 0
        from_source = network.populations[self.source].neuron is None
        # the others have been sent ahead when a run is cut
        self.is_kept = synapses.delays is None or rounds or (from_source and self.has_messages)

    def send(self, fired: NDArray[Any], values: list[int], t: int, arriving: Arriving) -> None:
        """Send what the sources did in step ``t``; those that ``fired`` send their value, or 1."""
        sums: dict[tuple[int, int], int] = defaultdict(int)
        for pre, post, weight, delay in zip(
            self.pre, self.post, self.weights, self.delays, strict=True
        ):
            if not fired[pre]:
                continue
            value = values[pre] if self.has_messages else 1
            if self.format.shift == "synapse":
                weight = _shifted(64 * weight, self.format.weight_exp)
            sums[post, delay] += weight * value
        for (post, delay), total in sums.items():
            if self.format.shift == "sum":
                total = 64 * _shifted(total, self.format.weight_exp)
            arriving[self.target, post, t + delay] += total


def _shifted(value: int, exponent: int) -> int:
    """Multiply by a power of two, down to a whole number."""
    return value * 2**exponent if exponent >= 0 else value // 2**-exponent


class _Sources:
    """What the spike sources do, messages among it."""

    def __init__(self, network: Network, inputs: Mapping[str, Any], outside: Outside) -> None:
        self._outside = outside
        self.tables: dict[str, NDArray[np.int64]] = {}
        for name, given in inputs.items():
            takers = [
                p
                for p in network.projections
                if p.source == name and p.format is not None and p.format.num_message_bits > 0
            ]
            if network.populations[name].neuron is not None or not takers:
                continue
            if isinstance(given, Spikes) and given.signs is not None:
                self.tables[name] = given.raster().astype(np.int64)
            elif isinstance(given, np.ndarray) and not np.isin(given, (0, 1)).all():
                self.tables[name] = given.astype(np.int64)

    def fires(self, name: str, t: int) -> NDArray[Any]:
        """Return which neurons of a source fire in a step."""
        if name not in self.tables:
            return self._outside.source_spikes(name, t)
        table = self.tables[name]
        return table[t] != 0 if t < len(table) else np.zeros(table.shape[1], dtype=bool)

    def values(self, name: str, fired: NDArray[Any], t: int) -> list[int]:
        """Return what the neurons that ``fired`` in a step send as messages."""
        values: list[int] = fired.astype(np.int64).tolist()
        if name in self.tables:
            table = self.tables[name]
            values = table[t].tolist() if 0 <= t < len(table) else [0] * len(values)
        return values


def run_fixed_point(
    network: Network,
    inputs: Mapping[str, Any],
    n_steps: int,
    *,
    reset_every: int | None = None,
    state: State | None = None,
    key: int | None = None,
) -> FixedPointRun:
    """Run an integer network; inputs as in `neurosparse.simulate.simulate`."""
    state = State.at_rest(network) if state is None else state
    key = state.key if key is None else key
    outside = Outside(network, inputs, key, np.int64)
    sources = _Sources(network, inputs, outside)
    sizes = {name: p.size for name, p in network.populations.items()}
    wires = [_Wires(network, projection) for projection in network.projections]
    layers: dict[str, _Layer] = {}
    n_recent = next(iter(state.recent.values())).n_steps
    rasters = {}
    arriving: Arriving = defaultdict(int)
    sent_ahead: Arriving = defaultdict(int)  # of it, what was sent before it had to be
    for name, population in network.populations.items():
        rasters[name] = np.zeros((n_recent + n_steps, sizes[name]), np.int8)
        rasters[name][:n_recent] = state.recent[name].raster()
        if population.neuron is not None:
            assert isinstance(population.neuron, FixedPointLIF | FixedPointTernaryLIF)
            layer = layers[name] = _Layer(population.neuron, population.size)
            layer.u, layer.v = state.u[name][0].tolist(), state.v[name].tolist()
            layer.wait = state.wait[name].tolist()
    for name, pending in state.pending.items():
        for k, i in np.ndindex(pending.shape[0], sizes[name]):
            sent_ahead[name, i, state.step + k] = int(pending[k, 0, i])
    # what is under way on projections that keep spikes; what lies too far back finds no one
    for row in range(n_recent):
        t = state.step - n_recent + row
        for one in wires:
            if one.is_kept:
                fired = rasters[one.source][row]
                one.send(fired, sources.values(one.source, fired, t), t, arriving)
    traces_u = {name: np.zeros((n_steps, sizes[name]), np.int64) for name in layers}
    traces_v = {name: np.zeros((n_steps, sizes[name]), np.int64) for name in layers}
    for row in range(n_recent, n_recent + n_steps):
        t = state.step + row - n_recent
        for name, size in sizes.items():
            if name not in layers:
                rasters[name][row] = sources.fires(name, t)
                continue
            layer = layers[name]
            since = t - network.depths[name]
            if reset_every is not None and since >= 0 and since % reset_every == 0:
                layer.rest()
            given = [64 * a for a in outside.current(name, t).tolist()]
            for _, weight, counts in outside.events(name, t):
                given = [
                    a + 64 * int(weight) * k for a, k in zip(given, counts.tolist(), strict=True)
                ]
            for i in range(size):
                a = arriving.pop((name, i, t), 0) + sent_ahead.pop((name, i, t), 0) + given[i]
                rasters[name][row, i] = layer.step(i, a)
            traces_u[name][row - n_recent] = layer.u
            traces_v[name][row - n_recent] = layer.v
        for one in wires:
            into = arriving if one.is_kept else sent_ahead
            fired = rasters[one.source][row]
            one.send(fired, sources.values(one.source, fired, t), t, into)
    own = {
        name: raster[n_recent:].astype(np.int8 if _is_ternary(layers, name) else np.uint8)
        for name, raster in rasters.items()
    }
    after = State(
        state.step + n_steps,
        {name: np.array([layer.u]) for name, layer in layers.items()},
        {name: np.array(layer.v) for name, layer in layers.items()},
        {name: np.array(layer.wait) for name, layer in layers.items()},
        {
            name: Spikes.from_raster(raster[n_steps:], signed=_is_ternary(layers, name))
            for name, raster in rasters.items()
        },
        {
            name: _rows(sent_ahead, name, state.step + n_steps, before)
            for name, before in state.pending.items()
        },
        key,
    )
    return FixedPointRun(
        own,
        traces_u,
        traces_v,
        {name: (layer.n_wraps, layer.n_clips) for name, layer in layers.items()},
        {one.of.name: _events(one.of, own[one.source]) for one in wires},
        after,
    )


def _is_ternary(layers: dict[str, _Layer], name: str) -> bool:
    return name in layers and layers[name].is_ternary


def _rows(sent: Arriving, name: str, step: int, like: NDArray[Any]) -> NDArray[np.int64]:
    """Return what arrives from ``step`` on, as a state holds it."""
    rows = np.zeros_like(like)
    for k, i in np.ndindex(rows.shape[0], rows.shape[2]):
        rows[k, 0, i] = int32(sent[name, i, step + k])
    return rows


def _events(projection: Projection, raster: NDArray[Any]) -> int:
    """Return the sum of the fan-outs of all spikes."""
    fan_out = np.bincount(projection.synapses.indices, minlength=projection.synapses.n_pre)
    return int(((raster != 0) @ fan_out).sum())
