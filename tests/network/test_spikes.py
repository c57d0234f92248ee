from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from neurosparse.errors import NeurosparseError, ParameterError, ShapeError
from neurosparse.network import Spikes
from tests.strategies.exact import rasters, spikes


@given(rasters())
def test_raster_round_trip(raster: NDArray[np.uint8]) -> None:
    events = Spikes.from_raster(raster)
    assert np.array_equal(events.raster(), raster)
    assert events.n_spikes == raster.sum()
    assert np.array_equal(events.counts(), raster.sum(axis=0))


@given(spikes(), st.randoms(use_true_random=False))
def test_order_of_events_does_not_matter(events: Spikes, random: Any) -> None:
    order = list(range(events.n_spikes))
    random.shuffle(order)
    shuffled = Spikes(events.steps[order], events.neurons[order], events.n_steps, events.n_neurons)
    assert shuffled == events
    keys = shuffled.steps * shuffled.n_neurons + shuffled.neurons
    assert np.all(np.diff(keys) > 0)


@given(spikes(), st.data())
def test_windows_cut_the_raster(events: Spikes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, events.n_steps))
    stop = data.draw(st.integers(start, events.n_steps))
    window = events.window(start, stop)
    assert window.n_steps == stop - start
    assert np.array_equal(window.raster(), events.raster()[start:stop])


@given(spikes(n_neurons=4), spikes(n_neurons=4), spikes(n_neurons=4))
def test_joining_stacks_the_rasters(one: Spikes, two: Spikes, three: Spikes) -> None:
    joined = Spikes.joined([one, two, three])
    assert np.array_equal(
        joined.raster(), np.concatenate([one.raster(), two.raster(), three.raster()])
    )
    assert Spikes.joined([one]) == one


@given(spikes())
def test_counts_per_step_match_the_raster(events: Spikes) -> None:
    counts = events.counts_per_step()
    assert counts.dtype == np.int64
    assert np.array_equal(counts, events.raster().sum(axis=1))


@given(spikes(), st.integers(1, 6), st.data())
def test_counts_per_window_match_the_raster(
    events: Spikes, length: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, events.n_steps))
    raster = events.raster()
    expected = [
        raster[begin : begin + length].sum(axis=0)
        for begin in range(start, events.n_steps - length + 1, length)
    ]
    counts = events.counts_per_window(length, start=start)
    assert counts.dtype == np.int64
    assert counts.shape == (len(expected), events.n_neurons)
    if expected:
        assert np.array_equal(counts, expected)


def test_any_non_zero_entry_is_a_spike() -> None:
    assert Spikes.from_raster([[True, False]]) == Spikes.from_raster([[-2.5, 0.0]])


def test_arrays_are_read_only_but_the_callers_stay_writable() -> None:
    steps, neurons = np.array([0, 1]), np.array([0, 0], dtype=np.int32)
    events = Spikes(steps, neurons, n_steps=2, n_neurons=1)
    with pytest.raises(ValueError, match="read-only"):
        events.steps[0] = 1
    assert steps.flags.writeable
    assert neurons.flags.writeable


def test_inequality() -> None:
    one = Spikes([0], [0], n_steps=2, n_neurons=2)
    assert one != Spikes([0], [1], n_steps=2, n_neurons=2)
    assert one != Spikes([0], [0], n_steps=3, n_neurons=2)
    assert one != Spikes([0], [0], n_steps=2, n_neurons=3)
    assert one != [0]
    assert repr(one) == "Spikes(1 in 2 steps of 2 neurons)"


@pytest.mark.parametrize(
    ("steps", "neurons", "n_steps", "n_neurons", "message"),
    [
        ([0], [0], -1, 1, "n_steps: got -1; allowed is a whole number >= 0"),
        ([0], [0], 1, 0, "n_neurons: got 0; allowed is a whole number >= 1"),
        ([0], [0], 1.5, 1, "n_steps: got 1.5"),
        ([0, 5], [0, 0], 5, 1, r"steps: 1 entries outside 0..4 \(first at 1: 5\)"),
        ([-1], [0], 5, 1, r"steps: 1 entries outside 0..4 \(first at 0: -1\)"),
        ([0], [2], 5, 2, r"neurons: 1 entries outside 0..1 \(first at 0: 2\)"),
        ([0], [2**32], 5, 2, r"neurons: 1 entries outside 0..1 \(first at 0: 4294967296\)"),
        ([0, 1], [0], 5, 2, r"neurons: got shape \(1,\); expected \(2,\)"),
        ([[0]], [0], 5, 2, r"steps: got shape \(1, 1\); expected a vector"),
        ([0], [[1]], 5, 2, r"neurons: got shape \(1, 1\); expected \(1,\)"),
        ([0.5], [0], 5, 2, "steps: got 0.5; allowed are whole numbers"),
        ([0], [0.5], 5, 2, "neurons: got 0.5; allowed are whole numbers"),
        ([float("nan")], [0], 5, 2, "steps: got nan"),
        (["a"], [0], 5, 2, "steps: got dtype"),
        ([3, 1, 3], [1, 0, 1], 5, 2, "a neuron spikes twice in one step; remove doubles"),
    ],
)
def test_bad_events_are_named(
    steps: Any, neurons: Any, n_steps: Any, n_neurons: Any, message: str
) -> None:
    with pytest.raises(NeurosparseError, match=message):
        Spikes(steps, neurons, n_steps=n_steps, n_neurons=n_neurons)


def test_bad_windows_are_named() -> None:
    events = Spikes([], [], n_steps=4, n_neurons=1)
    with pytest.raises(ParameterError, match="stop: got 5; allowed is a whole number, 0 to 4"):
        events.window(0, 5)
    with pytest.raises(ParameterError, match="stop: got 1; allowed is a whole number, 2 to 4"):
        events.window(2, 1)
    with pytest.raises(ParameterError, match="length: got 0"):
        events.counts_per_window(0)
    with pytest.raises(ShapeError, match=r"raster: got shape \(3,\)"):
        Spikes.from_raster([1, 0, 1])


def test_only_recordings_of_the_same_neurons_join() -> None:
    with pytest.raises(ShapeError, match=r"parts: got recordings of \[1, 2\] neurons"):
        Spikes.joined([Spikes([], [], 1, 2), Spikes([], [], 1, 1)])
    with pytest.raises(ShapeError, match=r"parts: got recordings of \[\] neurons"):
        Spikes.joined([])
