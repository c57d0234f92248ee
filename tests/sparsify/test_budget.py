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
from neurosparse.sparsify import Budget, Context, GlobalBudget, LayerBudget, uniform_budget


def missing(
    budget: Budget, before: Any, surviving: Any, potential: Any, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return what a budget says of layers of these sizes, all that it may look at."""
    layers: Any = [
        SimpleNamespace(n_active=a, n_potential=b) for a, b in zip(before, potential, strict=True)
    ]
    return budget.missing(layers, surviving, Context(0, rng))


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
