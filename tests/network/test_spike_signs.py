"""Spikes of either sign."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from neurosparse.errors import NeurosparseError, ParameterError, ShapeError
from neurosparse.network import Spikes

signed_rasters = hnp.arrays(
    np.int8, st.tuples(st.integers(1, 8), st.just(4)), elements=st.integers(-1, 1)
)


@given(signed_rasters)
def test_raster_round_trip(raster: NDArray[np.int8]) -> None:
    events = Spikes.from_raster(raster, signed=True)
    assert events.raster().dtype == np.int8
    assert np.array_equal(events.raster(), raster)
    unsigned = Spikes.from_raster(raster)
    assert np.array_equal(unsigned.raster(), raster != 0)
    assert np.array_equal(events.counts(), unsigned.counts())
    assert (events == unsigned) == (not (raster < 0).any())


@given(signed_rasters, signed_rasters, st.data())
def test_cut_joined_and_turned_round(
    one: NDArray[np.int8], other: NDArray[np.int8], data: st.DataObject
) -> None:
    both = Spikes.joined([Spikes.from_raster(part, signed=True) for part in (one, other)])
    stacked = np.concatenate([one, other])
    assert np.array_equal(both.raster(), stacked)
    start = data.draw(st.integers(0, len(stacked)))
    stop = data.draw(st.integers(start, len(stacked)))
    assert np.array_equal(both.window(start, stop).raster(), stacked[start:stop])
    backwards: Any = (both.steps[::-1], both.neurons[::-1], both.n_steps, both.n_neurons)
    assert both.signs is not None
    assert Spikes(*backwards, signs=both.signs[::-1]) == both


def test_joined_with_spikes_without_signs() -> None:
    plain = Spikes([0], [1], 1, 2)  # type: ignore[arg-type]
    joined = Spikes.joined([plain, Spikes.from_raster([[-1, 0]], signed=True)])
    assert joined.raster().tolist() == [[0, 1], [-1, 0]]
    assert Spikes.joined([plain, plain]).signs is None


@pytest.mark.parametrize(
    ("signs", "error", "message"),
    [
        ([1], ShapeError, r"signs: got shape \(1,\); expected \(2,\)"),
        ([1, 0], ParameterError, "signs: got others than 1 and -1"),
        ([1, 2], ParameterError, "signs: got others than 1 and -1"),
        (1, ShapeError, r"signs: got shape \(\)"),
    ],
)
def test_mistakes(signs: Any, error: type[NeurosparseError], message: str) -> None:
    with pytest.raises(error, match=message):
        Spikes([0, 1], [0, 0], 2, 1, signs=signs)  # type: ignore[arg-type]


def test_signs_are_read_only() -> None:
    signs = np.array([1, -1], dtype=np.int8)
    events = Spikes([0, 1], [0, 0], 2, 1, signs=signs)  # type: ignore[arg-type]
    assert events.signs is not None
    with pytest.raises(ValueError, match="read-only"):
        events.signs[0] = 1
