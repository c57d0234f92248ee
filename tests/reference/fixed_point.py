"""Slow, obvious reference of an integer Network: Python integers, one neuron at a time.

Written from the equations of Lava's ``fixed_pt`` models, not from the engine: no NumPy arithmetic,
so that nothing here can overflow, and no import of anything that simulates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import FixedPointLIF, Network

__all__ = ["FixedPointRun", "run_fixed_point"]

LIMIT = 2**23


class FixedPointRun(NamedTuple):
    """Everything a run does, by population."""

    rasters: dict[str, NDArray[np.uint8]]  # (n_steps, size)
    u: dict[str, NDArray[np.int64]]  # (n_steps, size)
    v: dict[str, NDArray[np.int64]]  # (n_steps, size), after reset
    n_wraps: int  # how often u left its 24 bits
    n_clips: int  # how often v met its bound


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
) -> FixedPointRun:
    """Run an integer network.

    Parameters
    ----------
    inputs : mapping of str to array (steps, size)
        Zeros and ones for sources, integer currents for neurons; silent after its last row.
    """
    sizes = {name: p.size for name, p in network.populations.items()}
    neurons = {n: p.neuron for n, p in network.populations.items() if p.neuron is not None}
    given = {name: np.asarray(table).tolist() for name, table in inputs.items()}
    rasters = {name: np.zeros((n_steps, size), np.uint8) for name, size in sizes.items()}
    u = {name: [0] * sizes[name] for name in neurons}
    v = {name: [0] * sizes[name] for name in neurons}
    traces_u = {name: np.zeros((n_steps, sizes[name]), np.int64) for name in neurons}
    traces_v = {name: np.zeros((n_steps, sizes[name]), np.int64) for name in neurons}
    arriving: dict[tuple[str, int, int], int] = defaultdict(int)  # population, neuron, step
    n_wraps = n_clips = 0
    for t in range(n_steps):
        for name, size in sizes.items():
            row = given[name][t] if name in given and t < len(given[name]) else [0] * size
            if name not in neurons:
                rasters[name][t] = row
                continue
            neuron = neurons[name]
            assert isinstance(neuron, FixedPointLIF)
            since = t - network.depths[name]
            if reset_every is not None and since >= 0 and since % reset_every == 0:
                u[name], v[name] = [0] * size, [0] * size
            vth = np.broadcast_to(neuron.vth, size).tolist()
            mantissa = np.broadcast_to(neuron.bias_mant, size).tolist()
            for i in range(size):
                a = arriving.pop((name, i, t), 0) + row[i]
                current = toward_zero(u[name][i], 4096 - neuron.du - 1) + 64 * a
                n_wraps += wrapped(current) != current
                u[name][i] = wrapped(current)
                bias = mantissa[i] * 2**neuron.bias_exp
                membrane = toward_zero(v[name][i], 4096 - neuron.dv) + u[name][i] + bias
                n_clips += clipped(membrane) != membrane
                v[name][i] = clipped(membrane)
                if v[name][i] > 64 * vth[i]:
                    rasters[name][t, i] = 1
                    v[name][i] = 0
            traces_u[name][t] = u[name]
            traces_v[name][t] = v[name]
        for projection in network.projections:
            synapses = projection.synapses
            for k in range(synapses.n_active):
                if rasters[projection.source][t, synapses.indices[k]]:
                    delay = projection.delay if synapses.delays is None else synapses.delays[k]
                    where = projection.target, int(synapses.post[k]), t + int(delay)
                    arriving[where] += int(synapses.weights[k])
    return FixedPointRun(rasters, traces_u, traces_v, n_wraps, n_clips)
