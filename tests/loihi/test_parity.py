from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.errors import ShapeError
from neurosparse.loihi import Parity, compare_spikes, compare_traces
from neurosparse.network import Spikes
from neurosparse.simulate import Probe


def spikes(*events: tuple[int, int], n_steps: int = 10, n_neurons: int = 5) -> Spikes:
    steps = [step for step, _ in events]
    return Spikes(np.array(steps, int), np.array([n for _, n in events], int), n_steps, n_neurons)


def test_equal_runs_agree() -> None:
    run = {"a": spikes((1, 2), (3, 4)), "b": spikes()}
    parity = compare_spikes(run, dict(run))
    assert parity == Parity(n_compared=2, n_mismatches=0, first=None)
    assert parity.agrees
    assert str(parity) == "2 compared, all agree"


def test_first_mismatch_is_the_earliest_of_all_populations() -> None:
    ours = {"a": spikes((1, 2), (7, 1)), "b": spikes((4, 0))}
    theirs = {"a": spikes((1, 2), (8, 1)), "b": spikes((4, 0), (5, 3))}
    parity = compare_spikes(ours, theirs)
    assert (parity.n_compared, parity.n_mismatches) == (5, 3)
    assert str(parity) == (
        "5 compared, 3 differ; first at step 5, population 'b', neuron 3: theirs spiked, the other "
        "did not"
    )
    assert "ours spiked" in str(compare_spikes(theirs, ours))


def test_within_a_step_the_first_population_comes_first() -> None:
    parity = compare_spikes(
        {"b": spikes((2, 4)), "a": spikes((2, 0))}, {"b": spikes(), "a": spikes()}
    )
    assert parity.first is not None
    assert (parity.first.population, parity.first.neuron) == ("b", 4)


def test_runs_of_other_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match="population 'b': only on one side"):
        compare_spikes({"a": spikes()}, {"a": spikes(), "b": spikes()})
    with pytest.raises(ShapeError, match="'a': 10 steps of 5 neurons in ours, 9 of 5 in theirs"):
        compare_spikes({"a": spikes()}, {"a": spikes(n_steps=9)})


@given(
    ours=st.sets(st.tuples(st.integers(0, 9), st.integers(0, 4))),
    theirs=st.sets(st.tuples(st.integers(0, 9), st.integers(0, 4))),
)
def test_mismatches_are_the_symmetric_difference(
    ours: set[tuple[int, int]], theirs: set[tuple[int, int]]
) -> None:
    parity = compare_spikes({"a": spikes(*ours)}, {"a": spikes(*theirs)})
    assert parity.n_mismatches == len(ours ^ theirs)
    assert parity.n_compared == len(ours | theirs)
    if parity.first is not None:
        assert (parity.first.step, parity.first.neuron) == min(ours ^ theirs)
        assert bool(parity.first.ours) == ((parity.first.step, parity.first.neuron) in ours)


def test_traces() -> None:
    u, v = Probe("a", "u"), Probe("a", "v", neurons=(3, 1))
    ours = {u: np.zeros((4, 2)), v: np.zeros((4, 2), dtype=np.int64)}
    theirs = {u: np.zeros((4, 2)), v: np.zeros((4, 2), dtype=np.int64)}
    assert compare_traces(ours, theirs) == Parity(16, 0, None)
    theirs[u][3, 1] = 1e-300
    theirs[v][2, 1] = -7
    parity = compare_traces(ours, theirs)
    assert str(parity) == (
        "16 compared, 2 differ; first at step 2, population 'a', neuron 1: v is 0 in ours, -7 in "
        "theirs"
    )
    with pytest.raises(ShapeError, match="only on one side"):
        compare_traces({u: ours[u]}, {})
    with pytest.raises(ShapeError, match=r"\(4, 2\) in ours, \(3, 2\) in theirs"):
        compare_traces({u: ours[u]}, {u: ours[u][:3]})


def test_no_traces_agree() -> None:
    assert compare_traces({}, {}) == Parity(0, 0, None)
