"""What the kernels work on: groups of arrays, as they are passed from Python.

A *neuron* number is global, a *cell* is a neuron's place in ``v``, a *slot* one receptor of it in
``u``. A *part* of a population is what one thread works on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Populations(NamedTuple):
    """One row per population, (n_populations,) int64.

    Where samples run side by side, each neuron takes the places of as many, one beside the other,
    here and in all that follows.
    """

    first: NDArray[np.int64]  # global number of its first neuron
    size: NDArray[np.int64]
    cell: NDArray[np.int64]  # where it begins in v; -1 for a spike source
    slot: NDArray[np.int64]  # where it begins in u, receptor after receptor
    stride: NDArray[np.int64]  # slots from one receptor to the next
    n_receptors: NDArray[np.int64]
    receptor: NDArray[np.int64]  # row of its first receptor in keep_u
    each: NDArray[np.int64]  # where it begins in each_*; -1: one number for all its neurons
    refractory: NDArray[np.int64]
    subtract: NDArray[np.int64]
    current: NDArray[np.int64]  # first column of its currents; -1 for none
    depth: NDArray[np.int64]
    minus: NDArray[np.int64]  # added to a neuron's number where its spike has sign -1; 0: none has
    lane_bits: np.int64  # log2 of the samples that run side by side


class Projections(NamedTuple):
    """One row per wire (`wires`), sorted by target (in the order of the network within one)."""

    to_population: NDArray[np.int64]  # (n_populations + 1,) where the rows of a target begin
    number: NDArray[np.int64]  # place of the projection in the network
    source: NDArray[np.int64]
    slot: NDArray[np.int64]  # of the target's neuron 0
    size: NDArray[np.int64]  # neurons of the target
    delay: NDArray[np.int64]  # 0: every synapse has its own
    n_synapses: NDArray[np.int64]
    n_cuts: NDArray[np.int64]
    cuts: NDArray[np.int64]  # address of int64: row i, part k holds cuts[i n_parts + k] to the next
    post: NDArray[np.int64]  # address of uint16 or uint32
    post_bytes: NDArray[np.int64]
    weight: NDArray[np.int64]  # address; 0: one weight for all
    constant: NDArray[np.generic]
    delays: NDArray[np.int64]  # address of uint8; 0: none
    rounding: NDArray[np.int64]  # bits cut off the sum that arrives; 0: none
    message: NDArray[np.int64]  # first column of the messages it brings; -1: spikes


class FloatNeurons(NamedTuple):
    """Parameters and state of LIF neurons; ``keep`` is 1 minus the decay."""

    keep_u: NDArray[np.generic]  # per receptor
    keep_v: NDArray[np.generic]  # per population, as the next three
    vth: NDArray[np.generic]
    bias: NDArray[np.generic]
    v_reset: NDArray[np.generic]
    each_keep_v: NDArray[np.generic]  # per neuron, of the populations that need it
    each_vth: NDArray[np.generic]
    each_bias: NDArray[np.generic]
    each_v_reset: NDArray[np.generic]
    u: NDArray[np.generic]  # per slot
    arrived: NDArray[np.generic]  # per slot, to be added to u as one sum; empty: added singly
    v: NDArray[np.generic]  # per cell
    held: NDArray[np.generic]  # what a refractory neuron comes back with
    until: NDArray[np.int64]  # first step in which it is free
    queue: NDArray[np.int32]  # refractory cells of a population's part, a ring in order of time
    ring: NDArray[np.generic]  # (depth, n_slots): what arrives at which step
    whole: NDArray[np.generic]  # like keep_u: no decay
    weight_type: NDArray[np.generic]  # empty, of the dtype in which weights are stored


class FixedNeurons(NamedTuple):
    """Parameters and state of integer neurons, in Lava's int32.

    Sums turn over at 32 bits, as Lava's do; in which order they are formed does not matter.
    """

    keep_u: NDArray[np.uint32]  # 4096 - du - 1, per population of neurons
    keep_v: NDArray[np.uint32]  # 4096 - dv, per population
    vth: NDArray[np.int32]  # vth << 6, per cell
    vth_lo: NDArray[np.int32]  # of neurons that have two thresholds, per cell; empty: none has
    bias: NDArray[np.int32]  # bias_mant << bias_exp, per cell
    u: NDArray[np.int32]
    arrived: NDArray[np.int32]  # stays empty
    sums: NDArray[np.int64]  # per slot, what arrives to be rounded; empty: nothing is
    v: NDArray[np.int32]
    held: NDArray[np.int32]  # what a refractory neuron shows: zeros
    until: NDArray[np.int64]
    queue: NDArray[np.int32]  # stays empty
    ring: NDArray[np.int32]
    whole: NDArray[np.uint32]
    weight_type: NDArray[np.int32]
    wraps: NDArray[np.int64]  # (n_parts, n_populations): how often u turned over
    clips: NDArray[np.int64]  # ... and v was stopped at its bounds


class Parts(NamedTuple):
    """How populations are cut, and what each part needs of its own."""

    low: NDArray[np.int64]  # (n_parts, n_populations): first neuron of the population
    high: NDArray[np.int64]
    head: NDArray[np.int64]  # (n_parts, n_populations): oldest entry of its queue
    waiting: NDArray[np.int64]  # ... and how many there are
    spikes: NDArray[np.int32]  # (n_parts, room): of one window
    starts: NDArray[np.int64]  # (n_parts, window + 1, n_populations)
    events: NDArray[np.int64]  # (n_parts, n_projections): of the last call
    total: NDArray[np.generic]  # (n_parts, BLOCK): scratch, as the rest
    words: NDArray[np.uint32]  # (n_parts, WORDS)
    counts: NDArray[np.int32]  # (n_parts, WORDS)
    thresholds: NDArray[np.uint32]  # (n_parts, MAX_EVENTS)


class Drive(NamedTuple):
    """What comes from outside in these steps."""

    spike_ptr: NDArray[np.int64]  # (n_steps + 1,)
    spike_neuron: NDArray[np.int32]  # source spikes, by step, then neuron
    currents: NDArray[np.generic]  # (n_steps, n_columns)
    poisson_ptr: NDArray[np.int64]  # (n_populations + 1,) where the stimuli of a population begin
    poisson_stream: NDArray[np.int64]
    poisson_receptor: NDArray[np.int64]
    poisson_weight: NDArray[np.generic]
    poisson_rate: NDArray[np.int64]  # where the rates of a stimulus begin in rates
    poisson_by_step: NDArray[np.int64]  # entries from one step to the next; 0: constant
    poisson_by_neuron: NDArray[np.int64]  # 1: a rate for every neuron; 0: one for all
    rates: NDArray[np.float64]  # expected events per step
    messages: NDArray[np.int32]  # (n_history + n_steps, n_message_columns): what sources send
    key: np.uint64


class Record(NamedTuple):
    """What these steps write."""

    starts: NDArray[np.int64]  # (n_history + n_steps + 1, n_populations + 1)
    spikes: NDArray[np.int32]  # the history, then these steps
    events: NDArray[np.int64]  # per projection, counted up
    probe_slot: NDArray[np.int64]  # u probes
    probe_slot_population: NDArray[np.int64]
    probe_cell: NDArray[np.int64]  # v probes
    probe_cell_population: NDArray[np.int64]
    trace_u: NDArray[np.generic]  # (n_steps, n_u)
    trace_v: NDArray[np.generic]  # (n_steps, n_v)


class Samples(NamedTuple):
    """Independent samples and what is counted of them."""

    rasters: NDArray[np.uint8]  # (batch, n_steps, n_raster_columns) of zeros and ones
    words: NDArray[np.uint64]  # scratch: the spikes of a step
    raster_column: NDArray[np.int64]  # per population; -1: none
    currents: NDArray[np.generic]  # (batch, n_steps, n_current_columns)
    messages: NDArray[np.int32]  # (batch, n_steps, n_message_columns)
    counts: NDArray[np.int32]  # (batch, n_count_columns): spikes per neuron
    count_column: NDArray[np.int64]  # per population; -1: not counted
