"""EventDataset: what it accepts, how recordings become one, and how it is taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.data import EventDataset, ImageDataset, LabelledDataset
from neurosparse.errors import DataError, ParameterError, ShapeError
from tests.data.event_writers import KIND, SHAPE, Event, flattened, recordings, structured


def make(**changes: Any) -> EventDataset:
    fields: dict[str, Any] = {
        "name": "toy",
        "times_us": [0, 5, 5, 2],
        "addresses": [1, 69, 0, 0],
        "starts": [0, 3, 3, 4],
        "labels": [0, 2, 1],
        "n_classes": 3,
        "shape": SHAPE,
    }
    return EventDataset(**{**fields, **changes})


def gathered(given: list[list[Event]]) -> EventDataset:
    labels = [k % 3 for k in range(len(given))]
    return EventDataset.from_recordings("toy", map(structured, given), labels, 3, SHAPE)


def sample(data: EventDataset, k: int) -> list[tuple[int, int]]:
    own = slice(data.starts[k], data.starts[k + 1])
    return list(zip(data.times_us[own].tolist(), data.addresses[own].tolist(), strict=True))


def test_types_are_fixed_and_the_callers_arrays_stay_writeable() -> None:
    times = np.zeros(2, dtype=np.int32)
    data = make(times_us=times, addresses=[0, 1], starts=[0, 1, 1, 2])
    types = [getattr(data, name).dtype for name in ("times_us", "addresses", "starts", "labels")]
    assert types == [np.int32, np.int32, np.int64, np.int64]
    assert (len(data), data.n_inputs, data.n_events) == (3, 70, 2)
    assert repr(data) == "EventDataset('toy', 3 of 2x5x7, 2 events, 3 classes)"
    times[0] = 1
    for name in ("times_us", "addresses", "starts", "labels"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(data, name)[0] = 1


def test_no_events_at_all_is_a_data_set() -> None:
    data = make(times_us=[], addresses=[], starts=[0, 0, 0, 0])
    assert data.n_events == 0
    assert data.take([2, 1]).labels.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"name": ""}, ParameterError, "name: got none"),
        ({"shape": (5, 7)}, ShapeError, r"shape: got \(5, 7\); expected \(polarities, height, wid"),
        ({"shape": (2, 0, 7)}, ParameterError, "shape: got 0"),
        ({"shape": (2, 2**16, 2**16)}, ParameterError, "shape: inputs: got 8589934592"),
        ({"times_us": [0, 5, 5]}, ShapeError, r"times_us: got shape \(3,\); expected \(4,\)"),
        ({"times_us": [0, 5, 5, 2.5]}, ParameterError, "times_us: got 2.5; allowed are whole"),
        ({"times_us": [0, 5, 5, 2**31]}, ParameterError, "times_us: got 2147483648"),
        ({"times_us": [-1, 5, 5, 2]}, ParameterError, "times_us: got -1; allowed is 0 to 2147483"),
        ({"times_us": [0, 5, 4, 2]}, ParameterError, "times_us: 4 after 5 in sample 0; expected"),
        ({"addresses": [[1, 69], [0, 0]]}, ShapeError, r"addresses: got shape \(2, 2\)"),
        (
            {"addresses": [1, 70, 0, 0]},
            ParameterError,
            "addresses: got 0 to 70; allowed is 0 to 69",
        ),
        ({"addresses": [1, -1, 0, 0]}, ParameterError, "addresses: got -1 to 1"),
        ({"starts": [4]}, ShapeError, "starts: got 1 entries"),
        ({"starts": [0, 3, 2, 4]}, ParameterError, "expected 0 to n_events=4, ascending"),
        ({"starts": [1, 3, 3, 4]}, ParameterError, "starts: got 1 to 4; expected 0 to n_events=4"),
        ({"starts": [0, 3, 3, 5]}, ParameterError, "starts: got 0 to 5"),
        ({"labels": [0, 1]}, ShapeError, r"labels: got shape \(2,\) of int64; .* one per sample"),
        ({"labels": [0, 1, 3]}, ParameterError, r"labels: 1 outside 0..2 \(first at 2: 3\)"),
        ({"n_classes": 0}, ParameterError, "n_classes: got 0"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        make(**changes)


@given(recordings)
def test_recordings_are_flattened_as_defined(given_: list[list[Event]]) -> None:
    data = gathered(given_)
    assert len(data) == len(given_)
    for k, recording in enumerate(given_):
        assert sample(data, k) == flattened(recording, SHAPE)


def event(**changes: Any) -> Any:
    return structured([(0, 0, 0, 0)]) if not changes else _changed(changes)


def _changed(changes: dict[str, Any]) -> Any:
    one = np.zeros(2, dtype=[(name, np.int64) for name in "xytp"])
    for name, value in changes.items():
        one[name][1] = value
    return one


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (event(x=7), r"recording 1: event 1 has x=7; allowed is 0 to 6 for shape \(2, 5, 7\)"),
        (event(y=5), "event 1 has y=5; allowed is 0 to 4"),
        (event(y=-1), "event 1 has y=-1"),
        (event(p=2), "event 1 has p=2; allowed is 0 to 1"),
        (event(t=-1), "times from -1 to 0; allowed is 0 to 2147483647, microseconds since"),
        (event(t=2**31), "times from 0 to 2147483648"),
        (np.zeros(3), r"recording 1: got ndarray with fields \[\]; expected a structured array"),
        (np.zeros(3, [("x", int), ("y", int), ("t", int)]), r"fields \['x', 'y', 't'\]"),
        (np.zeros(3, [(name, float) for name in "xytp"]), "expected a vector of whole numbers"),
        (np.zeros((1, 3), KIND), r"got shape \(1, 3\)"),
        ("events", "got str with fields"),
    ],
)
def test_bad_recordings_are_named(bad: Any, match: str) -> None:
    with pytest.raises(DataError, match=match):
        EventDataset.from_recordings("toy", [event(), bad], [0, 0], 1, SHAPE)


@given(recordings, st.data())
def test_take_is_taking_recordings(given_: list[list[Event]], draw: st.DataObject) -> None:
    data = gathered(given_)
    chosen = draw.draw(st.lists(st.integers(0, len(data) - 1), min_size=1, max_size=8))
    taken = data.take(chosen)
    assert taken.labels.tolist() == [k % 3 for k in chosen]
    assert [sample(taken, k) for k in range(len(taken))] == [sample(data, k) for k in chosen]
    again = data.take(np.arange(len(data)))
    for name in ("times_us", "addresses", "starts", "labels"):
        np.testing.assert_array_equal(getattr(again, name), getattr(data, name))


@pytest.mark.parametrize(
    ("indices", "error", "match"),
    [
        ([3], ParameterError, r"indices: 1 outside 0..2 \(first: 3\)"),
        ([-1, 0], ParameterError, "indices: 1 outside"),
        ([], ShapeError, "not empty"),
        ([0.5], ShapeError, "whole numbers"),
        (slice(3, 4), ShapeError, "not empty"),
    ],
)
def test_take_names_bad_indices(indices: Any, error: Any, match: str) -> None:
    for call in (make().take, make().samples):
        with pytest.raises(error, match=match):
            call(indices)


@given(recordings.filter(lambda found: len(found) > 1), st.integers(0, 9))
def test_a_split_is_a_partition(given_: list[list[Event]], seed: int) -> None:
    data = gathered(given_)
    rest, held_out = data.split(1, np.random.default_rng(seed))
    assert (len(rest), len(held_out)) == (len(data) - 1, 1)
    found = [sample(part, k) for part in (rest, held_out) for k in range(len(part))]
    assert sorted(found) == sorted(sample(data, k) for k in range(len(data)))


def test_both_kinds_of_data_give_samples_to_an_encoding() -> None:
    events = make()
    assert events.samples() is events
    assert events.samples(slice(1, 3)).labels.tolist() == [2, 1]
    assert events.samples([2]).times_us.tolist() == [2]
    images = ImageDataset("toy", np.eye(3, 4), [0, 1, 2], 3, (2, 2))
    assert images.n_inputs == images.n_pixels == 4
    np.testing.assert_array_equal(images.samples([2, 0]), np.eye(3, 4)[[2, 0]])
    assert np.shares_memory(images.samples(), images.images)
    with pytest.raises(ParameterError, match="indices: 1 outside"):
        images.samples([3])
    assert all(isinstance(data, LabelledDataset) for data in (events, images))
