from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosparse.errors import ParameterError
from neurosparse.simulate.recording import MemorySink, sample_range
from tests.simulate.chunks import LAYOUT, make_chunk, recorded, same


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 100), st.lists(st.integers(1, 12), max_size=6))
def test_pieces_make_the_whole(start: int, lengths: list[int]) -> None:
    sink = MemorySink(LAYOUT, start)
    at = start
    for n_steps in lengths:
        sink.append(make_chunk(at, n_steps))
        at += n_steps
    sink.close()
    assert same(sink.recorded(), recorded(start, at))


def test_a_run_of_no_steps_has_the_right_shapes() -> None:
    nothing = MemorySink(LAYOUT).recorded()
    assert {name: s.n_neurons for name, s in nothing.spikes.items()} == {
        "I/2": 7,
        "E": 50,
        "big": 70_000,
    }
    assert [trace.shape for trace in nothing.traces] == [(0, 3), (0, 7), (0, 0)]
    assert all(trace.dtype == np.float32 for trace in nothing.traces)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 9))
def test_samples_lie_on_absolute_steps(start: int, n_steps: int, every: int) -> None:
    expected = [step for step in range(start, start + n_steps) if step % every == 0]
    assert list(sample_range(start, start + n_steps, every)) == expected


def test_a_gap_is_named() -> None:
    sink = MemorySink(LAYOUT, 3)
    with pytest.raises(ParameterError, match="chunk: starts at step 4; expected step 3"):
        sink.append(make_chunk(4, 1))
