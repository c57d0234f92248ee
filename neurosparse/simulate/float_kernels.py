"""Update of LIF neurons (numba); see `neurosparse.network.LIF` for the equations.

``u`` comes decayed and with all that has arrived, and is left decayed for the next step. Refractory
neurons hold NaN in ``v``: it spreads through the update and never exceeds a threshold, so the loop
over all neurons needs no branch; ``held`` keeps what they come back with.

Oracle: ``tests/reference/dense.py``.
"""

from __future__ import annotations

import numba
import numpy as np
from numba.extending import overload

from neurosparse.jit import kernel, kernel_inlined
from neurosparse.simulate.arrival_kernels import add_all
from neurosparse.simulate.machine_kernels import (
    bits_above,
    lowest_bit,
    prefer_wide_vectors,
)

BLOCK = 1024  # neurons updated before their spikes are looked for; fits the first cache
TINY_32 = 1.1754943508222875e-38  # least normal numbers
TINY_64 = 2.2250738585072014e-308
FLUSH_EVERY = 64  # steps between two sweeps that set denormal numbers to zero


@kernel
def update_one(u, v, keep_u, keep_v, bias, vth):
    """Update neurons with one receptor and shared parameters; return whether any fires."""
    prefer_wide_vectors()
    above = False
    for k in range(v.size):
        now = u[k]
        u[k] = now * keep_u
        after = v[k] * keep_v + now + bias
        v[k] = after
        above |= after > vth
    return above


@kernel
def update_two(u0, u1, v, keep_0, keep_1, keep_v, bias, vth):
    """Update neurons with two receptors and shared parameters."""
    prefer_wide_vectors()
    above = False
    for k in range(v.size):
        now_0 = u0[k]
        now_1 = u1[k]
        u0[k] = now_0 * keep_0
        u1[k] = now_1 * keep_1
        after = v[k] * keep_v + (now_0 + now_1) + bias
        v[k] = after
        above |= after > vth
    return above


@kernel
def sum_receptors(u, stride, low, high, keeps, total):
    """Write the sum over receptors to ``total`` and decay each."""
    prefer_wide_vectors()
    total[:] = u[low:high]
    for r in range(keeps.size):
        own = u[r * stride + low : r * stride + high]
        keep = keeps[r]
        if r > 0:
            add_all(total, own)
        for k in range(own.size):
            own[k] *= keep


@kernel
def update_each(total, v, keep_v, bias, vth):
    """Update neurons with parameters of their own from the summed receptors."""
    prefer_wide_vectors()
    above = False
    for k in range(v.size):
        after = v[k] * keep_v[k] + total[k] + bias[k]
        v[k] = after
        above |= after > vth[k]
    return above


def of_neuron(parameter, k):
    """Return a parameter of neuron ``k``: one number for all, or an array."""
    return parameter[k] if isinstance(parameter, np.ndarray) else parameter


@overload(of_neuron, inline="always")
def _of_neuron_compiled(parameter, k):
    if isinstance(parameter, numba.types.Array):
        return lambda parameter, k: parameter[k]
    return lambda parameter, k: parameter


@kernel
def gather_above(v, vth, base, spikes, n):
    """Append the neurons above threshold, ascending; look at 64 at a time, as few are."""
    whole = v.size // 64 * 64
    for begin in range(0, whole, 64):
        above = bits_above(v, begin, vth)
        while above != 0:
            spikes[np.uint64(n)] = base + begin + lowest_bit(above)
            n += 1
            above &= above - np.uint64(1)
    for k in range(whole, v.size):
        if v[k] > of_neuron(vth, k):
            spikes[np.uint64(n)] = base + k
            n += 1
    return n


@kernel_inlined
def reset_fired(populations, p, part, parts, neurons, t, spikes):
    """Reset the neurons that have just fired; let them wait if they are refractory."""
    cell = populations.cell[p]
    first = populations.first[p]
    each = populations.each[p]
    subtract = populations.subtract[p] > 0
    refractory = populations.refractory[p]
    low = cell + parts.low[part, p]
    room = parts.high[part, p] - parts.low[part, p]
    v = neurons.v
    for j in range(spikes.size):
        i = spikes[j] - first
        c = cell + i
        if subtract:
            after = v[c] - (neurons.vth[p] if each < 0 else neurons.each_vth[each + i])
        else:
            after = neurons.v_reset[p] if each < 0 else neurons.each_v_reset[each + i]
        if refractory == 0:
            v[c] = after
            continue
        v[c] = np.nan
        neurons.held[c] = after
        neurons.until[c] = t + refractory + 1
        at = parts.head[part, p] + parts.waiting[part, p]
        neurons.queue[low + at % room] = c
        parts.waiting[part, p] += 1


@kernel_inlined
def release(populations, p, part, parts, neurons, t):
    """Give back the membranes of the neurons whose refractory period is over."""
    low = populations.cell[p] + parts.low[part, p]
    room = parts.high[part, p] - parts.low[part, p]
    while parts.waiting[part, p] > 0:
        c = neurons.queue[low + parts.head[part, p]]
        if neurons.until[c] > t:
            break
        neurons.v[c] = neurons.held[c]
        parts.head[part, p] = (parts.head[part, p] + 1) % room
        parts.waiting[part, p] -= 1


@kernel
def flush_denormals(values):
    """Set to zero what is too small to be a normal number: arithmetic on it is slow."""
    prefer_wide_vectors()
    tiny = values.dtype.type(TINY_32 if values.itemsize == 4 else TINY_64)
    zero = values.dtype.type(0)
    for k in range(values.size):
        x = values[k]
        values[k] = zero if abs(x) < tiny else x


@kernel_inlined
def flush_part(populations, p, low, high, neurons):
    """Set denormal numbers of this part of a population to zero."""
    cell = populations.cell[p]
    flush_denormals(neurons.v[cell + low : cell + high])
    for r in range(populations.n_receptors[p]):
        slot = populations.slot[p] + r * populations.stride[p]
        flush_denormals(neurons.u[slot + low : slot + high])


@kernel_inlined
def update_float(populations, p, part, parts, neurons, keep_u, t, spikes, n):
    """Advance this part of a population by one step; append its spikes, return the new count."""
    release(populations, p, part, parts, neurons, t)
    if t % FLUSH_EVERY == 0:
        # before the update: after it, u is or is not decayed, as the run goes on or ends here
        flush_part(populations, p, parts.low[part, p], parts.high[part, p], neurons)
    cell = populations.cell[p]
    slot = populations.slot[p]
    stride = populations.stride[p]
    n_receptors = populations.n_receptors[p]
    first = populations.first[p]
    each = populations.each[p]
    row = populations.receptor[p]
    u = neurons.u
    total = parts.total[part]
    before = n
    for low in range(parts.low[part, p], parts.high[part, p], BLOCK):
        high = min(low + BLOCK, parts.high[part, p])
        v = neurons.v[cell + low : cell + high]
        if each >= 0:
            keeps = keep_u[row : row + n_receptors]
            own = total[: high - low]
            sum_receptors(u[slot:], stride, low, high, keeps, own)
            vth = neurons.each_vth[each + low : each + high]
            bias = neurons.each_bias[each + low : each + high]
            if update_each(own, v, neurons.each_keep_v[each + low : each + high], bias, vth):
                n = gather_above(v, vth, first + low, spikes, n)
        elif n_receptors == 1:
            if update_one(
                u[slot + low : slot + high],
                v,
                keep_u[row],
                neurons.keep_v[p],
                neurons.bias[p],
                neurons.vth[p],
            ):
                n = gather_above(v, neurons.vth[p], first + low, spikes, n)
        elif update_two(
            u[slot + low : slot + high],
            u[slot + stride + low : slot + stride + high],
            v,
            keep_u[row],
            keep_u[row + 1],
            neurons.keep_v[p],
            neurons.bias[p],
            neurons.vth[p],
        ):
            n = gather_above(v, neurons.vth[p], first + low, spikes, n)
    reset_fired(populations, p, part, parts, neurons, t, spikes[before:n])
    return n
