"""Budgets: what each layer is to regrow."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from neurosparse.errors import ParameterError
from neurosparse.sparsify import (
    Budget,
    Context,
    GlobalBudget,
    LayerBudget,
    NoRegrowth,
    Polynomial,
    SurvivorBudget,
    Target,
    UpTo,
    er_budget,
    uniform_budget,
)
from tests.sparsify import scheme_reference as reference


def missing(
    budget: Budget, before: Any, surviving: Any, potential: Any, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return what a budget says of layers of these sizes."""
    return budget.missing(views(before, potential), surviving, Context(0, rng))


def views(active: Any, potential: Any) -> Any:
    """Return layers as a budget sees them: it may look at these sizes only."""
    return [
        SimpleNamespace(n_active=a, n_potential=b) for a, b in zip(active, potential, strict=True)
    ]


@given(st.data())
def test_budgets_keep_the_total_and_fit(data: st.DataObject) -> None:
    n_layers = data.draw(st.integers(1, 4))
    potential = np.array([data.draw(st.integers(1, 50)) for _ in range(n_layers)])
    before = np.array([data.draw(st.integers(0, n)) for n in potential])
    surviving = np.array([data.draw(st.integers(0, n)) for n in before])
    shares = data.draw(
        st.none() | st.lists(st.floats(1e-3, 1e3), min_size=n_layers, max_size=n_layers)
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    lost = before - surviving
    np.testing.assert_array_equal(missing(LayerBudget(), before, surviving, potential, rng), lost)
    grow = missing(GlobalBudget(shares), before, surviving, potential, rng)
    assert grow.sum() == lost.sum()
    assert (grow >= 0).all()
    assert (surviving + grow <= potential).all()


@pytest.mark.parametrize("shares", [None, (1.0, 5.0, 0.5)])
def test_a_global_budget_is_split_by_size_times_share(shares: tuple[float, ...] | None) -> None:
    potential = np.array([10_000, 4_000, 60_000])
    before = np.array([300, 300, 300])
    surviving = np.array([250, 300, 280])
    rng = np.random.default_rng(21)
    budget = GlobalBudget(shares)
    total = np.zeros(3, dtype=np.int64)
    for _ in range(200):
        total += missing(budget, before, surviving, potential, rng)
    weights = potential * np.array(shares or (1, 1, 1))
    assert total.sum() == 200 * 70
    assert stats.chisquare(total, total.sum() * weights / weights.sum()).pvalue > 1e-3


def test_a_global_budget_by_the_densities_at_the_start() -> None:
    """They are remembered: what layers have later does not count, not even nothing."""
    potential = np.array([10_000, 4_000, 1_000])
    start = np.array([100, 120, 300])
    now = np.array([420, 100, 0])
    context = Context(0, np.random.default_rng(21))
    budget = GlobalBudget("start")
    total = budget.missing(views(start, potential), start - 1, context) * 0
    for _ in range(200):
        total += budget.missing(views(now, potential), now - [70, 0, 0], context)
    assert total.sum() == 200 * 70
    # size times density at the start is the number at the start
    assert stats.chisquare(total, total.sum() * start / start.sum()).pvalue > 1e-3
    with pytest.raises(ParameterError, match="shares: got 'end'; allowed are numbers, 'start'"):
        GlobalBudget("end")  # type: ignore[arg-type]


def test_what_a_full_layer_cannot_take_goes_to_the_others() -> None:
    potential = np.array([1_000_000, 20, 30])
    before = np.array([1_000_000, 10, 10])
    surviving = np.array([999_999, 0, 0])
    grow = missing(GlobalBudget(), before, surviving, potential, np.random.default_rng(0))
    assert grow[0] == 1
    assert grow.sum() == 21


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_shares_must_be_positive(bad: float) -> None:
    with pytest.raises(ParameterError, match=r"shares: got .*; every one must be > 0"):
        GlobalBudget([1.0, bad])


def test_shares_must_fit_the_layers() -> None:
    counts = np.array([5, 5, 5])
    with pytest.raises(ParameterError, match="shares: got 2 for 3 layers"):
        missing(GlobalBudget([1, 2]), counts, counts - 1, 2 * counts, np.random.default_rng(0))


def test_uniform_budget() -> None:
    assert uniform_budget([(300, 784), (100, 300), (10, 100)], 0.01) == [2352, 300, 10]
    assert uniform_budget([(2, 2)], 1e-6) == [1]
    for bad in (0, 1.5, -0.1, float("nan")):
        message = f"density: got {bad!r}; allowed is 0 < value <= 1"
        with pytest.raises(ParameterError, match=re.escape(message)):
            uniform_budget([(3, 3)], bad)


# ------------------------------------------------------------------ in proportion to survivors


@given(st.data())
def test_growth_follows_what_survives(data: st.DataObject) -> None:
    """Up to what rounding leaves over, and what does not fit."""
    n_layers = data.draw(st.integers(1, 4))
    potential = np.array([data.draw(st.integers(1, 50)) for _ in range(n_layers)])
    before = np.array([data.draw(st.integers(0, n)) for n in potential])
    surviving = np.array([data.draw(st.integers(0, n)) for n in before])
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    grow = missing(SurvivorBudget(), before, surviving, potential, rng)
    n_lost = int((before - surviving).sum())
    room = potential - surviving
    assert grow.dtype == np.int64
    assert grow.sum() == n_lost
    assert ((grow >= 0) & (grow <= room)).all()
    if surviving.sum():
        wanted = np.array(reference.dsr_growth(surviving.tolist(), n_lost))
        if (wanted <= room).all():
            left = n_lost - int(wanted.sum())
            assert np.abs(grow - wanted).sum() == abs(left) < n_layers


def test_what_is_left_over_goes_to_layers_drawn_at_random() -> None:
    counts = np.zeros(4)
    rng = np.random.default_rng(0)
    for _ in range(1000):
        grow = missing(SurvivorBudget(), [9] * 4, np.array([8, 9, 9, 9]), [100] * 4, rng)
        assert grow.sum() == 1
        counts[grow == 1] += 1
    assert stats.chisquare(counts).pvalue > 1e-3


def test_full_layers_pass_on_what_survivors_would_win_them() -> None:
    grow = missing(
        SurvivorBudget(), [100, 50], np.array([95, 1]), [100, 1000], np.random.default_rng(0)
    )
    assert grow.tolist() == [5, 49]


def test_nothing_survives_anywhere() -> None:
    grow = missing(SurvivorBudget(), [3, 4], np.array([0, 0]), [5, 5], np.random.default_rng(0))
    assert grow.sum() == 7
    assert (grow <= 5).all()


# ------------------------------------------------------------------ targets, and no growth at all


def test_growth_up_to_a_target() -> None:
    layers: Any = [SimpleNamespace(n_active=9, n_potential=20) for _ in range(3)]
    budget = UpTo(Target([10, 10, 10], Polynomial(0, 4, power=1)))
    surviving = np.array([5, 9, 12])
    for step, expected in ((0, [15, 11, 8]), (2, [10, 6, 3]), (4, [5, 1, 0]), (9, [5, 1, 0])):
        context = Context(step, np.random.default_rng(0))
        assert budget.missing(layers, surviving, context).tolist() == expected


@given(st.lists(st.integers(0, 50), min_size=1, max_size=4))
def test_pruning_grows_nothing(surviving: list[int]) -> None:
    full = [50] * len(surviving)
    rng = np.random.default_rng(0)
    grow = missing(NoRegrowth(), full, np.array(surviving), full, rng)
    assert grow.tolist() == [0] * len(surviving)
    assert grow.dtype == np.int64


# ------------------------------------------------------------------ Erdos-Renyi


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(1, 500)), min_size=1, max_size=5),
    st.floats(1e-4, 1.0),
)
def test_er_budget(shapes: list[tuple[int, int]], density: float) -> None:
    expected = [
        share * a * b
        for share, (a, b) in zip(reference.er_densities(shapes, density), shapes, strict=True)
    ]
    counts = er_budget(shapes, density)
    for count, value, (a, b) in zip(counts, expected, shapes, strict=True):
        assert 1 <= count <= a * b
        assert count == 1 or abs(count - value) <= 0.5 + 1e-6 * value
    assert abs(sum(counts) - density * sum(a * b for a, b in shapes)) <= len(shapes)


def test_er_budget_of_the_published_networks() -> None:
    """LeNet-300-100 at 1 %: solved by hand; the last layer gets most of its places."""
    shapes = [(300, 784), (100, 300), (10, 100)]
    eps = 0.01 * 266_200 / (1084 + 400 + 110)
    assert er_budget(shapes, 0.01) == [round(eps * n) for n in (1084, 400, 110)]
    # at 10 % the last layer would have 1837 of 1000
    eps = (0.1 * 266_200 - 1000) / (1084 + 400)
    assert er_budget(shapes, 0.1) == [round(eps * 1084), round(eps * 400), 1000]
    assert er_budget(shapes, 1.0) == [235_200, 30_000, 1000]


def test_er_budget_of_bad_densities() -> None:
    for bad in (0, 1.5, -0.1, float("nan")):
        message = f"density: got {bad!r}; allowed is 0 < value <= 1"
        with pytest.raises(ParameterError, match=re.escape(message)):
            er_budget([(3, 3)], bad)
