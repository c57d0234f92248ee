"""Standard normal numbers by the hundred, and the move of prior and noise (numba).

Numbers come by the Box-Muller transform from the counter-based words of `philox_kernels`, in
float32 polynomials that vectorise: a nanosecond each, a seventh of what numpy's ziggurat takes.

Oracle: ``tests/sparsify/test_noise.py`` (the transform in float64; moments, tails, correlations).

References
----------
Box and Muller 1958, doi:10.1214/aoms/1177706645. Polynomials: Moshier, Cephes 2.2, ``logf.c`` and
``sinf.c``; errors below 2e-7 there.
"""

from __future__ import annotations

import numba
import numpy as np

from neurosparse.jit import kernel, kernel_parallel
from neurosparse.simulate.machine_kernels import prefer_wide_vectors
from neurosparse.simulate.philox_kernels import WORDS, philox_block

HALF = WORDS // 2

_f = np.float32
_int = np.int32
_word = np.uint32

_TO_UNIT = _f(2.0**-31)
_TO_ANGLE = _f(np.pi / 2 * 2.0**-30)
_ROOT_HALF = _int(0x3F3504F3)  # bits of sqrt(1/2)
_MANTISSA = _int(23)
_LN2_HIGH, _LN2_LOW = _f(0.693359375), _f(-2.12194440e-4)


@kernel
def make_normal(words, normals):
    """Turn (WORDS,) uint32 uniform words into (WORDS,) float32 numbers of N(0, 1).

    The radius has 31 bits, so that numbers reach 6.6; the angle has 32: two choose the quarter.
    """
    prefer_wide_vectors()
    for k in range(HALF):
        # ln(u): u = 2^exponent (1 + x) with 1 + x from sqrt(1/2) to sqrt(2)
        u = _f((_f(_int(words[k] >> _word(1))) + _f(0.5)) * _TO_UNIT)
        bits = u.view(_int)
        exponent = _int(_int(bits - _ROOT_HALF) >> _MANTISSA)
        mantissa = _int(bits - _int(exponent << _MANTISSA))
        x = mantissa.view(_f) - _f(1)
        p = _f(7.0376836292e-2)
        p = p * x - _f(1.1514610310e-1)
        p = p * x + _f(1.1676998740e-1)
        p = p * x - _f(1.2420140846e-1)
        p = p * x + _f(1.4249322787e-1)
        p = p * x - _f(1.6668057665e-1)
        p = p * x + _f(2.0000714765e-1)
        p = p * x - _f(2.4999993993e-1)
        p = p * x + _f(3.3333331174e-1)
        scale = _f(exponent)
        z = x * x
        log = x * z * p + scale * _LN2_LOW - _f(0.5) * z + x + scale * _LN2_HIGH
        radius = np.sqrt(_f(-2) * log)
        # an angle from -pi/4 to pi/4, then one of four quarters: as it is, swapped, and negated
        word = words[HALF + k]
        angle = _f(_int(_int(word & _word(0x3FFFFFFF)) - _int(1 << 29))) * _TO_ANGLE
        z = angle * angle
        sine = _f(-1.9515295891e-4) * z + _f(8.3321608736e-3)
        sine = (sine * z - _f(1.6666654611e-1)) * z * angle + angle
        cosine = _f(2.443315711809948e-5) * z - _f(1.388731625493765e-3)
        cosine = (cosine * z + _f(4.166664568298827e-2)) * z * z - _f(0.5) * z + _f(1)
        radius = radius if word >> _word(31) else -radius
        swap = (word >> _word(30)) & _word(1)
        normals[k] = radius * (sine if swap else cosine)
        normals[HALF + k] = radius * (cosine if swap else sine)


@kernel
def pull_weights(weights, signs, decay, pull):
    """Take a share ``decay`` from the weights and move them by ``pull`` against their signs."""
    step = weights.dtype.type(pull)
    share = weights.dtype.type(decay)
    for k in range(weights.size):
        weights[k] -= step * weights.dtype.type(signs[k]) + share * weights[k]


@kernel
def shake_weights(weights, signs, decay, pull, scale, normals):
    """Do `pull_weights` with up to WORDS weights, and add ``scale`` times a normal number each.

    All is added up before it meets the weight: a pull of less than half a unit in the weight's last
    place would be rounded away by itself; with the noise it counts, in the mean.
    """
    prefer_wide_vectors()
    step = weights.dtype.type(pull)
    share = weights.dtype.type(decay)
    width = weights.dtype.type(scale)
    for k in range(weights.size):
        pulled = step * weights.dtype.type(signs[k]) + share * weights[k]
        weights[k] += width * weights.dtype.type(normals[k]) - pulled


@kernel
def shake_blocks(weights, signs, decay, pull, scale, key, first, last):
    """Pull and shake the weights of blocks ``first`` to ``last - 1``."""
    words = np.empty(WORDS, np.uint32)
    normals = np.empty(WORDS, np.float32)
    for block in range(first, last):
        low = block * WORDS
        high = min(low + WORDS, weights.size)
        philox_block(key, block, 0, 0, words)
        make_normal(words, normals)
        shake_weights(weights[low:high], signs[low:high], decay, pull, scale, normals)


@kernel
def add_langevin(weights, signs, decay, pull, scale, key):
    """Pull and shake all weights; ``key`` chooses the numbers."""
    shake_blocks(weights, signs, decay, pull, scale, key, 0, (weights.size + WORDS - 1) // WORDS)


@kernel_parallel
def add_langevin_parallel(weights, signs, decay, pull, scale, key, n_parts):
    """Do what `add_langevin` does, number by number, in ``n_parts`` parts beside each other."""
    n_blocks = (weights.size + WORDS - 1) // WORDS
    for part in numba.prange(n_parts):
        first = part * n_blocks // n_parts
        last = (part + 1) * n_blocks // n_parts
        shake_blocks(weights, signs, decay, pull, scale, key, first, last)
