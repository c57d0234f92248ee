"""Slow, obvious Philox4x32-10 and what is drawn from it, in Python's own integers.

Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3",
doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["philox4x32", "poisson_counts", "uniform_words"]

MASK = 0xFFFFFFFF
NEURONS_PER_BLOCK, LANES = 256, 64


def philox4x32(
    counter: tuple[int, int, int, int], key: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return the four random words of a counter."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        left, right = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (right >> 32) ^ c1 ^ k0, right & MASK, (left >> 32) ^ c3 ^ k1, left & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


def uniform_words(key: int, stream: int, step: int, size: int) -> list[int]:
    """Return the random word of every neuron in a step.

    Neuron ``256 b + 64 w + lane`` has word ``w`` of counter ``64 b + lane``.
    """
    words = []
    drawn: dict[int, tuple[int, int, int, int]] = {}
    for neuron in range(size):
        block, within = divmod(neuron, NEURONS_PER_BLOCK)
        word, lane = divmod(within, LANES)
        first = LANES * block + lane
        if first not in drawn:
            counter = (first & MASK, step & MASK, stream, step >> 32)
            drawn[first] = philox4x32(counter, (key & MASK, key >> 32))
        words.append(drawn[first][word])
    return words


def _distribution(rate: float) -> list[float]:
    """Return P(count <= k) for k = 0, 1, ... until it is 1 to the last bit but a few."""
    mass = math.exp(-rate)
    total, below = mass, [mass]
    while len(below) < 2000:
        mass *= rate / len(below)
        total += mass
        below.append(total)
        if len(below) > rate and mass < 1e-18:
            break
    return below


def poisson_counts(
    rate: NDArray[np.float64], key: int, stream: int, step: int, size: int
) -> list[int]:
    """Return the Poisson counts of a step: one rate for all, or one for each of ``size`` > 1.

    One for all: the smallest ``k`` whose threshold ``floor(P(count <= k) 2^32)`` is above the
    word; what is rarer than half of 2^-32 does not occur. One for each: inversion in float64.
    """
    words = uniform_words(key, stream, step, size)
    if rate.size > 1:
        return [
            _invert(word / 2.0**32, _distribution(r))
            for word, r in zip(words, rate.tolist(), strict=True)
        ]
    below = _distribution(float(rate.ravel()[0]))
    thresholds = [min(int(p * 2.0**32), MASK) for p in below if 0.5 <= p * 2.0**32 < 2.0**32 - 0.5]
    least = sum(p * 2.0**32 < 0.5 for p in below)
    return [least + sum(word >= threshold for threshold in thresholds) for word in words]


def _invert(x: float, below: list[float]) -> int:
    count = 0
    while count < len(below) and x >= below[count]:
        count += 1
    return count
