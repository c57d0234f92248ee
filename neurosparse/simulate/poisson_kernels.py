"""Poisson events, drawn by inversion from counter-based random numbers (numba)."""

from __future__ import annotations

import numpy as np

from neurosparse.jit import kernel, kernel_inlined
from neurosparse.simulate.machine_kernels import prefer_wide_vectors
from neurosparse.simulate.philox_kernels import WORDS, philox_block

MAX_EVENTS = 1024  # Poisson events per neuron and step that the table of a rate can hold


@kernel
def fill_thresholds(rate, thresholds):
    """Write the 32-bit thresholds of a Poisson law; return how many and the least count.

    A uniform word ``x`` stands for ``least`` plus the number of thresholds ``<= x``; what is
    rarer than 2^-32 on either side is cut off.
    """
    one = 4294967296.0
    n = 0
    least = 0
    mass = np.exp(-rate)
    total = mass
    count = 0
    while n < thresholds.size and total * one < one - 0.5:
        if total * one >= 0.5:
            thresholds[n] = np.uint32(min(total * one, one - 1.0))
            n += 1
        else:
            least += 1
        count += 1
        mass *= rate / count
        total += mass
        if mass * one < 1e-3 and count > rate:
            break
    return n, least


@kernel
def count_over(words, thresholds, n, counts):
    """Count how many of the first ``n`` thresholds each word reaches."""
    prefer_wide_vectors()
    counts[:] = 0
    for j in range(n):
        threshold = thresholds[j]
        for k in range(words.size):
            counts[k] += np.int32(words[k] >= threshold)


@kernel
def invert_poisson(word, rate):
    """Return the count that a uniform word stands for, by inversion of the distribution."""
    x = np.float64(word) * (1.0 / 4294967296.0)
    mass = np.exp(-rate)
    total = mass
    count = 0
    while x >= total and count < MAX_EVENTS:
        count += 1
        mass *= rate / count
        total += mass
    return count


@kernel
def draw_counts(drive, stimulus, size, i, block, t, words, thresholds, n, least, counts):
    """Draw the Poisson counts of the neurons of one block in step ``t``."""
    philox_block(drive.key, block, t, drive.poisson_stream[stimulus], words)
    if drive.poisson_by_neuron[stimulus] == 0:
        count_over(words, thresholds, n, counts)
        if least > 0:
            for k in range(WORDS):
                counts[k] += np.int32(least)
        return
    base = drive.poisson_rate[stimulus] + i * drive.poisson_by_step[stimulus] + block * WORDS
    for k in range(min(WORDS, size - block * WORDS)):
        counts[k] = invert_poisson(words[k], drive.rates[base + k])


@kernel_inlined
def rate_of_all(drive, stimulus, i):
    """Return the rate of a stimulus whose neurons share one (of the first otherwise)."""
    return drive.rates[drive.poisson_rate[stimulus] + i * drive.poisson_by_step[stimulus]]


@kernel
def add_poisson(u, low, high, drive, stimulus, i, t, words, thresholds, counts):
    """Add the drawn events to ``u`` of the neurons ``low`` to ``high - 1`` of a population."""
    prefer_wide_vectors()
    weight = u.dtype.type(drive.poisson_weight[stimulus])
    n, least = fill_thresholds(rate_of_all(drive, stimulus, i), thresholds)
    for block in range(low // WORDS, (high + WORDS - 1) // WORDS):
        draw_counts(drive, stimulus, u.size, i, block, t, words, thresholds, n, least, counts)
        begin = max(low, block * WORDS)
        end = min(high, (block + 1) * WORDS)
        drawn = counts[begin - block * WORDS : end - block * WORDS]
        own = u[begin:end]
        for k in range(own.size):
            own[k] += weight * u.dtype.type(drawn[k])


@kernel
def draw_source(
    low, high, size, first, drive, stimulus, i, t, words, thresholds, counts, spikes, n
):
    """Append the source neurons that have at least one event; return the new count."""
    n_thresholds, least = fill_thresholds(rate_of_all(drive, stimulus, i), thresholds)
    n_thresholds = min(n_thresholds, 1)  # one event or more: a spike
    for block in range(low // WORDS, (high + WORDS - 1) // WORDS):
        draw_counts(
            drive, stimulus, size, i, block, t, words, thresholds, n_thresholds, least, counts
        )
        for k in range(max(low, block * WORDS), min(high, (block + 1) * WORDS)):
            spikes[n] = first + k
            n += counts[k - block * WORDS] > 0
    return n
