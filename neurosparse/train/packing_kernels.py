"""Spikes of a batch as bits, and back (numba).

Packed spikes are ``(n, n_steps, n_bytes)`` uint8: bit ``b % 8`` of byte ``b // 8`` is sample ``b``.

Oracle: ``tests/train/test_packed.py`` (numpy.packbits).
"""

from __future__ import annotations

import numba
import numpy as np

from neurosparse.jit import kernel, kernel_parallel


@kernel
def flag_row(row, flags, odd):
    """Write a byte per neuron: whether it spiked; ``odd`` gathers who holds neither 0 nor 1."""
    for i in range(row.size):
        flags[i] = row[i] != 0
        odd[i] |= (row[i] != 0) & (row[i] != 1)


@kernel
def pack_step(raster, t, packed):
    """Pack step ``t``; return whether it holds anything but 0 and 1.

    Eight samples at a time: eight flags of a row are one word, and eight words shifted by one bit
    each and put together hold the eight samples of a neuron in a byte.
    """
    batch, n = raster.shape[1:]
    n_words = (n + 7) // 8
    flags = np.zeros((8, 8 * n_words), np.uint8)
    words = flags.view(np.uint64)
    odd = np.zeros(n, np.uint8)
    for first in range(0, batch, 8):
        n_samples = min(8, batch - first)
        for k in range(n_samples):
            flag_row(raster[t, first + k], flags[k], odd)
        flags[n_samples:] = 0
        for w in range(n_words):
            together = words[0, w]
            for k in range(1, 8):
                together |= words[k, w] << np.uint64(k)
            for i in range(8 * w, min(8 * w + 8, n)):
                packed[i, t, first >> 3] = together & np.uint64(255)
                together >>= np.uint64(8)
    return odd.any()


@kernel_parallel
def pack_raster(raster, packed, foreign):
    """Pack ``raster`` (n_steps, batch, n) of 0 and 1; ``foreign`` says where others are in it."""
    for t in numba.prange(raster.shape[0]):
        foreign[t] = pack_step(raster, t, packed)


@kernel_parallel
def pack_rows(rows, packed, foreign):
    """Pack ``rows`` (n, n_steps, batch), as `pack_raster` does; ``foreign`` is by neuron."""
    n, n_steps, batch = rows.shape
    for i in numba.prange(n):
        odd = False
        for t in range(n_steps):
            for first in range(0, batch, 8):
                byte = np.uint8(0)
                for b in range(first, min(first + 8, batch)):
                    value = rows[i, t, b]
                    byte |= np.uint8(value != 0) << np.uint8(b - first)
                    odd |= (value != 0) & (value != 1)
                packed[i, t, first >> 3] = byte
        foreign[i] = odd


@kernel_parallel
def unpack_rows(packed, rows):
    """Write 0 and 1 to ``rows`` (n, n_steps, batch)."""
    n, n_steps, batch = rows.shape
    for i in numba.prange(n):
        for t in range(n_steps):
            for b in range(batch):
                rows[i, t, b] = (packed[i, t, b >> 3] >> (b & 7)) & 1


@kernel
def pack_events(steps, samples, neurons, packed):
    """Set the bit of every event; ``packed`` comes in as zeros."""
    for k in range(steps.size):
        b = samples[k]
        packed[neurons[k], steps[k], b >> 3] |= np.uint8(1 << (b & 7))
