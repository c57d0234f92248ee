"""Step loop of the event-driven engines (numba).

Time is cut into *windows* no longer than the shortest delay, so that nothing sent within a window
arrives in it. Neurons are cut into *parts*, one per thread; a part receives, updates and fires its
own neurons through a whole window (`advance_part`) and touches nobody else's. Then the spikes of
all parts are put into one list (`merge_parts`), whose order does not depend on the parts. Every sum
is therefore formed in the same order whatever the number of threads.

One step of one population::

    u           is already decayed: (1 - du) u[t-1]
    u += ring   what synapses with delays of their own have sent for this step
    u += w      for every spike that arrives now: projections in order, sources ascending
    u += drawn Poisson events, then currents
    v, spikes   from u; then u is decayed for the next step

In float64 all that arrives in a step is summed apart and then added, as Lava does.

Oracles: ``tests/reference/dense.py`` (float), ``tests/reference/fixed_point.py`` and Lava's
``fixed_pt`` models (integer).
"""

from __future__ import annotations

import numba
import numpy as np
from numba.extending import overload

from neurosparse.jit import kernel, kernel_inlined, kernel_parallel, renamed
from neurosparse.simulate.arrival_kernels import add_all, arrive, inbox, send_ahead, settle
from neurosparse.simulate.engine_arrays import FloatNeurons
from neurosparse.simulate.fixed_kernels import decayed, update_fixed, wrapped
from neurosparse.simulate.float_kernels import update_float
from neurosparse.simulate.machine_kernels import array_at, borrowed
from neurosparse.simulate.poisson_kernels import add_poisson, draw_source

_INT64 = np.zeros(1, np.int64)


def update(populations, p, part, parts, neurons, keep_u, t, spikes, n):
    """Advance one population in the arithmetic its state calls for."""
    chosen = update_float if isinstance(neurons, FloatNeurons) else update_fixed
    return chosen(populations, p, part, parts, neurons, keep_u, t, spikes, n)


@overload(update, jit_options={"forceinline": True})
def _update_compiled(populations, p, part, parts, neurons, keep_u, t, spikes, n):
    # resolved by type when the step loop is compiled: one loop serves both engines
    chosen = update_float if neurons.instance_class is FloatNeurons else update_fixed

    def compiled(populations, p, part, parts, neurons, keep_u, t, spikes, n):
        return chosen(populations, p, part, parts, neurons, keep_u, t, spikes, n)

    return compiled


def decay_slots(u, keep):
    """Decay ``u`` in place, as `update` leaves it after a step."""
    if u.dtype.kind == "f":
        u *= keep
    else:
        for k in range(u.size):
            u[k] = decayed(u[k], keep)


@overload(decay_slots, jit_options={"forceinline": True})
def _decay_slots_compiled(u, keep):
    if isinstance(u.dtype, numba.types.Float):

        def compiled(u, keep):
            for k in range(u.size):
                u[k] *= keep
    else:

        def compiled(u, keep):
            for k in range(u.size):
                u[k] = decayed(u[k], keep)

    return compiled


@kernel_inlined
def reset_part(populations, p, part, parts, neurons):
    """Set this part of a population back to rest."""
    low = parts.low[part, p]
    high = parts.high[part, p]
    cell = populations.cell[p]
    neurons.v[cell + low : cell + high] = 0
    neurons.until[cell + low : cell + high] = 0
    for r in range(populations.n_receptors[p]):
        slot = populations.slot[p] + r * populations.stride[p]
        neurons.u[slot + low : slot + high] = 0
    parts.waiting[part, p] = 0


@kernel_inlined
def copy_source_spikes(drive, i, low, high, spikes, n):
    """Append the given spikes of one source, neurons ``low`` to ``high - 1``."""
    for k in range(drive.spike_ptr[i], drive.spike_ptr[i + 1]):
        neuron = drive.spike_neuron[k]
        if neuron >= high:
            break
        if neuron >= low:
            spikes[n] = neuron
            n += 1
    return n


@kernel_inlined
def fire_source(populations, p, part, parts, drive, i, t, spikes, n):
    """Append the spikes of this part of a source."""
    first = populations.first[p]
    low = parts.low[part, p]
    high = parts.high[part, p]
    if drive.poisson_ptr[p] < drive.poisson_ptr[p + 1]:
        return draw_source(
            low,
            high,
            populations.size[p],
            first,
            drive,
            drive.poisson_ptr[p],
            i,
            t,
            parts.words[part],
            parts.thresholds[part],
            parts.counts[part],
            spikes,
            n,
        )
    return copy_source_spikes(drive, i, first + low, first + high, spikes, n)


@kernel_inlined
def stimulate(populations, p, part, parts, neurons, drive, i, t):
    """Add what reaches this part of a population from outside."""
    target = inbox(neurons)
    slot = populations.slot[p]
    low = parts.low[part, p]
    high = parts.high[part, p]
    for stimulus in range(drive.poisson_ptr[p], drive.poisson_ptr[p + 1]):
        base = slot + drive.poisson_receptor[stimulus] * populations.stride[p]
        own = target[base : base + populations.size[p]]
        add_poisson(
            own,
            low,
            high,
            drive,
            stimulus,
            i,
            t,
            parts.words[part],
            parts.thresholds[part],
            parts.counts[part],
        )
    column = populations.current[p]
    if column >= 0:
        add_all(target[slot + low : slot + high], drive.currents[i, column + low : column + high])
    settle(populations, p, low, high, neurons)


@kernel_inlined
def probe_u(populations, p, part, parts, neurons, record, i):
    """Sample ``u`` with all that has arrived."""
    for k in range(record.probe_slot.size):
        if record.probe_slot_population[k] == p:
            slot = record.probe_slot[k]
            own = (slot - populations.slot[p]) % populations.stride[p]
            if parts.low[part, p] <= own < parts.high[part, p]:
                record.trace_u[i, k] = wrapped(neurons.u[slot])


@kernel_inlined
def probe_v(populations, p, part, parts, neurons, record, i, t):
    """Sample ``v`` after reset, as Lava's Monitor does."""
    for k in range(record.probe_cell.size):
        if record.probe_cell_population[k] == p:
            cell = record.probe_cell[k]
            own = cell - populations.cell[p]
            if parts.low[part, p] <= own < parts.high[part, p]:
                waits = neurons.until[cell] > t
                record.trace_v[i, k] = neurons.held[cell] if waits else neurons.v[cell]


@kernel_inlined
def advance_part(
    part,
    n_parts,
    t0,
    offset,
    n_steps,
    is_last,
    row0,
    reset_every,
    populations,
    projections,
    neurons,
    parts,
    drive,
    record,
):
    """Run one part through a window: steps ``t0 + offset`` and the next ``n_steps - 1``.

    After the very last step ``u`` is left undecayed, as it is part of the state one sees.
    """
    populations = borrowed(populations)
    projections = borrowed(projections)
    neurons = borrowed(neurons)
    parts = borrowed(parts)
    drive = borrowed(drive)
    record = borrowed(record)
    spikes = parts.spikes[part]
    starts = parts.starts[part]
    n = 0
    for step in range(n_steps):
        i = offset + step
        t = t0 + i
        keep_u = neurons.whole if is_last and step == n_steps - 1 else neurons.keep_u
        for p in range(populations.size.size):
            starts[step, p] = n
            if parts.low[part, p] == parts.high[part, p]:
                continue
            if populations.cell[p] < 0:
                n = fire_source(populations, p, part, parts, drive, i, t, spikes, n)
                continue
            since = t - populations.depth[p]
            if reset_every > 0 and since >= 0 and since % reset_every == 0:
                reset_part(populations, p, part, parts, neurons)
            row = row0 + i
            arrive(
                populations, p, part, n_parts, parts, projections, neurons, drive, t, row, record
            )
            stimulate(populations, p, part, parts, neurons, drive, i, t)
            probe_u(populations, p, part, parts, neurons, record, i)
            n = update(populations, p, part, parts, neurons, keep_u, t, spikes, n)
            probe_v(populations, p, part, parts, neurons, record, i, t)
    starts[n_steps, 0] = n


@kernel_inlined
def merge_parts(n_parts, n_steps, row, populations, parts, record):
    """Put the spikes of a window into one list, by step, population and neuron."""
    populations = borrowed(populations)
    parts = borrowed(parts)
    record = borrowed(record)
    n_populations = populations.size.size
    n = record.starts[row, 0]
    for step in range(n_steps):
        for p in range(n_populations):
            record.starts[row + step, p] = n
            for part in range(n_parts):
                begin = parts.starts[part, step, p]
                last = p + 1 == n_populations
                end = parts.starts[part, step + last, 0 if last else p + 1]
                for k in range(begin, end):
                    record.spikes[n] = parts.spikes[part, k]
                    n += 1
        record.starts[row + step, n_populations] = n
        record.starts[row + step + 1, 0] = n


@kernel
def count_events(part, n_parts, n_steps, row, populations, projections, parts, record):
    """Count the synapses that the spikes of this part's share of the steps are sent over."""
    populations = borrowed(populations)
    projections = borrowed(projections)
    record = borrowed(record)
    parts.events[part] = 0
    for q in range(projections.source.size):
        source = projections.source[q]
        cuts = array_at(projections.cuts[q], projections.n_cuts[q], _INT64)
        first = populations.first[source]
        events = 0
        for step in range(n_steps * part // n_parts, n_steps * (part + 1) // n_parts):
            begin = record.starts[row + step, source]
            for k in range(begin, record.starts[row + step, source + 1]):
                at = ((record.spikes[k] - first) >> populations.lane_bits) * n_parts
                events += cuts[at + n_parts] - cuts[at]
        parts.events[part, projections.number[q]] += events


@kernel
def decay_all(populations, part, parts, neurons):
    """Decay ``u`` of one part, so that the next step finds it as `update` would have left it."""
    for p in range(populations.size.size):
        for r in range(populations.n_receptors[p]):
            slot = populations.slot[p] + r * populations.stride[p]
            low = slot + parts.low[part, p]
            high = slot + parts.high[part, p]
            decay_slots(neurons.u[low:high], neurons.keep_u[populations.receptor[p] + r])


def run_windows(
    n_parts,
    t0,
    n_steps,
    window,
    row0,
    reset_every,
    populations,
    projections,
    neurons,
    parts,
    drive,
    record,
):
    """Run up to ``n_steps`` steps from step ``t0``, changing the state in place.

    Returns
    -------
    int
        Steps that were run: fewer where the room for spikes might not last.
    """
    n_neurons = populations.size.sum()
    for part in numba.prange(n_parts):
        decay_all(populations, part, parts, neurons)
    done = 0
    while done < n_steps:
        n = min(window, n_steps - done)
        row = row0 + done
        used = record.starts[row, 0]
        is_last = done + n == n_steps or used + 2 * window * n_neurons > record.spikes.size
        for part in numba.prange(n_parts):
            advance_part(
                part,
                n_parts,
                t0,
                done,
                n,
                is_last,
                row0,
                reset_every,
                populations,
                projections,
                neurons,
                parts,
                drive,
                record,
            )
        merge_parts(n_parts, n, row, populations, parts, record)
        if neurons.ring.shape[0] > 0:
            for part in numba.prange(n_parts):
                send_ahead(
                    part,
                    n_parts,
                    populations,
                    projections,
                    neurons,
                    parts,
                    t0 + done,
                    n,
                    row,
                    record,
                )
        done += n
        if is_last:
            break
    for part in numba.prange(n_parts):
        count_events(part, n_parts, done, row0, populations, projections, parts, record)
    for part in range(n_parts):
        for q in range(parts.events.shape[1]):
            record.events[q] += parts.events[part, q]
    return done


run_serial = kernel(run_windows)


run_parallel = kernel_parallel(renamed(run_windows, "run_windows_parallel"))
