"""Layers of LIF neurons over time, backward (numba).

Arrays are laid out as in ``spiking_kernels``. A gradient of a weight adds up what arrived at the
target, in the steps and samples in which the source spiked: nothing is computed for pairs without a
synapse.

Oracle: ``tests/train/test_spiking_layer.py`` (autograd on unrolled torch).
"""

from __future__ import annotations

import numba
import numpy as np

from neurosparse.jit import kernel, kernel_inlined, kernel_parallel
from neurosparse.lanes import add_where, load, spread, store, total, where
from neurosparse.train.spiking_kernels import cell_at, step_cell
from neurosparse.train.surrogate_kernels import slope_at


@kernel_inlined
def retrace(i, g, first, last, n_groups, inputs, own, drive, cell, samples, every, states, tape):
    """Write ``v - vth`` of steps ``first`` to ``last - 1`` anew, to the beginning of ``tape``."""
    u = load(states, (i, first // every, 0, g), samples)
    v = load(states, (i, first // every, 1, g), samples)
    for t in range(first, last):
        u, v, excess, _ = step_cell(u, v, i, t * n_groups + g, inputs, own, drive, cell, samples)
        store(tape, (t - first,), excess)


@kernel_inlined
def back_cell(g_u, g_v, g_s, x, word, cell, slope):
    """Return the gradients of ``u`` and ``v``; the reset is not differentiated.

    ``g_v[t] = g_s[t] slope[t] + keep_v g_v[t+1] (1 - s[t])`` (the factor is 1 when the reset
    subtracts), ``g_u[t] = g_v[t] + keep_u g_u[t+1]``.
    """
    kept = g_v * cell.keep_v
    if not cell.subtract:
        kept = where(word, spread(cell.keep_u - cell.keep_u, word), kept)
    g_v = g_s * slope_at(slope, x, word) + kept
    return g_v + g_u * cell.keep_u, g_v


@kernel_inlined
def outside_gradient(i, c, g, grad, grad_counts, samples):
    """Return the gradient that reaches a spike from other layers and from the counts."""
    g_s = spread(grad_counts.dtype.type(0), samples)
    if grad.shape[0] > 0:
        g_s = g_s + load(grad, (i, c), samples)
    if grad_counts.shape[0] > 0:
        g_s = g_s + load(grad_counts, (i, g), samples)
    return g_s


@kernel_inlined
def weight_gradients(i, wires, arrived, row, out):
    """Write the gradients of row ``i``: that of what arrived, summed where spikes did."""
    word = wires.words[0, 0]
    nothing = out.dtype.type(0)
    for k in range(wires.indptr[i], wires.indptr[i + 1]):
        source = wires.indices[k]
        sums = spread(nothing, word)
        for c in range(wires.shift, arrived.shape[1]):
            sums = add_where(
                sums, wires.words[source, c - wires.shift], load(arrived, (row, c), word)
            )
        out[k] = total(sums)


@kernel
def back_rows(
    low, high, n_steps, inputs, own, drive, cells, valid, spikes, tape, every, states, slope,
    grad, grad_counts, arrived, grad_weights,
):  # fmt: skip
    """Go back through neurons ``low`` to ``high - 1``, none of which feeds another.

    Writes the gradient of what arrived where ``arrived`` has room for all rows, and the gradients
    of the synapses.
    """
    n_groups = valid.size
    lanes = tape.shape[2]
    nothing = cells.keep_u - cells.keep_u
    keep_all = arrived.shape[0] == spikes.shape[0]
    scratch = np.empty((1, 1 if keep_all else n_steps * n_groups, lanes), cells.vth.dtype)
    local = np.empty((max(every, 0), lanes), cells.vth.dtype)
    for i in range(low, high):
        cell = cell_at(cells, i)
        gradient, row = (arrived, i) if keep_all else (scratch, 0)
        for g in range(n_groups):
            samples = valid[g]
            g_u = spread(nothing, samples)
            g_v = spread(nothing, samples)
            for t in range(n_steps - 1, -1, -1):
                c = t * n_groups + g
                if every > 0:
                    first = t // every * every
                    if t == n_steps - 1 or t == first + every - 1:
                        retrace(
                            i, g, first, t + 1, n_groups, inputs, own, drive, cell, samples, every,
                            states, local,
                        )  # fmt: skip
                    x = load(local, (t - first,), samples)
                else:
                    x = load(tape, (i, c), samples)
                g_s = outside_gradient(i, c, g, grad, grad_counts, samples)
                g_u, g_v = back_cell(g_u, g_v, g_s, x, spikes[i, c], cell, slope)
                store(gradient, (row, c), g_u)
        weight_gradients(i, inputs, gradient, row, grad_weights)


@kernel
def back_group(
    g, n_steps, inputs, own, drive, cells, valid, spikes, tape, every, states, slope,
    grad, grad_counts, arrived,
):  # fmt: skip
    """Go back through one group of lanes of neurons that feed one another.

    Writes the gradient of what arrived at every neuron, at ``arrived`` (n, n_columns, lanes).
    """
    n_groups = valid.size
    n = spikes.shape[0]
    lanes = tape.shape[2]
    g_state = np.zeros((2, n, lanes), cells.vth.dtype)
    g_spike = np.zeros((n, lanes), cells.vth.dtype)
    local = np.empty((n, max(every, 0), lanes), cells.vth.dtype)
    samples = valid[g]
    for t in range(n_steps - 1, -1, -1):
        c = t * n_groups + g
        first = t // every * every if every > 0 else 0
        if every > 0 and (t == n_steps - 1 or t == first + every - 1):
            for i in range(n):
                retrace(
                    i, g, first, t + 1, n_groups, inputs, own, drive, cell_at(cells, i), samples,
                    every, states, local[i],
                )  # fmt: skip
        for i in range(n):
            store(g_spike, (i,), outside_gradient(i, c, g, grad, grad_counts, samples))
        if c + own.shift < n_steps * n_groups:
            scatter_column(own, arrived, c + own.shift, g_spike, samples)
        for i in range(n):
            g_u, g_v = back_cell(
                load(g_state, (0, i), samples),
                load(g_state, (1, i), samples),
                load(g_spike, (i,), samples),
                load(local[i], (t - first,), samples) if every > 0 else load(tape, (i, c), samples),
                spikes[i, c],
                cell_at(cells, i),
                slope,
            )
            store(g_state, (0, i), g_u)
            store(g_state, (1, i), g_v)
            store(arrived, (i, c), g_u)


@kernel_inlined
def scatter_column(wires, arrived, c, sums, word):
    """Add ``W^T arrived[:, c]`` to ``sums`` (n_pre, lanes)."""
    for i in range(wires.indptr.size - 1):
        gradient = load(arrived, (i, c), word)
        for k in range(wires.indptr[i], wires.indptr[i + 1]):
            j = wires.indices[k]
            store(sums, (j,), load(sums, (j,), word) + gradient * wires.weights[k])


@kernel_parallel
def backward_rows(
    bounds, n_steps, inputs, own, drive, cells, valid, spikes, tape, every, states, slope,
    grad, grad_counts, arrived, grad_weights,
):  # fmt: skip
    """Go back through a layer whose neurons do not feed one another, rows in parallel."""
    for p in numba.prange(bounds.size - 1):
        back_rows(
            bounds[p], bounds[p + 1], n_steps, inputs, own, drive, cells, valid, spikes, tape,
            every, states, slope, grad, grad_counts, arrived, grad_weights,
        )  # fmt: skip


@kernel_parallel
def backward_groups(
    n_steps, inputs, own, drive, cells, valid, spikes, tape, every, states, slope,
    grad, grad_counts, arrived,
):  # fmt: skip
    """Go back through a layer with connections of its own, the groups of lanes in parallel."""
    for g in numba.prange(valid.size):
        back_group(
            g, n_steps, inputs, own, drive, cells, valid, spikes, tape, every, states, slope,
            grad, grad_counts, arrived,
        )  # fmt: skip


@kernel_parallel
def backward_weights(bounds, wires, arrived, grad_weights):
    """Write the gradients of all synapses from the gradient of what arrived, rows in parallel."""
    for p in numba.prange(bounds.size - 1):
        for i in range(bounds[p], bounds[p + 1]):
            weight_gradients(i, wires, arrived, i, grad_weights)


@kernel_parallel
def backward_inputs(bounds, wires, arrived, out):
    """Write ``out = W^T arrived``, moved back in time by the delay, columns in parallel.

    Spikes of the last steps, which never arrive, get no gradient.
    """
    n_columns, lanes = out.shape[1:]
    for p in numba.prange(bounds.size - 1):
        sums = np.empty((out.shape[0], lanes), out.dtype)
        for c in range(bounds[p], bounds[p + 1]):
            sums[:] = 0
            if c + wires.shift < n_columns:
                scatter_column(wires, arrived, c + wires.shift, sums, wires.words[0, 0])
            for j in range(out.shape[0]):
                store(out, (j, c), load(sums, (j,), wires.words[0, 0]))
