"""Update of FixedPointLIF neurons, bit for bit as Lava's ``fixed_pt`` models (numba).

Oracles: ``tests/reference/fixed_point.py`` and Lava.
"""

from __future__ import annotations

import numba
import numpy as np
from numba.extending import overload

from neurosparse.jit import kernel_inlined

U_LIMIT = np.int64(1 << 23)  # u wraps and v saturates at 24 bits, sign included
DECAY_SHIFT = np.int64(12)


@kernel_inlined
def decayed(x, keep):
    """Decay an integer; it rounds toward zero."""
    return (x * keep) >> DECAY_SHIFT if x >= 0 else -((-x * keep) >> DECAY_SHIFT)


def wrapped(u):
    """Wrap an integer current at 24 bits, as Lava does; a float one passes."""
    if isinstance(u, np.floating):
        return u
    if u > U_LIMIT:
        return u - 2 * U_LIMIT
    return u + 2 * U_LIMIT if u <= -U_LIMIT else u


@overload(wrapped, jit_options={"forceinline": True})
def _wrapped_compiled(u):
    if isinstance(u, numba.types.Float):
        return lambda u: u

    def compiled(u):
        if u > U_LIMIT:
            u -= 2 * U_LIMIT
        elif u <= -U_LIMIT:
            u += 2 * U_LIMIT
        return u

    return compiled


@kernel_inlined
def update_fixed(populations, p, part, parts, neurons, keep_u, t, spikes, n):
    """Advance this part of an integer population, bit for bit as Lava's ``fixed_pt`` LIF.

    ``u`` comes decayed and with the arriving weights, which are stored shifted by 6 bits.
    """
    cell = populations.cell[p]
    slot = populations.slot[p]
    first = populations.first[p]
    keep = keep_u[populations.receptor[p]]
    keep_v = neurons.keep_v[p]
    for i in range(parts.low[part, p], parts.high[part, p]):
        u = wrapped(neurons.u[slot + i])
        # decay rounds toward zero: shift the magnitude, then give the sign back
        neurons.u[slot + i] = decayed(u, keep)
        c = cell + i
        v = decayed(neurons.v[c], keep_v)
        v = min(max(v + u + neurons.bias[c], -(U_LIMIT - 1)), U_LIMIT - 1)
        if v > neurons.vth[c]:
            spikes[n] = first + i
            n += 1
            v = np.int64(0)
        neurons.v[c] = v
    return n
