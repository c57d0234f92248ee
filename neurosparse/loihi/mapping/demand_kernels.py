"""What the neurons of a core need of it, and how many of a sequence fit on one core.

Rows of demand have the columns of `RESOURCES`, then the number of synapses.
"""

from __future__ import annotations

import numpy as np

from neurosparse.jit import kernel

NEURONS, INPUTS, OUTPUTS, BITS, MEMORY, PROFILES, THRESHOLDS, FORMATS, SYNAPSES = range(9)
N_LIMITED = 8


@kernel
def bits_of_list(n, width, table):
    """Return the bits of a list of ``n`` synapses; ``table[width, n]`` has those of a group."""
    group = table.shape[1] - 1
    if n <= group:  # nearly always, and divisions are slow
        return table[width, n]
    return n // group * table[width, group] + table[width, n % group]


@kernel
def demand_of(members, topology, rules, outputs, scratch, row):
    """Write the demand of ``members``, ascending neurons of one core, into ``row``.

    Returns how many distinct sources and how many lists of synapses end here; the former stand in
    ``scratch.sources``, of the latter ``scratch.origin`` has the source and ``scratch.number`` the
    synapses.
    """
    tick = scratch.tick[0] + 1
    scratch.tick[0] = tick
    n_lists = n_sources = n_synapses = n_outputs = n_profiles = n_thresholds = 0
    for i in range(members.size):
        neuron = members[i]
        population = topology.population[neuron]
        if scratch.population_tick[population] != tick:
            scratch.population_tick[population] = tick
            scratch.block[population] = 0
        scratch.block[population] += 1
        n_outputs += outputs[neuron]
        profile, threshold = topology.profile[neuron], topology.threshold[neuron]
        if profile >= 0 and scratch.profile_tick[profile] != tick:
            scratch.profile_tick[profile] = tick
            n_profiles += 1
        if threshold >= 0 and scratch.threshold_tick[threshold] != tick:
            scratch.threshold_tick[threshold] = tick
            n_thresholds += 1
        low, high = topology.indptr[neuron], topology.indptr[neuron + 1]
        n_synapses += high - low
        projection = 0  # slots of a neuron rise, and with them their projections
        for entry in range(low, high):
            slot = topology.slots[entry]
            if scratch.mark[slot, 0] == tick:
                k = scratch.mark[slot, 1]
                scratch.number[k] += 1
                scratch.top[k] = i
                continue
            while slot >= topology.first_slot[projection + 1]:
                projection += 1
            source = topology.first_source[projection] + slot - topology.first_slot[projection]
            scratch.mark[slot, 0] = tick
            scratch.mark[slot, 1] = n_lists
            scratch.number[n_lists] = 1
            scratch.top[n_lists] = i
            scratch.owner[n_lists] = projection
            scratch.origin[n_lists] = source
            n_lists += 1
            if scratch.source_tick[source] != tick:
                scratch.source_tick[source] = tick
                scratch.sources[n_sources] = source
                n_sources += 1
    widths, table = rules.index_widths, rules.table
    n_widths = widths.size
    bits = n_formats = n_keys = 0
    for k in range(n_lists):
        projection, n = scratch.owner[k], scratch.number[k]
        width, key = topology.width[projection], topology.key[projection]
        kind = 0
        while kind < n_widths - 1 and scratch.top[k] >> widths[kind]:
            kind += 1
        size = bits_of_list(n, width + widths[kind], table)
        if topology.dense[projection]:
            n_targets = scratch.block[topology.target[projection]]
            dense = bits_of_list(n_targets, width, table)
            if dense < size:
                size, kind = dense, n_widths
        bits += size
        one = key * (n_widths + 1) + kind
        if scratch.format_tick[one] != tick:
            scratch.format_tick[one] = tick
            n_formats += 1
        if scratch.key_tick[key] != tick:
            scratch.key_tick[key] = tick
            n_keys += 1
    if n_formats > rules.limits[FORMATS]:  # then all lists share the width that the core needs
        kind = 0
        while kind < n_widths - 1 and (members.size - 1) >> widths[kind]:
            kind += 1
        bits, n_formats = 0, n_keys
        for k in range(n_lists):
            width = topology.width[scratch.owner[k]] + widths[kind]
            bits += bits_of_list(scratch.number[k], width, table)
    row[NEURONS], row[INPUTS], row[OUTPUTS], row[BITS] = members.size, n_sources, n_outputs, bits
    row[MEMORY] = memory_of(row, rules)
    row[PROFILES], row[THRESHOLDS], row[FORMATS] = n_profiles, n_thresholds, n_formats
    row[SYNAPSES] = n_synapses
    return n_sources, n_lists


@kernel
def memory_of(row, rules):
    """Return the bits of the memory that all share."""
    return (
        row[BITS]
        + row[NEURONS] * rules.neuron_bits
        + row[INPUTS] * rules.input_bits
        + row[OUTPUTS] * rules.output_bits
    )


@kernel
def fits(row, limits):
    """Return whether no limit is exceeded."""
    for column in range(N_LIMITED):
        if row[column] > limits[column]:
            return False
    return True


@kernel
def run_fits(sequence, begin, size, topology, rules, outputs, scratch, row):
    """Return whether ``sequence[begin : begin + size]`` fits on one core."""
    scratch.members[:size] = sequence[begin : begin + size]
    members = scratch.members[:size]
    members.sort()
    demand_of(members, topology, rules, outputs, scratch, row)
    return fits(row, rules.limits)


@kernel
def fill(sequence, is_break, topology, rules, outputs, scratch, row, cuts):
    """Give every core as many of the sequence as fit; cores begin anew at breaks.

    ``cuts`` gets where cores begin, and the end. Returns the number of cores, or -1 - position of
    a neuron that fits on no core.
    """
    n = sequence.size
    begin = n_cores = 0
    guess = 1
    cuts[0] = 0
    while begin < n:
        most = 1
        while most < rules.limits[NEURONS] and begin + most < n and not is_break[begin + most]:
            most += 1
        good, bad = 0, most + 1
        size, step = min(guess, most), 1
        while good + 1 < bad:
            if run_fits(sequence, begin, size, topology, rules, outputs, scratch, row):
                good = size
                size = min(good + step, bad - 1) if bad > most else (good + bad) // 2
                step *= 2
            else:
                bad = size
                size = (good + bad) // 2
        if good == 0:
            return -1 - begin
        guess = good
        begin += good
        n_cores += 1
        cuts[n_cores] = begin
    return n_cores


@kernel
def count(order, cuts, first, last, topology, rules, scratch, rows, outputs):
    """Count the demand of the cores ``first`` to ``last - 1``, but for output axons.

    ``order[cuts[c] : cuts[c + 1]]`` are the neurons of core ``c``, ascending. ``rows`` gets the
    demand; to ``outputs`` (n_neurons,) is added to how many of these cores each neuron sends.
    """
    none = np.zeros(outputs.size, dtype=np.int64)
    for c in range(first, last):
        members = order[cuts[c] : cuts[c + 1]]
        n_sources, _ = demand_of(members, topology, rules, none, scratch, rows[c])
        for k in range(n_sources):
            outputs[scratch.sources[k]] += 1


@kernel
def add_outputs(order, cuts, outputs, rules, rows):
    """Add the output axons, ``outputs`` of each neuron, to the demand of all cores."""
    for c in range(cuts.size - 1):
        for k in range(cuts[c], cuts[c + 1]):
            rows[c, OUTPUTS] += outputs[order[k]]
        rows[c, MEMORY] = memory_of(rows[c], rules)


@kernel
def follow(order, cuts, first, last, core_of, rates, places, topology, rules, scratch, flow):
    """Count what the cores ``first`` to ``last - 1`` receive, and what for that others send.

    ``core_of`` is -1 for what has no core; ``places`` (n_cores, 2) int64 is the tile of each core.
    To ``flow`` (n_cores, 7) is added, per step: synaptic events, spikes, messages sent, of these to
    itself, messages received, of these from outside, tiles crossed by what was sent.
    """
    none = np.zeros(core_of.size, dtype=np.int64)
    row = np.empty(SYNAPSES + 1, dtype=np.int64)
    for c in range(first, last):
        members = order[cuts[c] : cuts[c + 1]]
        n_sources, n_lists = demand_of(members, topology, rules, none, scratch, row)
        for k in range(n_lists):
            flow[c, 0] += scratch.number[k] * rates[scratch.origin[k]]
        for k in range(cuts[c], cuts[c + 1]):
            flow[c, 1] += rates[order[k]]
        for k in range(n_sources):
            source = scratch.sources[k]
            rate, home = rates[source], core_of[source]
            flow[c, 4] += rate
            if home < 0:
                flow[c, 5] += rate
                continue
            flow[home, 2] += rate
            if home == c:
                flow[c, 3] += rate
            tiles = abs(places[home, 0] - places[c, 0]) + abs(places[home, 1] - places[c, 1])
            flow[home, 6] += rate * tiles
