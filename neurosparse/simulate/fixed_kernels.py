"""Update of integer neurons, bit for bit as Lava's ``fixed_pt`` models (numba).

All is int32, as in Lava, with intermediate results that need no more. As in the float engine, a
loop without branches updates a block of neurons and tells whether any has crossed a threshold; only
then are they looked for.

Oracles: ``tests/reference/fixed_point.py`` and Lava.
"""

from __future__ import annotations

import numba
import numpy as np
from numba.extending import overload

from neurosparse.jit import kernel, kernel_inlined
from neurosparse.simulate.machine_kernels import bits_above, lowest_bit, prefer_wide_vectors

BLOCK = 1024  # neurons updated before their spikes are looked for; fits the first cache

# u wraps and v saturates at 24 bits, sign included
U_LIMIT = np.int32(1 << 23)
TURN = np.int32(1 << 24)
V_LIMIT = np.int32((1 << 23) - 1)
DECAY_SHIFT = np.uint32(12)
LOW_BITS = np.uint32((1 << 12) - 1)
ZERO = np.int32(0)


@kernel_inlined
def decayed(x, keep):
    """Return ``x * keep / 4096``, rounded toward zero.

    The upper and lower bits of the magnitude are multiplied apart: 32 bits then hold all of it.
    """
    magnitude = np.uint32(abs(x))
    high = np.uint32(np.uint32(magnitude >> DECAY_SHIFT) * keep)
    low = np.uint32(np.uint32(magnitude & LOW_BITS) * keep)
    kept = np.int32(np.uint32(high + np.uint32(low >> DECAY_SHIFT)))
    return np.int32(-kept) if x < 0 else kept


def wrapped(u):
    """Turn an integer current over at 24 bits, once, as Lava does; a float one passes."""
    if isinstance(u, np.floating):
        return u
    if u > U_LIMIT:
        return np.int32(u - TURN)
    return np.int32(u + TURN) if u <= -U_LIMIT else u


@overload(wrapped, jit_options={"forceinline": True})
def _wrapped_compiled(u):
    if isinstance(u, numba.types.Float):
        return lambda u: u

    def compiled(u):
        if u > U_LIMIT:
            return np.int32(u - TURN)
        return np.int32(u + TURN) if u <= -U_LIMIT else u

    return compiled


@kernel_inlined
def advance(u, v, k, keep_u, keep_v, bias):
    """Update ``u`` of one neuron; return what ``v`` becomes unbounded, and whether u wrapped."""
    x = u[k]
    too_high = x > U_LIMIT
    too_low = x <= -U_LIMIT
    now = np.int32(x - TURN) if too_high else (np.int32(x + TURN) if too_low else x)
    u[k] = decayed(now, keep_u)
    free = np.int32(np.int32(decayed(v[k], keep_v) + now) + bias[k])
    return free, np.int32(too_high | too_low)


@kernel_inlined
def stopped(v):
    """Return a membrane within its bounds."""
    return min(max(v, np.int32(-V_LIMIT)), V_LIMIT)


@kernel
def update_block(u, v, keep_u, keep_v, bias, vth):
    """Update neurons; return whether any fires, and how often u wrapped and v was stopped."""
    prefer_wide_vectors()
    above = False
    wraps = ZERO
    clips = ZERO
    for k in range(v.size):
        free, wraps_now = advance(u, v, k, keep_u, keep_v, bias)
        after = stopped(free)
        wraps = np.int32(wraps + wraps_now)
        clips = np.int32(clips + np.int32(after != free))
        v[k] = after
        above |= after > vth[k]
    return above, wraps, clips


@kernel
def update_two_sided(u, v, keep_u, keep_v, bias, vth, vth_lo):
    """Update neurons that fire below a second threshold, too."""
    prefer_wide_vectors()
    beyond = False
    wraps = ZERO
    clips = ZERO
    for k in range(v.size):
        free, wraps_now = advance(u, v, k, keep_u, keep_v, bias)
        after = stopped(free)
        wraps = np.int32(wraps + wraps_now)
        clips = np.int32(clips + np.int32(after != free))
        v[k] = after
        beyond |= (after > vth[k]) | (after < vth_lo[k])
    return beyond, wraps, clips


@kernel
def update_refractory(u, v, keep_u, keep_v, bias, vth, until, t):
    """Update neurons of which some are held at 0 until a step."""
    prefer_wide_vectors()
    above = False
    wraps = ZERO
    clips = ZERO
    for k in range(v.size):
        free, wraps_now = advance(u, v, k, keep_u, keep_v, bias)
        free = ZERO if until[k] > t else free
        after = stopped(free)
        wraps = np.int32(wraps + wraps_now)
        clips = np.int32(clips + np.int32(after != free))
        v[k] = after
        above |= after > vth[k]
    return above, wraps, clips


@kernel
def reset_above(v, vth, base, spikes, n):
    """Append the neurons above threshold, ascending, and set their membranes to 0."""
    whole = v.size // 64 * 64
    for begin in range(0, whole, 64):
        above = bits_above(v, begin, vth)
        while above != 0:
            k = begin + lowest_bit(above)
            spikes[np.uint64(n)] = base + k
            n += 1
            v[k] = 0
            above &= above - np.uint64(1)
    for k in range(whole, v.size):
        if v[k] > vth[k]:
            spikes[np.uint64(n)] = base + k
            n += 1
            v[k] = 0
    return n


@kernel
def reset_beyond(v, vth, vth_lo, base, minus, spikes, n):
    """Append the neurons beyond a threshold, ascending, with ``minus`` where below the lower."""
    for k in range(v.size):
        below = v[k] < vth_lo[k]
        if v[k] > vth[k] or below:
            spikes[np.uint64(n)] = base + k + (minus if below else 0)
            n += 1
            v[k] = 0
    return n


@kernel_inlined
def update_fixed(populations, p, part, parts, neurons, keep_u, t, spikes, n):
    """Advance this part of an integer population; append its spikes, return the new count.

    ``u`` comes decayed and with the arriving weights, which are stored shifted by 6 bits.
    """
    cell = populations.cell[p]
    slot = populations.slot[p]
    first = populations.first[p]
    minus = populations.minus[p]
    refractory = populations.refractory[p]
    keep = keep_u[populations.receptor[p]]
    keep_v = neurons.keep_v[p]
    for low in range(parts.low[part, p], parts.high[part, p], BLOCK):
        high = min(low + BLOCK, parts.high[part, p])
        u = neurons.u[slot + low : slot + high]
        v = neurons.v[cell + low : cell + high]
        bias = neurons.bias[cell + low : cell + high]
        vth = neurons.vth[cell + low : cell + high]
        base = first + low
        if minus > 0:
            lower = neurons.vth_lo[cell + low : cell + high]
            fires, wraps, clips = update_two_sided(u, v, keep, keep_v, bias, vth, lower)
            if fires:
                n = reset_beyond(v, vth, lower, base, minus, spikes, n)
        elif refractory > 0:
            until = neurons.until[cell + low : cell + high]
            fires, wraps, clips = update_refractory(u, v, keep, keep_v, bias, vth, until, t)
            if fires:
                before = n
                n = reset_above(v, vth, base, spikes, n)
                for j in range(before, n):
                    until[spikes[j] - base] = t + refractory + 1
        else:
            fires, wraps, clips = update_block(u, v, keep, keep_v, bias, vth)
            if fires:
                n = reset_above(v, vth, base, spikes, n)
        neurons.wraps[part, p] += wraps
        neurons.clips[part, p] += clips
    return n
