"""Step loops of the event-driven engines (numba).

Both engines share the delivery of events and the order of operations; they differ in the
arithmetic of the neuron. All populations live side by side in flat arrays (see ``plan.py``):
a *neuron* number is global, a *slot* is one receptor of one neuron.

Oracles: ``tests/reference/dense.py`` (float), ``tests/reference/fixed_point.py`` and Lava's
``fixed_pt`` models (integer).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba.extending import overload
from numpy.typing import NDArray

from neurosparse.jit import kernel

U_LIMIT = np.int64(1 << 23)  # u wraps and v saturates at 24 bits, sign included
DECAY_ONE = np.int64(1 << 12)
DECAY_SHIFT = np.int64(12)
WEIGHT_SHIFT = np.int64(6)  # Lava's act_shift and vth_shift


class Populations(NamedTuple):
    """One row per population, all (n_populations,) int64."""

    first: NDArray[np.int64]  # global number of its first neuron
    size: NDArray[np.int64]
    slot: NDArray[np.int64]  # first slot; -1 for a spike source
    receptor: NDArray[np.int64]  # row of its first receptor in keep_u
    n_receptors: NDArray[np.int64]
    refractory: NDArray[np.int64]
    subtract: NDArray[np.int64]
    current: NDArray[np.int64]  # first column of its currents; -1 for none
    depth: NDArray[np.int64]


class Projections(NamedTuple):
    """All synapses by presynaptic row; one row per projection in the first five."""

    source: NDArray[np.int64]  # population
    indptr: NDArray[np.int64]  # where its row pointers begin in row_ptr
    delay: NDArray[np.int64]
    delays: NDArray[np.int64]  # where its delays begin in synapse_delay; -1: all alike
    synapse: NDArray[np.int64]  # where its synapses begin
    row_ptr: NDArray[np.int64]
    target: NDArray[np.int32]  # slot of every synapse
    weight: NDArray[np.generic]
    synapse_delay: NDArray[np.uint8]


class FloatNeurons(NamedTuple):
    """Parameters and state of LIF neurons; ``keep`` is 1 minus the decay."""

    keep_u: NDArray[np.generic]  # per receptor
    keep_v: NDArray[np.generic]
    vth: NDArray[np.generic]
    bias: NDArray[np.generic]
    v_reset: NDArray[np.generic]
    u: NDArray[np.generic]  # per slot
    v: NDArray[np.generic]
    wait: NDArray[np.int64]  # refractory steps left


class FixedNeurons(NamedTuple):
    """Parameters and state of FixedPointLIF neurons, int64."""

    keep_u: NDArray[np.int64]  # 4096 - du - 1, per receptor
    keep_v: NDArray[np.int64]  # 4096 - dv
    vth: NDArray[np.int64]  # vth << 6
    bias: NDArray[np.int64]  # bias_mant << bias_exp
    u: NDArray[np.int64]
    v: NDArray[np.int64]
    wait: NDArray[np.int64]  # Lava's fixed_pt LIF has no refractory period: stays 0


class Drive(NamedTuple):
    """What comes from outside in this chunk of steps."""

    spike_ptr: NDArray[np.int64]  # (n_steps + 1,)
    spike_neuron: NDArray[np.int32]  # source spikes, by step, then neuron
    currents: NDArray[np.generic]  # (n_steps, n_columns)


class Record(NamedTuple):
    """What a chunk of steps writes."""

    spike_ptr: NDArray[np.int64]  # (n_steps + 1,)
    spike_neuron: NDArray[np.int32]  # room for every neuron in every step
    events: NDArray[np.int64]  # per projection, counted up
    probe_slot: NDArray[np.int64]  # u probes
    probe_neuron: NDArray[np.int64]  # v probes
    trace_u: NDArray[np.generic]  # (n_steps, n_u)
    trace_v: NDArray[np.generic]  # (n_steps, n_v)


@kernel
def deliver(projections, populations, ring, t, spikes, starts, events):
    """Add the weights of this step's spikes to the ring rows they arrive in.

    Sources are visited in ascending order, so that the sum over one projection has the order of
    a row-wise sparse product. Serial: several synapses may share a target.
    """
    depth = ring.shape[0]
    for p in range(projections.source.size):
        source = projections.source[p]
        first = populations.first[source]
        rows = projections.indptr[p]
        base = projections.synapse[p]
        own = projections.delays[p]
        row = ring[(t + projections.delay[p]) % depth]
        for k in range(starts[source], starts[source + 1]):
            pre = spikes[k] - first
            begin = projections.row_ptr[rows + pre]
            end = projections.row_ptr[rows + pre + 1]
            events[p] += end - begin
            if own < 0:
                for s in range(base + begin, base + end):
                    row[projections.target[s]] += projections.weight[s]
            else:
                for s in range(base + begin, base + end):
                    # widened first: in plain Python a uint8 would make the sum a uint8
                    at = (t + np.int64(projections.synapse_delay[own + s - base])) % depth
                    ring[at, projections.target[s]] += projections.weight[s]


@kernel
def copy_source_spikes(drive, step, low, high, cursor, spikes, n):
    """Append the given spikes of one source; return the new cursor and the new count."""
    end = drive.spike_ptr[step + 1]
    while cursor < end and drive.spike_neuron[cursor] < high:
        if drive.spike_neuron[cursor] >= low:
            spikes[n] = drive.spike_neuron[cursor]
            n += 1
        cursor += 1
    return cursor, n


@kernel
def write_traces(record, step, u, v):
    """Sample the probes after reset, as Lava's Monitor does."""
    for k in range(record.probe_slot.size):
        record.trace_u[step, k] = u[record.probe_slot[k]]
    for k in range(record.probe_neuron.size):
        record.trace_v[step, k] = v[record.probe_neuron[k]]


@kernel
def update_float(populations, p, neurons, arriving, currents, spikes, n):
    """Advance one population by one step; append its spikes and return the new count."""
    first = populations.first[p]
    size = populations.size[p]
    slot = populations.slot[p]
    column = populations.current[p]
    u = neurons.u
    for r in range(populations.n_receptors[p]):
        keep = neurons.keep_u[populations.receptor[p] + r]
        low = slot + r * size
        for j in range(low, low + size):
            a = arriving[j]
            if r == 0 and column >= 0:
                a += currents[column + j - low]
            u[j] = u[j] * keep + a
    refractory = populations.refractory[p]
    for i in range(size):
        g = first + i
        if refractory > 0 and neurons.wait[g] > 0:
            neurons.wait[g] -= 1
            continue
        total = u[slot + i]
        for r in range(1, populations.n_receptors[p]):
            total += u[slot + r * size + i]
        v = neurons.v[g] * neurons.keep_v[g] + total + neurons.bias[g]
        if v > neurons.vth[g]:
            spikes[n] = g
            n += 1
            neurons.wait[g] = refractory
            v = v - neurons.vth[g] if populations.subtract[p] else neurons.v_reset[g]
        neurons.v[g] = v
    return n


@kernel
def update_fixed(populations, p, neurons, arriving, currents, spikes, n):
    """Advance one integer population by one step, bit for bit as Lava's ``fixed_pt`` LIF."""
    first = populations.first[p]
    slot = populations.slot[p]
    column = populations.current[p]
    keep_u = neurons.keep_u[populations.receptor[p]]
    for i in range(populations.size[p]):
        g = first + i
        j = slot + i
        a = np.int64(arriving[j])
        if column >= 0:
            a += currents[column + i]
        u = neurons.u[j]
        # the decay rounds toward zero: shift the magnitude, then give the sign back
        u = (u * keep_u) >> DECAY_SHIFT if u >= 0 else -((-u * keep_u) >> DECAY_SHIFT)
        u += a << WEIGHT_SHIFT
        if u > U_LIMIT:
            u -= 2 * U_LIMIT
        elif u <= -U_LIMIT:
            u += 2 * U_LIMIT
        neurons.u[j] = u
        v = neurons.v[g]
        keep_v = neurons.keep_v[g]
        v = (v * keep_v) >> DECAY_SHIFT if v >= 0 else -((-v * keep_v) >> DECAY_SHIFT)
        v = min(max(v + u + neurons.bias[g], -(U_LIMIT - 1)), U_LIMIT - 1)
        if v > neurons.vth[g]:
            spikes[n] = g
            n += 1
            v = np.int64(0)
        neurons.v[g] = v
    return n


@kernel
def reset_state(populations, p, neurons):
    """Set one population back to rest."""
    slot = populations.slot[p]
    first = populations.first[p]
    last = first + populations.size[p]
    neurons.u[slot : slot + populations.size[p] * populations.n_receptors[p]] = 0
    neurons.v[first:last] = 0
    neurons.wait[first:last] = 0


def update(populations, p, neurons, arriving, currents, spikes, n):
    """Advance one population in the arithmetic its state calls for."""
    if isinstance(neurons, FloatNeurons):
        return update_float(populations, p, neurons, arriving, currents, spikes, n)
    return update_fixed(populations, p, neurons, arriving, currents, spikes, n)


@overload(update)
def _update_compiled(populations, p, neurons, arriving, currents, spikes, n):
    # resolved by type when run_steps is compiled: one step loop serves both engines
    chosen = update_float if neurons.instance_class is FloatNeurons else update_fixed

    def compiled(populations, p, neurons, arriving, currents, spikes, n):
        return chosen(populations, p, neurons, arriving, currents, spikes, n)

    return compiled


@kernel
def run_steps(t0, n_steps, reset_every, populations, projections, neurons, ring, drive, record):
    """Run ``n_steps`` steps from step ``t0``, changing the state in place."""
    starts = np.zeros(populations.size.size + 1, np.int64)
    n = 0
    for step in range(n_steps):
        t = t0 + step
        arriving = ring[t % ring.shape[0]]
        cursor = drive.spike_ptr[step]
        for p in range(populations.size.size):
            starts[p] = n
            if populations.slot[p] < 0:
                low = populations.first[p]
                cursor, n = copy_source_spikes(
                    drive, step, low, low + populations.size[p], cursor, record.spike_neuron, n
                )
                continue
            since = t - populations.depth[p]
            if reset_every > 0 and since >= 0 and since % reset_every == 0:
                reset_state(populations, p, neurons)
            n = update(
                populations, p, neurons, arriving, drive.currents[step], record.spike_neuron, n
            )
        starts[-1] = n
        record.spike_ptr[step + 1] = n
        arriving[:] = 0
        deliver(projections, populations, ring, t, record.spike_neuron, starts, record.events)
        write_traces(record, step, neurons.u, neurons.v)
