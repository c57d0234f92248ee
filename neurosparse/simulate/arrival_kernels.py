"""Spikes arrive: along the rows of their synapses, or by way of the ring (numba).

Serial within a part: several synapses may share a target. Cost O(synapses of the rows).
"""

from __future__ import annotations

import numpy as np

from neurosparse.jit import kernel, kernel_inlined
from neurosparse.simulate.apart_kernels import received_apart
from neurosparse.simulate.machine_kernels import (
    LANE_BITS,
    LANES,
    add_to_lanes,
    array_at,
    borrowed,
    prefer_wide_vectors,
    prefetch,
)

AHEAD = 3  # rows of synapses to prefetch
MOST_LINES = 24  # cache lines of a row to prefetch; the hardware goes on where it is longer
NEAR = 1 << 16  # synapses up to which a projection stays in the second cache anyway

_UINT8 = np.zeros(1, np.uint8)
_UINT16 = np.zeros(1, np.uint16)
_UINT32 = np.zeros(1, np.uint32)
_INT64 = np.zeros(1, np.int64)


@kernel_inlined
def add_constant(u, post, weight, begin, end):
    """Add one weight to every target of a row, entries ``begin`` to ``end - 1``."""
    # unsigned: numba asks of every signed index whether it counts from the end
    for s in range(np.uint64(begin), np.uint64(end)):
        u[post[s]] += weight


@kernel_inlined
def add_weighted(u, post, weights, begin, end):
    """Add the weights of a row to its targets."""
    for s in range(np.uint64(begin), np.uint64(end)):
        u[post[s]] += weights[s]


@kernel_inlined
def add_delayed(ring, row, slot, post, weights, delays, begin, end):
    """Add to the ring rows the synapses of one source arrive in; it fired in row ``row``."""
    depth = np.uint64(ring.shape[0])
    for s in range(np.uint64(begin), np.uint64(end)):
        at = np.uint64(row) + np.uint64(delays[s])
        if at >= depth:
            at -= depth
        ring[at, np.uint64(slot) + np.uint64(post[s])] += weights[s]


@kernel_inlined
def add_delayed_constant(ring, row, slot, post, weight, delays, begin, end):
    """Add one weight to every target of a row, each at its delay."""
    depth = np.uint64(ring.shape[0])
    for s in range(np.uint64(begin), np.uint64(end)):
        at = np.uint64(row) + np.uint64(delays[s])
        if at >= depth:
            at -= depth
        ring[at, np.uint64(slot) + np.uint64(post[s])] += weight


@kernel_inlined
def prefetch_row(array, begin, end):
    """Ask for the entries ``begin`` to ``end - 1`` of ``array``."""
    per_line = 64 // array.itemsize
    for k in range(begin, min(end, begin + MOST_LINES * per_line), per_line):
        prefetch(array, k)


@kernel_inlined
def add_rows(u, post, weight_type, projections, q, cuts, part, n_parts, spikes, first):
    """Add the synapses of ``spikes`` that reach this part."""
    is_far = projections.n_synapses[q] > NEAR
    if projections.weight[q] == 0:
        weight = projections.constant[q]
        for j in range(spikes.size):
            if is_far and j + AHEAD < spikes.size:
                ahead = (spikes[j + AHEAD] - first) * n_parts + part
                prefetch_row(post, cuts[ahead], cuts[ahead + 1])
            row = (spikes[j] - first) * n_parts + part
            add_constant(u, post, weight, cuts[row], cuts[row + 1])
    else:
        weights = array_at(projections.weight[q], projections.n_synapses[q], weight_type)
        for j in range(spikes.size):
            if is_far and j + 1 < spikes.size:
                ahead = (spikes[j + 1] - first) * n_parts + part
                prefetch_row(post, cuts[ahead], cuts[ahead + 1])
                prefetch_row(weights, cuts[ahead], cuts[ahead + 1])
            row = (spikes[j] - first) * n_parts + part
            add_weighted(u, post, weights, cuts[row], cuts[row + 1])


@kernel_inlined
def next_row(spikes, j, first):
    """Return the next neuron that fired, the samples in which it did, and where to go on."""
    neuron = (spikes[j] - first) >> LANE_BITS
    fired = 0
    while j < spikes.size and (spikes[j] - first) >> LANE_BITS == neuron:
        fired |= 1 << ((spikes[j] - first) & (LANES - 1))
        j += 1
    return neuron, np.uint8(fired), j


@kernel_inlined
def add_rows_in_lanes(u, post, weight_type, projections, q, cuts, spikes, first):
    """Add the synapses of ``spikes``; the samples of a neuron lie side by side."""
    n = projections.n_synapses[q]
    weights = array_at(projections.weight[q], n, weight_type)
    constant = projections.constant[q]
    has_weights = projections.weight[q] != 0
    j = 0
    while j < spikes.size:
        row, fired, j = next_row(spikes, j, first)
        for s in range(np.uint64(cuts[row]), np.uint64(cuts[row + 1])):
            weight = u.dtype.type(weights[s]) if has_weights else constant
            add_to_lanes(u, np.int64(post[s]) * LANES, fired, weight)


@kernel_inlined
def receive(u, weight_type, lane_bits, projections, q, part, n_parts, spikes, first):
    """Let ``spikes`` arrive over projection ``q``, whose delay holds for all its synapses."""
    slot = projections.slot[q]
    target = u[slot : slot + projections.size[q]]
    cuts = array_at(projections.cuts[q], projections.n_cuts[q], _INT64)
    n = projections.n_synapses[q]
    if projections.post_bytes[q] == 2:
        post = array_at(projections.post[q], n, _UINT16)
        if lane_bits == 0:
            add_rows(target, post, weight_type, projections, q, cuts, part, n_parts, spikes, first)
        else:
            add_rows_in_lanes(target, post, weight_type, projections, q, cuts, spikes, first)
    else:
        wide = array_at(projections.post[q], n, _UINT32)
        if lane_bits == 0:
            add_rows(target, wide, weight_type, projections, q, cuts, part, n_parts, spikes, first)
        else:
            add_rows_in_lanes(target, wide, weight_type, projections, q, cuts, spikes, first)


@kernel_inlined
def send_rows(ring, at, post, weight_type, projections, q, cuts, part, n_parts, spikes, first):
    """Send ``spikes``, which fired in ring row ``at``, to this part."""
    slot = projections.slot[q]
    n = projections.n_synapses[q]
    delays = array_at(projections.delays[q], n, _UINT8)
    if projections.weight[q] == 0:
        weight = projections.constant[q]
        for j in range(spikes.size):
            row = (spikes[j] - first) * n_parts + part
            add_delayed_constant(ring, at, slot, post, weight, delays, cuts[row], cuts[row + 1])
    else:
        weights = array_at(projections.weight[q], n, weight_type)
        for j in range(spikes.size):
            if j + 1 < spikes.size:
                ahead = (spikes[j + 1] - first) * n_parts + part
                prefetch_row(post, cuts[ahead], cuts[ahead + 1])
                prefetch_row(delays, cuts[ahead], cuts[ahead + 1])
                prefetch_row(weights, cuts[ahead], cuts[ahead + 1])
            row = (spikes[j] - first) * n_parts + part
            add_delayed(ring, at, slot, post, weights, delays, cuts[row], cuts[row + 1])


@kernel_inlined
def send_rows_in_lanes(ring, at, post, weight_type, projections, q, cuts, spikes, first):
    """Send ``spikes``; the samples of a neuron lie side by side."""
    slot = projections.slot[q]
    n = projections.n_synapses[q]
    weights = array_at(projections.weight[q], n, weight_type)
    delays = array_at(projections.delays[q], n, _UINT8)
    constant = projections.constant[q]
    has_weights = projections.weight[q] != 0
    j = 0
    while j < spikes.size:
        neuron, fired, j = next_row(spikes, j, first)
        for s in range(np.uint64(cuts[neuron]), np.uint64(cuts[neuron + 1])):
            weight = ring.dtype.type(weights[s]) if has_weights else constant
            row = (at + np.int64(delays[s])) % ring.shape[0]
            add_to_lanes(ring[row], slot + np.int64(post[s]) * LANES, fired, weight)


@kernel_inlined
def send(ring, at, weight_type, lane_bits, projections, q, part, n_parts, spikes, first):
    """Send ``spikes``, which fired in ring row ``at``, over projection ``q``."""
    cuts = array_at(projections.cuts[q], projections.n_cuts[q], _INT64)
    n = projections.n_synapses[q]
    if projections.post_bytes[q] == 2:
        post = array_at(projections.post[q], n, _UINT16)
        if lane_bits == 0:
            send_rows(
                ring, at, post, weight_type, projections, q, cuts, part, n_parts, spikes, first
            )
        else:
            send_rows_in_lanes(ring, at, post, weight_type, projections, q, cuts, spikes, first)
    else:
        wide = array_at(projections.post[q], n, _UINT32)
        if lane_bits == 0:
            send_rows(
                ring, at, wide, weight_type, projections, q, cuts, part, n_parts, spikes, first
            )
        else:
            send_rows_in_lanes(ring, at, wide, weight_type, projections, q, cuts, spikes, first)


@kernel
def send_ahead(part, n_parts, populations, projections, neurons, parts, t, n_steps, row, record):
    """Send the spikes of a window over the synapses that have delays of their own."""
    populations = borrowed(populations)
    projections = borrowed(projections)
    neurons = borrowed(neurons)
    record = borrowed(record)
    ring = neurons.ring
    for p in range(populations.size.size):
        if parts.low[part, p] == parts.high[part, p]:
            continue
        for i in range(n_steps):
            at = (t + i) % ring.shape[0]
            for q in range(projections.to_population[p], projections.to_population[p + 1]):
                source = projections.source[q]
                begin = record.starts[row + i, source]
                end = record.starts[row + i, source + 1]
                if projections.delay[q] == 0 and begin < end:
                    send(
                        ring,
                        at,
                        neurons.weight_type,
                        populations.lane_bits,
                        projections,
                        q,
                        part,
                        n_parts,
                        record.spikes[begin:end],
                        populations.first[source],
                    )


@kernel
def take_ring(u, row):
    """Add a row of the ring to ``u`` and empty it."""
    prefer_wide_vectors()
    zero = row.dtype.type(0)
    for k in range(u.size):
        u[k] += row[k]
        row[k] = zero


@kernel
def add_all(u, values):
    """Add ``values`` to ``u``."""
    for k in range(u.size):
        u[k] += values[k]


@kernel_inlined
def inbox(neurons):
    """Return where arrivals are added."""
    return neurons.arrived if neurons.arrived.size > 0 else neurons.u


@kernel_inlined
def settle(populations, p, low, high, neurons):
    """Add what has arrived at this part of a population to ``u``, where it was kept apart."""
    if neurons.arrived.size > 0:
        for r in range(populations.n_receptors[p]):
            base = populations.slot[p] + r * populations.stride[p]
            take_ring(
                neurons.u[base + low : base + high], neurons.arrived[base + low : base + high]
            )


@kernel_inlined
def arrive(populations, p, part, n_parts, parts, projections, neurons, drive, t, row, record):
    """Add what reaches this part of a population in step ``t`` from other neurons."""
    target = inbox(neurons)
    slot = populations.slot[p]
    low = parts.low[part, p]
    high = parts.high[part, p]
    if neurons.ring.shape[0] > 0:
        from_ring = neurons.ring[t % neurons.ring.shape[0]]
        for r in range(populations.n_receptors[p]):
            base = slot + r * populations.stride[p]
            take_ring(target[base + low : base + high], from_ring[base + low : base + high])
    for q in range(projections.to_population[p], projections.to_population[p + 1]):
        delay = projections.delay[q]
        if delay == 0:
            continue
        source = projections.source[q]
        begin = record.starts[row - delay, source]
        end = record.starts[row - delay, source + 1]
        if begin == end:
            continue
        spikes = record.spikes[begin:end]
        if received_apart(
            populations,
            neurons,
            projections,
            q,
            slot + low,
            slot + high,
            part,
            n_parts,
            spikes,
            drive,
            row - delay,
        ):
            continue
        receive(
            target,
            neurons.weight_type,
            populations.lane_bits,
            projections,
            q,
            part,
            n_parts,
            spikes,
            populations.first[source],
        )
