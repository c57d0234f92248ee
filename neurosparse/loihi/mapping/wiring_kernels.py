"""Lay out which axons end on each neuron, from synapses by either kind of row."""

from __future__ import annotations

from neurosparse.jit import kernel


@kernel
def add_by_pre(indptr, posts, first_slot, first_row, cursor, slots):
    """Append the synapses of a projection stored by presynaptic row.

    ``slots[cursor[row]]`` gets ``first_slot + pre`` for every synapse onto ``row``; sources rise.
    """
    for pre in range(indptr.size - 1):
        for entry in range(indptr[pre], indptr[pre + 1]):
            row = first_row + posts[entry]
            slots[cursor[row]] = first_slot + pre
            cursor[row] += 1


@kernel
def add_by_post(indptr, pres, first_slot, first_row, cursor, slots):
    """Append the synapses of a projection stored by postsynaptic row."""
    for post in range(indptr.size - 1):
        place = cursor[first_row + post]
        for entry in range(indptr[post], indptr[post + 1]):
            slots[place] = first_slot + pres[entry]
            place += 1
        cursor[first_row + post] = place
