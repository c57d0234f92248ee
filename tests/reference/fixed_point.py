"""Slow, obvious reference of an integer Network: Python integers, one neuron at a time.

Written from the equations of Lava's ``fixed_pt`` models, not from the engine: no NumPy arithmetic,
so that nothing here can overflow, and no import of anything that runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import FixedPointLIF, Network, Projection
from neurosparse.simulate import State
from tests.reference.dense import recent_spikes
from tests.reference.stimuli import Outside

__all__ = ["FixedPointRun", "run_fixed_point"]

LIMIT = 2**23


class FixedPointRun(NamedTuple):
    """Everything a run does, by population."""

    rasters: dict[str, NDArray[np.uint8]]  # (n_steps, size)
    u: dict[str, NDArray[np.int64]]  # (n_steps, size)
    v: dict[str, NDArray[np.int64]]  # (n_steps, size), after reset
    n_wraps: int  # how often u left its 24 bits
    n_clips: int  # how often v met its bound
    state: State  # after the last step


def toward_zero(value: int, keep: int) -> int:
    """Multiply by ``keep / 4096`` and cut the fraction off."""
    product = abs(value) * keep // 4096
    return product if value >= 0 else -product


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
    sizes = {name: p.size for name, p in network.populations.items()}
    neurons = {n: p.neuron for n, p in network.populations.items() if p.neuron is not None}
    n_recent = next(iter(state.recent.values())).n_steps
    rasters = {name: np.zeros((n_recent + n_steps, size), np.uint8) for name, size in sizes.items()}
    u = {name: state.u[name][0].tolist() for name in neurons}
    v = {name: state.v[name].tolist() for name in neurons}
    traces_u = {name: np.zeros((n_steps, sizes[name]), np.int64) for name in neurons}
    traces_v = {name: np.zeros((n_steps, sizes[name]), np.int64) for name in neurons}
    # population, neuron, step -> weights shifted by 6 bits, as the hardware adds them
    arriving: dict[tuple[str, int, int], int] = defaultdict(int)
    for name, spikes in state.recent.items():
        rasters[name][:n_recent] = spikes.raster()
    for name, pending in state.pending.items():
        for k, i in np.ndindex(pending.shape[0], sizes[name]):
            arriving[name, i, state.step + k] += int(pending[k, 0, i])
    # what is under way on projections with one delay; what lies too far back finds no one
    for row in range(n_recent):
        for projection in network.projections:
            if projection.synapses.delays is None:
                _send(
                    projection,
                    rasters[projection.source][row],
                    state.step - n_recent + row,
                    arriving,
                )
    n_wraps = n_clips = 0
    for row in range(n_recent, n_recent + n_steps):
        t = state.step + row - n_recent
        for name, size in sizes.items():
            if name not in neurons:
                rasters[name][row] = outside.source_spikes(name, t)
                continue
            neuron = neurons[name]
            assert isinstance(neuron, FixedPointLIF)
            since = t - network.depths[name]
            if reset_every is not None and since >= 0 and since % reset_every == 0:
                u[name], v[name] = [0] * size, [0] * size
            vth = np.broadcast_to(neuron.vth, size).tolist()
            mantissa = np.broadcast_to(neuron.bias_mant, size).tolist()
            given = [64 * a for a in outside.current(name, t).tolist()]
            for _, weight, counts in outside.events(name, t):
                given = [
                    a + 64 * int(weight) * k for a, k in zip(given, counts.tolist(), strict=True)
                ]
            for i in range(size):
                a = arriving.pop((name, i, t), 0) + given[i]
                current = toward_zero(u[name][i], 4096 - neuron.du - 1) + a
                n_wraps += wrapped(current) != current
                u[name][i] = wrapped(current)
                bias = mantissa[i] * 2**neuron.bias_exp
                membrane = toward_zero(v[name][i], 4096 - neuron.dv) + u[name][i] + bias
                n_clips += clipped(membrane) != membrane
                v[name][i] = clipped(membrane)
                if v[name][i] > 64 * vth[i]:
                    rasters[name][row, i] = 1
                    v[name][i] = 0
            traces_u[name][row - n_recent] = u[name]
            traces_v[name][row - n_recent] = v[name]
        for projection in network.projections:
            _send(projection, rasters[projection.source][row], t, arriving)
    after = State(
        state.step + n_steps,
        {name: np.array([values]) for name, values in u.items()},
        {name: np.array(values) for name, values in v.items()},
        {name: np.zeros(sizes[name], np.int64) for name in neurons},
        {name: recent_spikes(raster, n_recent) for name, raster in rasters.items()},
        _pending(network, state, n_steps, rasters, n_recent),
        key,
    )
    own = {name: raster[n_recent:] for name, raster in rasters.items()}
    return FixedPointRun(own, traces_u, traces_v, n_wraps, n_clips, after)


def _send(
    projection: Projection,
    fired: NDArray[np.uint8],
    t: int,
    arriving: dict[tuple[str, int, int], int],
) -> None:
    synapses = projection.synapses
    for k in np.flatnonzero(fired[synapses.indices]):
        delay = projection.delay if synapses.delays is None else synapses.delays[k]
        where = projection.target, int(synapses.post[k]), t + int(delay)
        arriving[where] += 64 * int(synapses.weights[k])


def _pending(
    network: Network,
    state: State,
    n_steps: int,
    rasters: dict[str, NDArray[np.uint8]],
    n_recent: int,
) -> dict[str, NDArray[np.int64]]:
    """Return what synapses with delays of their own have sent and has not arrived."""
    sent: dict[tuple[str, int, int], int] = defaultdict(int)
    for projection in network.projections:
        if projection.synapses.delays is not None:
            for i in range(n_steps):
                _send(projection, rasters[projection.source][n_recent + i], state.step + i, sent)
    after = {}
    for name, before in state.pending.items():
        pending = np.zeros_like(before)
        pending[: max(0, len(before) - n_steps)] = before[n_steps:]
        for k, i in np.ndindex(pending.shape[0], pending.shape[2]):
            pending[k, 0, i] += sent[name, i, state.step + n_steps + k]
        after[name] = pending
    return after
