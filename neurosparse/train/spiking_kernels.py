"""Layers of LIF neurons over time, forward (numba).

Samples are lanes (`neurosparse.lanes`). What happens at step ``t`` to the ``g``-th group of lanes
stands in column ``c = t * n_groups + g``: spikes are words ``(n, n_columns)`` with a bit per
sample, floats are ``(n, n_columns, lanes)``. A synapse then costs one masked vector addition per
step for all samples of a group.

The forward pass has the arithmetic and order of ``simulate``'s float engine: in float32 every
spike is added to the decayed ``u`` as it arrives, the input's before the layer's own, sources
ascending; in float64 arrivals are summed apart. Parallel kernels own disjoint rows, columns or
groups of lanes, so results do not depend on the number of threads.

Oracle: ``tests/train/test_spiking_layer.py`` (unrolled torch).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from neurosparse.jit import kernel, kernel_inlined, kernel_parallel
from neurosparse.lanes import above, add_where, load, spread, store, where


class Wires(NamedTuple):
    """A sparse matrix by target rows, and the spikes it carries.

    Without synapses (``indices`` empty) nothing is read.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weights: NDArray[Any]
    words: NDArray[Any]  # (n_pre, n_columns), a bit per sample
    shift: int  # columns by which spikes arrive late


class Cells(NamedTuple):
    """Constants of the neurons; vectors are (n,), ``keep`` is 1 minus the decay."""

    keep_u: Any
    keep_v: NDArray[Any]
    vth: NDArray[Any]
    bias: NDArray[Any]
    v_reset: NDArray[Any]
    subtract: bool
    apart: bool  # whether arrivals are summed apart before they reach u


class Cell(NamedTuple):
    """Constants of one neuron."""

    keep_u: Any
    keep_v: Any
    vth: Any
    bias: Any
    v_reset: Any
    subtract: bool
    apart: bool


@kernel_inlined
def cell_at(cells, i):
    """Return the constants of neuron ``i``, read once: any store might change the arrays."""
    return Cell(
        cells.keep_u,
        cells.keep_v[i],
        cells.vth[i],
        cells.bias[i],
        cells.v_reset[i],
        cells.subtract,
        cells.apart,
    )


@kernel_inlined
def arrive(start, wires, i, c):
    """Add to ``start`` what neuron ``i`` receives in column ``c``."""
    source = c - wires.shift
    if source >= 0:
        for k in range(wires.indptr[i], wires.indptr[i + 1]):
            start = add_where(start, wires.words[wires.indices[k], source], wires.weights[k])
    return start


@kernel_inlined
def step_cell(u, v, i, c, inputs, own, drive, cell, valid):
    """Advance neuron ``i`` by a step: ``u``, ``v`` after reset, ``v - vth`` before it, who spiked.

    Lanes that are no sample (``valid``, the word of the group) do not count as having spiked.
    """
    decayed = u * cell.keep_u
    arriving = spread(cell.keep_u - cell.keep_u, valid) if cell.apart else decayed
    arriving = arrive(arriving, inputs, i, c)
    arriving = arrive(arriving, own, i, c)
    if drive.shape[0] > 0:
        arriving = arriving + load(drive, (i, c), valid)
    u = decayed + arriving if cell.apart else arriving
    before = v * cell.keep_v + u + cell.bias
    word = above(before, spread(cell.vth, valid))
    excess = before - cell.vth
    after = excess if cell.subtract else spread(cell.v_reset, valid)
    return u, where(word, after, before), excess, word & valid


@kernel
def run_rows(low, high, n_steps, inputs, own, drive, cells, valid, spikes, tape, every, states):
    """Run neurons ``low`` to ``high - 1`` from rest, one after the other; none feeds another.

    Writes the words ``spikes`` and either the whole ``tape`` of ``v - vth`` before reset, or the
    ``states`` (n, n_segments, 2, n_groups, lanes) at the beginning of every ``every`` steps.
    """
    n_groups = valid.size
    nothing = cells.keep_u - cells.keep_u
    for i in range(low, high):
        cell = cell_at(cells, i)
        for g in range(n_groups):
            samples = valid[g]
            u = spread(nothing, samples)
            v = spread(nothing, samples)
            for t in range(n_steps):
                c = t * n_groups + g
                if every > 0 and t % every == 0:
                    store(states, (i, t // every, 0, g), u)
                    store(states, (i, t // every, 1, g), v)
                u, v, excess, word = step_cell(u, v, i, c, inputs, own, drive, cell, samples)
                spikes[i, c] = word
                if every == 0:
                    store(tape, (i, c), excess)


@kernel
def run_group(g, n_steps, inputs, own, drive, cells, valid, spikes, tape, every, states):
    """Run all neurons of one group of lanes side by side, as they feed one another."""
    n_groups = valid.size
    n = spikes.shape[0]
    lanes = tape.shape[2]
    now = np.zeros((2, n, lanes), cells.vth.dtype)
    samples = valid[g]
    for t in range(n_steps):
        c = t * n_groups + g
        for i in range(n):
            u = load(now, (0, i), samples)
            v = load(now, (1, i), samples)
            if every > 0 and t % every == 0:
                store(states, (i, t // every, 0, g), u)
                store(states, (i, t // every, 1, g), v)
            u, v, excess, word = step_cell(
                u, v, i, c, inputs, own, drive, cell_at(cells, i), samples
            )
            spikes[i, c] = word
            if every == 0:
                store(tape, (i, c), excess)
            store(now, (0, i), u)
            store(now, (1, i), v)


@kernel_parallel
def forward_rows(bounds, n_steps, inputs, own, drive, cells, valid, spikes, tape, every, states):
    """Run a layer whose neurons do not feed one another, rows in parallel."""
    for p in numba.prange(bounds.size - 1):
        run_rows(
            bounds[p], bounds[p + 1], n_steps, inputs, own, drive, cells, valid, spikes, tape,
            every, states,
        )  # fmt: skip


@kernel_parallel
def forward_groups(n_steps, inputs, own, drive, cells, valid, spikes, tape, every, states):
    """Run a layer with connections of its own, the groups of lanes in parallel."""
    for g in numba.prange(valid.size):
        run_group(g, n_steps, inputs, own, drive, cells, valid, spikes, tape, every, states)


@kernel_parallel
def count_rows(words, n_steps, counts):
    """Count the spikes of every neuron and lane over time into ``counts`` (n, n_groups, lanes)."""
    one = counts.dtype.type(1)
    n_groups = counts.shape[1]
    for i in numba.prange(words.shape[0]):
        for g in range(n_groups):
            count = spread(one - one, words[0, 0])
            for t in range(n_steps):
                count = add_where(count, words[i, t * n_groups + g], one)
            store(counts, (i, g), count)
