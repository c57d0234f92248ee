"""Counter-based random numbers: the number of a step and a neuron is a function of both.

Hence a drawn input does not depend on the number of threads, on how a run is cut into pieces, or
on what else is drawn.

References
----------
Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3",
doi:10.1145/2063384.2063405: Philox4x32-10. Known answers: Random123's ``kat_vectors``.
"""

from __future__ import annotations

import numpy as np

from neurosparse.jit import kernel
from neurosparse.simulate.machine_kernels import prefer_wide_vectors

LANES = 64  # counters per block, side by side so that they vectorise
WORDS = 4 * LANES  # random words per block

_MULTIPLY_0 = np.uint64(0xD2511F53)
_MULTIPLY_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


@kernel
def philox_block(key, block, step, stream, words):
    """Fill ``words``, (WORDS,) uint32, for one block of lanes.

    Word ``w`` of counter ``(64 block + lane, step, stream)`` lands at ``64 w + lane``.
    """
    prefer_wide_vectors()
    k0 = np.uint64(key) & _LOW
    k1 = np.uint64(key) >> _HALF
    step_low = np.uint64(step) & _LOW
    step_high = np.uint64(step) >> _HALF
    third = np.uint64(stream)
    first = np.uint64(block) * np.uint64(LANES)
    for lane in range(LANES):
        c0 = (first + np.uint64(lane)) & _LOW
        c1 = step_low
        c2 = third
        c3 = step_high
        a0 = k0
        a1 = k1
        for _ in range(10):
            p0 = _MULTIPLY_0 * c0
            p1 = _MULTIPLY_1 * c2
            c0 = (p1 >> _HALF) ^ c1 ^ a0
            c2 = (p0 >> _HALF) ^ c3 ^ a1
            c1 = p1 & _LOW
            c3 = p0 & _LOW
            a0 = (a0 + _WEYL_0) & _LOW
            a1 = (a1 + _WEYL_1) & _LOW
        words[lane] = np.uint32(c0)
        words[LANES + lane] = np.uint32(c1)
        words[2 * LANES + lane] = np.uint32(c2)
        words[3 * LANES + lane] = np.uint32(c3)
