"""Recorded events, sample by sample (numba).

A kernel visits every event once, in order; the typed wrappers are `EventDataset` and `bin_events`.
"""

from __future__ import annotations

from neurosparse.jit import kernel


@kernel
def gather_samples(times, addresses, starts, chosen, gathered_times, gathered_addresses):
    """Copy the events of the samples ``chosen``, one after the other."""
    n = 0
    for sample in chosen:
        for k in range(starts[sample], starts[sample + 1]):
            gathered_times[n] = times[k]
            gathered_addresses[n] = addresses[k]
            n += 1


@kernel
def bin_samples(times, addresses, starts, n_steps, step_us, last, steps, samples, neurons):
    """Write the spikes of all samples; return how many there are.

    ``last`` (n_inputs,) int64 is -1 everywhere; it remembers for every pixel in which step of which
    sample it spiked last, so that its further events there are no further spikes.
    """
    n = 0
    for sample in range(starts.size - 1):
        for k in range(starts[sample], starts[sample + 1]):
            step = times[k] // step_us
            if step >= n_steps:
                break  # in order of time: so are all that follow
            neuron = addresses[k]
            now = sample * n_steps + step
            if last[neuron] != now:
                last[neuron] = now
                steps[n] = step
                samples[n] = sample
                neurons[n] = neuron
                n += 1
    return n
