"""Numbers that change over a training."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.errors import ParameterError
from neurosparse.sparsify import Cosine, Polynomial, Schedule, Stairs
from tests.sparsify.scheme_reference import gmp_sparsity, rigl_fraction

SHARES = st.floats(0, 1)


@given(st.integers(1, 9), st.integers(0, 9), st.integers(0, 60), st.integers(0, 70))
def test_a_schedule_counts_from_its_start(every: int, start: int, stop: int, step: int) -> None:
    """As whoever goes through the steps with a counter."""
    left = every
    for now in range(step + 1):
        due = False
        if start <= now < stop:
            left -= 1
            if left == 0:
                due, left = True, every
    assert Schedule(every, start, stop).due(step) == due
    endless = Schedule(every, start).due(step)
    assert endless == due or step >= stop


@pytest.mark.parametrize("name", ["every", "start", "stop"])
@pytest.mark.parametrize("bad", [-1, 1.5, "3"])
def test_bad_schedules(name: str, bad: Any) -> None:
    with pytest.raises(ParameterError, match=f"{name}: got {bad!r}; allowed is a whole number"):
        Schedule(**{name: bad})


@given(SHARES, SHARES, st.integers(1, 1000), st.integers(0, 2000))
def test_cosine(first: float, last: float, n_steps: int, step: int) -> None:
    value = Cosine(first, n_steps, last)(step)
    if step >= n_steps:
        assert value == pytest.approx(last)
    else:
        falls = rigl_fraction(step, 1.0, n_steps)
        assert value == pytest.approx(falls * first + (1 - falls) * last)


def test_cosine_at_points_one_knows() -> None:
    curve = Cosine(0.3, 100)
    assert curve(0) == 0.3
    assert curve(50) == pytest.approx(0.15)
    assert curve(25) == pytest.approx(0.15 * (1 + math.sqrt(0.5)))
    assert curve(100) == curve(1000) == 0
    with pytest.raises(ParameterError, match="n_steps: got 0; allowed is a whole number >= 1"):
        Cosine(0.3, 0)


@given(st.integers(0, 50), st.integers(1, 50), st.integers(1, 4), st.integers(0, 120))
def test_polynomial(start: int, length: int, power: int, step: int) -> None:
    curve = Polynomial(start, start + length, power)
    assert curve(step) == pytest.approx(
        float(gmp_sparsity(step, start, start + length, 1, power)), abs=1e-12
    )
    assert curve(step + 1) >= curve(step)
    assert curve(start) == 0
    assert curve(start + length) == 1  # exactly, as a budget hangs on it


def test_bad_polynomials() -> None:
    with pytest.raises(ParameterError, match="stop: got 5; allowed is > start = 5"):
        Polynomial(5, 5)
    with pytest.raises(ParameterError, match="start: got -1; allowed is a whole number >= 0"):
        Polynomial(-1, 5)
    for bad in (0, -1.0, math.nan):
        with pytest.raises(ParameterError, match=f"power: got {bad}; allowed is > 0"):
            Polynomial(0, 5, power=bad)


@given(
    st.lists(st.integers(0, 40), unique=True, max_size=5).map(sorted),
    st.data(),
    st.integers(0, 50),
)
def test_stairs(steps: list[int], data: st.DataObject, step: int) -> None:
    values = [data.draw(SHARES) for _ in steps]
    expected = 0.0
    for at, value in zip(steps, values, strict=True):
        if at <= step:
            expected = value
    assert Stairs(list(zip(steps, values, strict=True)))(step) == expected


@pytest.mark.parametrize(
    ("stairs", "message"),
    [
        ([(3, 1.0), (3, 0.0)], r"stairs: got steps \[3, 3\]; they must ascend"),
        ([(4, 1.0), (3, 0.0)], r"stairs: got steps \[4, 3\]; they must ascend"),
        ([(-1, 1.0)], "stairs: got -1; allowed is a whole number >= 0"),
        ([(1, 1.1)], "stairs: got 1.1; allowed is 0 < value <= 1"),
        ([(1, -0.1)], "stairs: got -0.1"),
        ([(1, math.nan)], "stairs: got nan"),
    ],
)
def test_bad_stairs(stairs: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Stairs(stairs)
