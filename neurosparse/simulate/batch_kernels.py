"""Run independent samples and count their spikes (numba).

One after the other, or `LANES` of them side by side in the lanes of the vector unit: the row of a
neuron is then read once for all samples in which it fired.
"""

from __future__ import annotations

import numpy as np

from neurosparse.jit import kernel
from neurosparse.simulate.engine_arrays import Drive
from neurosparse.simulate.engine_kernels import reset_part, run_serial
from neurosparse.simulate.machine_kernels import borrowed, lowest_bit


@kernel
def gather_raster(rasters, b, lanes, i, column, size, words):
    """Put step ``i`` of samples ``b`` on together: a byte a neuron, a bit a sample.

    ``words`` (size / 8, rounded up) uint64, eight neurons each.
    """
    words[:] = 0
    for lane in range(lanes):
        row = rasters[b + lane, i, column : column + size]
        whole = row[: size // 8 * 8].view(np.uint64)
        for w in range(whole.size):
            words[w] |= whole[w] << np.uint64(lane)
        for k in range(size // 8 * 8, size):
            words[-1] |= np.uint64(row[k]) << np.uint64(k % 8 * 8 + lane)


@kernel
def list_spikes(samples, b, populations, spike_ptr, spike_neuron):
    """List the spikes of the rasters of samples ``b`` on by step, then neuron, then sample."""
    n = 0
    lanes = np.int64(1) << populations.lane_bits
    n_given = samples.rasters.shape[1]
    for i in range(spike_ptr.size - 1):
        spike_ptr[i] = n
        for p in range(populations.size.size):
            column = samples.raster_column[p]
            if column < 0 or i >= n_given:
                continue
            size = populations.size[p] >> populations.lane_bits
            words = samples.words[: (size + 7) // 8]
            gather_raster(samples.rasters, b, lanes, i, column, size, words)
            first = populations.first[p]
            for w in range(words.size):
                word = words[w]
                base = first + 8 * w * lanes
                while word != 0:
                    at = lowest_bit(word)
                    spike_neuron[np.uint64(n)] = base + at // 8 * lanes + at % 8
                    n += 1
                    word &= word - np.uint64(1)
    spike_ptr[-1] = n


@kernel
def spread_currents(samples, b, populations, currents):
    """Write the currents of samples ``b`` on, those of a neuron side by side."""
    for lane in range(np.int64(1) << populations.lane_bits):
        for i in range(samples.currents.shape[1]):
            for column in range(samples.currents.shape[2]):
                at = (column << populations.lane_bits) + lane
                currents[i, at] = samples.currents[b + lane, i, column]


@kernel
def spread_messages(samples, b, populations, n_history, messages):
    """Write what sources send in samples ``b`` on, after ``n_history`` rows of nothing."""
    for lane in range(np.int64(1) << populations.lane_bits):
        for i in range(samples.messages.shape[1]):
            for column in range(samples.messages.shape[2]):
                at = (column << populations.lane_bits) + lane
                messages[n_history + i, at] = samples.messages[b + lane, i, column]


@kernel
def count_spikes(samples, b, populations, record, row, step, n_steps, n_given, n_spikes):
    """Count the spikes of steps ``step`` on, each population in the steps that see the sample."""
    lane_bits = populations.lane_bits
    for p in range(populations.size.size):
        for at in range(row, row + n_steps):
            n_spikes[p] += record.starts[at, p + 1] - record.starts[at, p]
        column = samples.count_column[p]
        if column < 0:
            continue
        first = populations.first[p]
        minus = populations.minus[p]
        begin = max(step, populations.depth[p])
        end = min(step + n_steps, populations.depth[p] + n_given)
        for i in range(begin, end):
            at = row + i - step
            for k in range(record.starts[at, p], record.starts[at, p + 1]):
                own = record.spikes[k] - first
                if minus > 0 and own >= minus:
                    own -= minus
                neuron = own >> lane_bits
                samples.counts[b + own - (neuron << lane_bits), column + neuron] += 1


@kernel
def keep_history(record, n_history, done):
    """Move the last steps to the front, where the next steps look for them."""
    low = record.starts[done, 0]
    for i in range(n_history + 1):
        for p in range(record.starts.shape[1]):
            record.starts[i, p] = record.starts[done + i, p] - low
    for k in range(record.starts[n_history, 0]):
        record.spikes[k] = record.spikes[low + k]


@kernel
def run_samples(
    first,
    last,
    n_steps,
    window,
    n_history,
    populations,
    projections,
    neurons,
    parts,
    drive,
    record,
    samples,
    n_spikes,
):
    """Run samples ``first`` to ``last - 1``, each from rest, as many at a time as there are lanes.

    ``last - first`` is a multiple of that.
    """
    populations = borrowed(populations)
    projections = borrowed(projections)
    neurons = borrowed(neurons)
    parts = borrowed(parts)
    drive = borrowed(drive)
    record = borrowed(record)
    samples = borrowed(samples)
    n_given = n_steps - populations.depth.max()
    # plain integers: for literal ones numba would compile the step loop once more
    n_parts = np.int64(parts.low.shape[0])
    for b in range(first, last, np.int64(1) << populations.lane_bits):
        for p in range(populations.size.size):
            if populations.cell[p] >= 0:
                reset_part(populations, p, 0, parts, neurons)
        neurons.ring[:] = 0
        record.starts[: n_history + 1] = 0
        list_spikes(samples, b, populations, drive.spike_ptr, drive.spike_neuron)
        spread_currents(samples, b, populations, drive.currents)
        spread_messages(samples, b, populations, n_history, drive.messages)
        done = np.int64(0)
        while done < n_steps:
            ahead = Drive(
                drive.spike_ptr[done:],
                drive.spike_neuron,
                drive.currents[done:],
                drive.poisson_ptr,
                drive.poisson_stream,
                drive.poisson_receptor,
                drive.poisson_weight,
                drive.poisson_rate,
                drive.poisson_by_step,
                drive.poisson_by_neuron,
                drive.rates,
                drive.messages[done:],
                drive.key,
            )
            # reset once more where the sample reaches a population: before, only its bias acted
            n = run_serial(
                n_parts,
                done,
                n_steps - done,
                window,
                n_history,
                n_steps + 1,
                populations,
                projections,
                neurons,
                parts,
                ahead,
                record,
            )
            count_spikes(samples, b, populations, record, n_history, done, n, n_given, n_spikes)
            keep_history(record, n_history, n)
            done += n
