"""Random shifts of images and recordings against a loop over pixels and events."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.data import Encoding, EventDataset, RandomShift
from neurosparse.errors import ParameterError, ShapeError


def shifts(pixels: int, n: int, seed: int) -> list[tuple[int, int]]:
    """Return what `RandomShift` draws: down, then right, of all samples."""
    down, right = np.random.default_rng(seed).integers(-pixels, pixels + 1, size=(2, n))
    return list(zip(down.tolist(), right.tolist(), strict=True))


def moved(image: Any, down: int, right: int) -> Any:
    out = np.zeros_like(image)
    height, width = image.shape
    for y in range(height):
        for x in range(width):
            if 0 <= y + down < height and 0 <= x + right < width:
                out[y + down, x + right] = image[y, x]
    return out


@given(
    st.integers(1, 3), st.integers(4, 7), st.integers(4, 7), st.integers(1, 4), st.integers(0, 99)
)
def test_images(pixels: int, height: int, width: int, n: int, seed: int) -> None:
    images = np.random.default_rng(1).random((n, height * width), dtype=np.float32)
    shifted = RandomShift(pixels, (height, width))(images, np.random.default_rng(seed))
    assert shifted.dtype == np.float32
    for image, found, (down, right) in zip(images, shifted, shifts(pixels, n, seed), strict=True):
        expected = moved(image.reshape(height, width), down, right)
        np.testing.assert_array_equal(found.reshape(height, width), expected)


@given(st.integers(1, 3), st.integers(0, 40), st.integers(0, 99))
def test_recordings(pixels: int, n_events: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width, n = 5, 4, 3
    starts = np.array([0, n_events // 3, n_events // 3, n_events])  # one without events
    times = np.concatenate([np.sort(rng.integers(0, 9, k)) for k in np.diff(starts)]).astype(int)
    addresses = rng.integers(0, 2 * height * width, n_events)
    data = EventDataset("some", times, addresses, starts, [0, 1, 0], 2, (2, height, width))
    found = RandomShift(pixels, data.shape)(data, np.random.default_rng(seed))
    encoding = Encoding("events", n_steps=9, step_us=1)
    rasters = encoding.encode(data).reshape(9, n, 2, height, width)
    expected = rasters.copy()
    for b, (down, right) in enumerate(shifts(pixels, n, seed)):
        for t in range(9):
            for p in range(2):
                expected[t, b, p] = moved(rasters[t, b, p], down, right)
    np.testing.assert_array_equal(encoding.encode(found).reshape(9, n, 2, height, width), expected)
    assert found.labels.tolist() == [0, 1, 0]


def test_bad_arguments() -> None:
    with pytest.raises(ParameterError, match="pixels: got 0; allowed is a whole number, 1 to 3"):
        RandomShift(0, (4, 5))
    with pytest.raises(ParameterError, match="pixels: got 4"):
        RandomShift(4, (4, 5))
    with pytest.raises(ParameterError, match="samples of one pixel cannot be shifted"):
        RandomShift(1, (1, 5))
    rng = np.random.default_rng(0)
    with pytest.raises(ShapeError, match=re.escape("got shape (2, 9); expected (batch, 20)")):
        RandomShift(1, (4, 5))(np.zeros((2, 9)), rng)
    data = EventDataset("some", [0], [1], [0, 1], [0], 1, (1, 3, 3))
    with pytest.raises(ShapeError, match="expected height 4, width 5"):
        RandomShift(1, (4, 5))(data, rng)
