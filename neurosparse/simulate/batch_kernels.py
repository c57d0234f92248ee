"""Run independent samples one after the other and count their spikes (numba)."""

from __future__ import annotations

import numpy as np

from neurosparse.jit import kernel
from neurosparse.simulate.engine_arrays import Drive
from neurosparse.simulate.engine_kernels import reset_part, run_serial
from neurosparse.simulate.machine_kernels import borrowed


@kernel
def list_spikes(samples, b, populations, spike_ptr, spike_neuron):
    """List the spikes of one sample's rasters by step, then neuron."""
    n = 0
    n_given = samples.rasters.shape[1]
    for i in range(spike_ptr.size - 1):
        spike_ptr[i] = n
        for p in range(populations.size.size):
            column = samples.raster_column[p]
            if column < 0 or i >= n_given:
                continue
            row = samples.rasters[b, i, column : column + populations.size[p]]
            first = populations.first[p]
            whole = row.size // 8 * 8
            words = row[:whole].view(np.uint64)
            for w in range(words.size):
                if words[w] != 0:
                    for k in range(8 * w, 8 * w + 8):
                        spike_neuron[np.uint64(n)] = first + k
                        n += row[k]
            for k in range(whole, row.size):
                spike_neuron[n] = first + k
                n += row[k]
    spike_ptr[-1] = n


@kernel
def count_spikes(samples, b, populations, record, row, step, n_steps, n_given, n_spikes):
    """Count the spikes of steps ``step`` on, each population in the steps that see the sample."""
    for p in range(populations.size.size):
        for at in range(row, row + n_steps):
            n_spikes[p] += record.starts[at, p + 1] - record.starts[at, p]
        column = samples.count_column[p]
        if column < 0:
            continue
        shift = column - populations.first[p]
        begin = max(step, populations.depth[p])
        end = min(step + n_steps, populations.depth[p] + n_given)
        for i in range(begin, end):
            at = row + i - step
            for k in range(record.starts[at, p], record.starts[at, p + 1]):
                samples.counts[b, shift + record.spikes[k]] += 1


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
    """Run samples ``first`` to ``last - 1`` one after the other, each from rest."""
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
    for b in range(first, last):
        for p in range(populations.size.size):
            if populations.cell[p] >= 0:
                reset_part(populations, p, 0, parts, neurons)
        neurons.ring[:] = 0
        record.starts[: n_history + 1] = 0
        list_spikes(samples, b, populations, drive.spike_ptr, drive.spike_neuron)
        drive.currents[: samples.currents.shape[1]] = samples.currents[b]
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
