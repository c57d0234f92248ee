"""Vectors of lanes against numpy, lane by lane, in every width and dtype."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from neurosparse.lanes import above, absolute, add_where, load, spread, store, total, where

WIDTHS = (16, 64)
DTYPES = (np.float32, np.float64)


@numba.njit
def every_operation(arrays, words, out, sums):  # type: ignore[no-untyped-def]
    word = words[0]
    a = load(arrays, (0,), word)
    b = load(arrays, (1,), word)
    number = arrays[2, 0]
    store(out, (0,), a + b)
    store(out, (1,), a - b)
    store(out, (2,), a * b)
    store(out, (3,), a / b)
    store(out, (4,), number * a - number / b)
    store(out, (5,), add_where(a, word, b))
    store(out, (6,), add_where(a, word, number))
    store(out, (7,), where(word, a, b))
    store(out, (8,), absolute(a))
    store(out, (9,), spread(number, word))
    words[1] = above(a, b)
    sums[0] = total(a)


def operands(lanes: int, dtype: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(3, lanes)).astype(dtype)
    arrays[0, :4] = [0.0, -0.0, np.inf, np.nan]
    arrays[0, 4] = arrays[1, 4]  # equal: not above
    words = np.zeros(2, dtype=f"u{lanes // 8}")
    words[0] = (
        rng.integers(0, 2**lanes, dtype=words.dtype, endpoint=False)
        if lanes < 64
        else rng.integers(0, 2**64, dtype=np.uint64)
    )
    return arrays, words


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="lanes exist in compiled code only")
@pytest.mark.parametrize("lanes", WIDTHS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_operation_lane_by_lane(lanes: int, dtype: Any) -> None:
    arrays, words = operands(lanes, dtype)
    out, sums = np.full((10, lanes), 7, dtype), np.zeros(1, dtype)
    every_operation(arrays, words, out, sums)
    a, b = arrays[:2]
    number = arrays[2, 0]
    bits = np.array([int(words[0]) >> lane & 1 for lane in range(lanes)], dtype=bool)
    with np.errstate(invalid="ignore"):
        expected = [
            a + b,
            a - b,
            a * b,
            a / b,
            number * a - number / b,  # a fused multiply-add would differ in the last bit
            np.where(bits, a + b, a),
            np.where(bits, a + number, a),
            np.where(bits, a, b),
            np.abs(a),
            np.full(lanes, number),
        ]
    for found, one in zip(out, expected, strict=True):
        np.testing.assert_array_equal(found, one)
    found_bits = [int(words[1]) >> lane & 1 for lane in range(lanes)]
    assert found_bits == (a > b).astype(int).tolist()  # NaN is not above
    assert np.isnan(sums[0])


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="lanes exist in compiled code only")
@pytest.mark.parametrize("lanes", WIDTHS)
def test_the_sum_is_pairwise(lanes: int) -> None:
    arrays, words = operands(lanes, np.float32)
    arrays[0] = np.random.default_rng(1).normal(size=lanes)
    sums = np.zeros(1, np.float32)
    every_operation(arrays, words, np.zeros((10, lanes), np.float32), sums)
    expected = arrays[0]
    while expected.size > 1:
        expected = expected[: expected.size // 2] + expected[expected.size // 2 :]
    assert sums[0] == expected[0]


@numba.njit(boundscheck=True)
def read(array, index, word):  # type: ignore[no-untyped-def]
    return total(load(array, (index,), word))


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="lanes exist in compiled code only")
def test_indices_are_checked_where_numba_checks_them() -> None:
    array, word = np.ones((3, 16), np.float32), np.uint16(0)
    assert read(array, 2, word) == 16
    with pytest.raises(IndexError):
        read(array, 3, word)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="lanes exist in compiled code only")
def test_widths_and_dtypes_do_not_mix() -> None:
    @numba.njit
    def mixed(array, word, other):  # type: ignore[no-untyped-def]
        return total(add_where(load(array, (0,), word), other, array[0, 0]))

    array = np.ones((1, 16), np.float32)
    assert mixed(array, np.uint16(1), np.uint16(1)) == 17
    with pytest.raises(numba.TypingError):
        mixed(array, np.uint16(1), np.uint64(1))
