"""Cut the neurons into the parts that threads work on."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosparse.network import Network
from neurosparse.simulate.arithmetic import engine_dtype
from neurosparse.simulate.engine_arrays import Parts, Populations
from neurosparse.simulate.float_kernels import BLOCK
from neurosparse.simulate.layout import LINE, padded
from neurosparse.simulate.philox_kernels import WORDS
from neurosparse.simulate.poisson_kernels import MAX_EVENTS

__all__ = ["cut_into_parts", "parts_for"]

UPDATE_WORK = 200  # synapses that make as much work as the update of a neuron
RING_BYTES = 1 << 20  # of the ring that a part writes to; half a core's second cache


def parts_for(network: Network, dtype: Any, threads: int, depth: int) -> int:
    """Return into how many parts to cut the neurons.

    One for every thread; more where synapses have delays of their own, so that the piece of the
    ring that a part writes to, here and there, stays in a core's own cache.
    """
    n_slots = sum(
        padded(population.size) * population.neuron.n_receptors
        for population in network.populations.values()
        if population.neuron is not None
    )
    n_bytes = depth * n_slots * engine_dtype(network, dtype).itemsize
    return threads * max(1, -(-n_bytes // (threads * RING_BYTES)))


def cut_into_parts(
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
    grain = LINE if n_parts <= 4 else WORDS
    edges = np.minimum(np.rint(share * size / grain).astype(np.int64) * grain, size)
    edges[-1] = size
    shape = (n_parts, size.size)
    # one entry more: a spike is written first and counted afterwards
    room = window * int((edges[1:] - edges[:-1]).sum(axis=1).max(initial=0)) + LINE
    return Parts(
        low=edges[:-1].copy(),
        high=edges[1:].copy(),
        head=np.zeros(shape, dtype=np.int64),
        waiting=np.zeros(shape, dtype=np.int64),
        spikes=np.empty((n_parts, room), dtype=np.int32),
        starts=np.zeros((n_parts, window + 1, size.size), dtype=np.int64),
        events=np.zeros((n_parts, len(network.projections)), dtype=np.int64),
        total=np.zeros((n_parts, BLOCK), dtype=dtype),
        words=np.zeros((n_parts, WORDS), dtype=np.uint32),
        counts=np.zeros((n_parts, WORDS), dtype=np.int32),
        thresholds=np.zeros((n_parts, MAX_EVENTS), dtype=np.uint32),
    )
