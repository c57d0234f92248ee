"""Recordings binned into steps: as a list, as a raster, and against a slow loop."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.data import Encoding, EventBatch, EventDataset, ImageDataset
from neurosparse.data.event_kernels import bin_samples, gather_samples
from neurosparse.errors import ParameterError, ShapeError
from tests.data.event_writers import SHAPE, Event, recordings, structured


def gathered(given_: list[list[Event]]) -> EventDataset:
    labels = [0] * len(given_)
    return EventDataset.from_recordings("toy", map(structured, given_), labels, 1, SHAPE)


def binned_slowly(given_: list[list[Event]], n_steps: int, step_us: int) -> Any:
    polarities, height, width = SHAPE
    raster = np.zeros((n_steps, len(given_), polarities, height, width), dtype=np.uint8)
    for k, recording in enumerate(given_):
        for x, y, t, p in recording:
            if t // step_us < n_steps:
                raster[t // step_us, k, p, y, x] = 1
    return raster.reshape(n_steps, len(given_), -1)


@given(recordings, st.integers(1, 9), st.integers(1, 150))
def test_binning_equals_a_slow_loop(given_: list[list[Event]], n_steps: int, step_us: int) -> None:
    data = gathered(given_)
    encoding = Encoding("events", n_steps, step_us=step_us)
    expected = binned_slowly(given_, n_steps, step_us)
    raster = encoding.encode(data)
    assert raster.dtype == np.uint8
    np.testing.assert_array_equal(raster, expected)
    batch = encoding.encode_events(data)
    assert batch.n_spikes == expected.sum()  # each once
    np.testing.assert_array_equal(batch.raster(), expected)
    assert np.all(np.diff(batch.samples.astype(np.int64) * n_steps + batch.steps) >= 0)


def test_by_hand() -> None:
    recording = [
        (1, 0, 0, 0),
        (1, 0, 9, 0),
        (1, 0, 9, 1),
        (2, 0, 10, 0),
        (1, 0, 19, 0),
        (6, 4, 20, 1),
    ]
    batch = Encoding("events", 2, step_us=10).encode_events(gathered([[], recording]))
    assert list(zip(batch.steps, batch.samples, batch.neurons, strict=True)) == [
        (0, 1, 1),
        (0, 1, 36),
        (1, 1, 2),
        (1, 1, 1),
    ]
    assert repr(batch) == "EventBatch(4 spikes, 2 steps, 2 samples, 70 neurons)"


def test_the_longest_recording_with_the_longest_step() -> None:
    data = EventDataset("long", [0, 2**31 - 1], [0, 0], [0, 2], [0], 1, (1, 1, 1))
    assert Encoding("events", 2, step_us=2**31 - 1).encode(data)[:, 0, 0].tolist() == [1, 1]
    late = Encoding("events", 2**31 - 1, step_us=1).encode_events(data)
    assert late.steps.tolist() == [0]  # the last microsecond is step 2^31 - 1, one too many


def test_plain_python_gives_what_compiled_gives(rng: np.random.Generator) -> None:
    data = gathered(
        [[(x, x % 5, 20 * k % 17, k % 2) for k, x in enumerate(rng.integers(0, 7, 30))]]
    )
    found = []
    for function in (bin_samples, getattr(bin_samples, "py_func", bin_samples)):
        out = np.zeros((3, data.n_events), dtype=np.int32)
        last = np.full(data.n_inputs, -1)
        n = function(data.times_us, data.addresses, data.starts, 3, 5, last, *out)
        found.append(out[:, :n].tolist())
    assert found[0] == found[1]
    out = np.zeros((2, 2 * data.n_events), dtype=np.int32)
    plain = getattr(gather_samples, "py_func", gather_samples)
    plain(data.times_us, data.addresses, data.starts, [0, 0], *out)
    taken = data.take([0, 0])
    np.testing.assert_array_equal(out, [taken.times_us, taken.addresses])


def test_the_choice_survives_json_and_draws_nothing() -> None:
    encoding = Encoding("events", 30, step_us=2500)
    assert Encoding.from_dict(json.loads(json.dumps(encoding.to_dict()))) == encoding
    assert not encoding.is_current
    # as networks were saved before there were events
    assert Encoding.from_dict({"kind": "events", "n_steps": 30}).step_us == 1000
    generator = np.random.default_rng(0)
    before = generator.bit_generator.state
    encoding.encode(gathered([[(0, 0, 0, 0)]]), generator)
    assert generator.bit_generator.state == before


@pytest.mark.parametrize("step_us", [0, -1, 0.5, 2**31, None])
def test_bad_steps_are_named(step_us: Any) -> None:
    with pytest.raises(ParameterError, match="step_us: got"):
        Encoding("events", 3, step_us=step_us)


def test_more_steps_than_an_index_holds_are_refused() -> None:
    with pytest.raises(ParameterError, match="n_steps: got 2147483648"):
        Encoding("events", 2**31).encode_events(gathered([[]]))


@pytest.mark.parametrize("kind", ["rate", "latency", "current"])
def test_each_kind_takes_its_own_samples(kind: Any) -> None:
    events, images = gathered([[]]), ImageDataset("toy", np.eye(2), [0, 1], 2, (1, 2))
    rng = np.random.default_rng(0)
    with pytest.raises(ParameterError, match=f"EventDataset.* kind '{kind}' takes images"):
        Encoding(kind, 3).encode(events, rng)
    with pytest.raises(ParameterError, match=r"ImageDataset.* hand over its samples\(\)"):
        Encoding(kind, 3).encode(images, rng)
    with pytest.raises(ParameterError, match=f"kind '{kind}' makes no list of events"):
        Encoding(kind, 3).encode_events(events)
    for wrong in (images, images.samples(), [[0.5]]):
        with pytest.raises(ParameterError, match="kind 'events' takes an EventDataset"):
            Encoding("events", 3).encode(wrong)


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"steps": [0]}, ShapeError, r"samples: got shape \(2,\); expected \(1,\)"),
        ({"steps": [0, 4]}, ParameterError, "steps: got 0 to 4; allowed is 0 to 3"),
        ({"samples": [-1, 0]}, ParameterError, "samples: got -1 to 0"),
        ({"neurons": [0, 3]}, ParameterError, "neurons: got 0 to 3; allowed is 0 to 2"),
        ({"neurons": [0, 0.5]}, ParameterError, "neurons: got 0.5"),
        ({"size": 0}, ParameterError, "size: got 0"),
    ],
)
def test_bad_lists_are_named(changes: dict[str, Any], error: Any, match: str) -> None:
    fields = {"n_steps": 4, "batch": 2, "size": 3, "steps": [0, 3], "samples": [0, 1]}
    with pytest.raises(error, match=match):
        EventBatch(**{**fields, "neurons": [0, 2], **changes})
