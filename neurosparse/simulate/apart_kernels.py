"""What arrives in integer networks other than as a sum of weights (numba); see `wires`.

Oracle: ``tests/reference/fixed_point.py``.
"""

from __future__ import annotations

import numpy as np
from numba.extending import overload

from neurosparse.jit import kernel, kernel_inlined
from neurosparse.simulate.engine_arrays import FloatNeurons
from neurosparse.simulate.machine_kernels import array_at, prefer_wide_vectors

_UINT16 = np.zeros(1, np.uint16)
_UINT32 = np.zeros(1, np.uint32)
_INT64 = np.zeros(1, np.int64)
_NO_WEIGHTS = np.zeros(1, np.int32)


@kernel
def add_products(
    target, post, weights, constant, cuts, part, n_parts, lane_bits, spikes, first, messages
):
    """Add the weights of the rows of ``spikes``, times their messages if there are any.

    ``messages`` holds what each neuron sends; none: 1.
    """
    lanes = np.int64(1) << lane_bits
    for j in range(spikes.size):
        own = spikes[j] - first
        message = messages[own] if messages.size > 0 else np.int64(1)
        lane = own & (lanes - 1)
        row = (own >> lane_bits) * n_parts + part
        for s in range(np.uint64(cuts[row]), np.uint64(cuts[row + 1])):
            weight = weights[s] if weights.size > 0 else constant
            target[(np.int64(post[s]) << lane_bits) + lane] += weight * message


@kernel
def round_sums(u, sums, bits):
    """Add the sums without their lowest ``bits``, shifted by 6 bits, to ``u``; empty them."""
    prefer_wide_vectors()
    for k in range(u.size):
        u[k] += (np.int32(sums[k]) >> bits) << 6  # turned over at 32 bits first, as in Lava
        sums[k] = 0


@kernel_inlined
def add_to(target, lane_bits, projections, q, part, n_parts, spikes, first, messages):
    """Add what ``spikes`` bring over wire ``q`` to the slots in ``target``."""
    slot = projections.slot[q]
    own = target[slot : slot + projections.size[q]]
    cuts = array_at(projections.cuts[q], projections.n_cuts[q], _INT64)
    n = projections.n_synapses[q]
    weights = array_at(projections.weight[q], n if projections.weight[q] != 0 else 0, _NO_WEIGHTS)
    constant = projections.constant[q]
    if projections.post_bytes[q] == 2:
        post = array_at(projections.post[q], n, _UINT16)
        add_products(
            own, post, weights, constant, cuts, part, n_parts, lane_bits, spikes, first, messages
        )
    else:
        wide = array_at(projections.post[q], n, _UINT32)
        add_products(
            own, wide, weights, constant, cuts, part, n_parts, lane_bits, spikes, first, messages
        )


@kernel
def receive_apart(populations, neurons, projections, q, low, high, part, n_parts, spikes, sent):
    """Let ``spikes`` arrive over a wire that rounds or brings messages, ``sent`` in their step.

    ``low`` and ``high`` are the slots of this part of the target.
    """
    first = populations.first[projections.source[q]]
    column = projections.message[q]
    messages = sent[column:] if column >= 0 else sent[:0]
    bits = projections.rounding[q]
    lane_bits = populations.lane_bits
    if bits > 0:
        add_to(neurons.sums, lane_bits, projections, q, part, n_parts, spikes, first, messages)
        round_sums(neurons.u[low:high], neurons.sums[low:high], bits)
    else:
        add_to(neurons.u, lane_bits, projections, q, part, n_parts, spikes, first, messages)


def received_apart(
    populations, neurons, projections, q, low, high, part, n_parts, spikes, drive, row
):
    """Let ``spikes`` of row ``row`` arrive over wire ``q`` if they do so apart; return whether."""
    if isinstance(neurons, FloatNeurons):
        return False
    if projections.rounding[q] == 0 and projections.message[q] < 0:
        return False
    sent = drive.messages[row]  # its rows are aligned with those of the record
    receive_apart(populations, neurons, projections, q, low, high, part, n_parts, spikes, sent)
    return True


@overload(received_apart, jit_options={"forceinline": True})
def _received_apart_compiled(
    populations, neurons, projections, q, low, high, part, n_parts, spikes, drive, row
):
    if neurons.instance_class is FloatNeurons:

        def compiled(
            populations, neurons, projections, q, low, high, part, n_parts, spikes, drive, row
        ):
            return False
    else:

        def compiled(
            populations, neurons, projections, q, low, high, part, n_parts, spikes, drive, row
        ):
            if projections.rounding[q] == 0 and projections.message[q] < 0:
                return False
            sent = drive.messages[row]
            receive_apart(
                populations, neurons, projections, q, low, high, part, n_parts, spikes, sent
            )
            return True

    return compiled
