"""What numba does not offer by itself does, compiled, what it does in plain Python."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from neurosparse.simulate.machine_kernels import LANES, add_to_lanes, bits_above, lowest_bit

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])


@dtypes
def test_lanes(dtype: Any) -> None:
    compiled = numba.njit(
        lambda array, begin, lanes, value: add_to_lanes(array, begin, lanes, value)
    )
    rng = np.random.default_rng(0)
    before = (rng.normal(size=5 * LANES) * 100).astype(dtype)
    for lanes in range(1 << LANES):
        begin = LANES * int(rng.integers(5))
        value = dtype(rng.normal() * 100)
        chosen = lanes >> np.arange(LANES) & 1
        after = before.copy()
        after[begin : begin + LANES] += value * chosen.astype(dtype)
        for add in (compiled, add_to_lanes):
            got = before.copy()
            add(got, begin, np.uint8(lanes), value)
            np.testing.assert_array_equal(got, after)


@dtypes
@pytest.mark.parametrize("each", [False, True])
def test_bits_above(dtype: Any, each: bool) -> None:
    compiled = numba.njit(lambda values, begin, threshold: bits_above(values, begin, threshold))
    rng = np.random.default_rng(1)
    values = (rng.normal(size=96) * 4).astype(dtype)
    if dtype != np.int32:
        values[[3, 40]] = np.nan
    values[[5, 64, 66]] = 1
    threshold = np.where(np.arange(96) % 3, dtype(1), dtype(-2)) if each else dtype(1)
    for begin in (0, 1, 32):
        expected = sum(1 << k for k in range(64) if (values > threshold)[begin + k])
        assert 0 < expected < 1 << 64
        assert int(compiled(values, begin, threshold)) == expected
        assert int(bits_above(values, begin, threshold)) == expected


def test_lowest_bit() -> None:
    compiled = numba.njit(lambda word: lowest_bit(word))
    for place in range(64):
        for above in (0, 1 << 63, (1 << 64) - (1 << place)):
            word = np.uint64(1 << place | above)
            assert compiled(word) == lowest_bit(word) == place
