"""Growth is uniform over all free positions, the just-dropped ones among them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from neurosparse.errors import ParameterError
from neurosparse.sparsify import Context, LargestGradient, LayerView, Uniform, deep_r
from neurosparse.sparsify.grow import free_keys
from neurosparse.sparsify.grow_kernels import draw_free, merge_distinct
from tests.sparsify.layers import make_layer

# a wrong rule gives p-values of 1e-20; the seeds are fixed, so the tests do not flicker
P_LEAST = 1e-3


@given(st.data())
def test_free_keys_are_the_free_positions_in_order(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 60))
    taken = np.array(sorted(data.draw(st.sets(st.integers(0, n - 1)))), dtype=np.int64)
    free = np.setdiff1d(np.arange(n), taken)
    np.testing.assert_array_equal(free_keys(taken, np.arange(free.size)), free)


def potential(layer: LayerView) -> set[int]:
    """Return every key that may stand in the layer."""
    return {
        row * layer.n_columns + column
        for row in range(layer.n_rows)
        for column in range(layer.n_columns)
        if layer.autapses or row != column
    }


def surviving(layer: LayerView, dropped: NDArray[np.int64]) -> set[int]:
    return set(np.delete(layer.keys, dropped).tolist())


@st.composite
def half_dropped(draw: st.DrawFn) -> tuple[LayerView, NDArray[np.int64], np.random.Generator]:
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    n_post, n_pre = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    n_active = draw(st.integers(0, n_post * n_pre))
    layer = make_layer(
        n_post, n_pre, n_active, rng, by_pre=draw(st.booleans()), autapses=draw(st.booleans())
    )
    return layer, np.flatnonzero(rng.random(n_active) < draw(st.floats(0, 1))), rng


@given(half_dropped(), st.data())
def test_grown_keys_are_free_distinct_and_ascending(drawn: Any, data: st.DataObject) -> None:
    layer, dropped, rng = drawn
    free = potential(layer) - surviving(layer, dropped)
    n_grow = data.draw(st.integers(0, len(free)))
    born = Uniform()(layer, dropped, n_grow, rng)
    assert born.dtype == np.int64
    assert born.size == n_grow
    assert (np.diff(born) > 0).all()
    assert set(born.tolist()) <= free


@given(half_dropped(), st.integers(0, 2**63 - 1))
def test_the_kernel_draws_what_its_plain_python_draws(drawn: Any, key: int) -> None:
    layer, dropped, _ = drawn
    n_free = len(potential(layer) - surviving(layer, dropped))
    results = [np.empty(20 if n_free else 0, dtype=np.int64) for _ in range(2)]
    for draw, out in zip(
        (draw_free, getattr(draw_free, "py_func", draw_free)), results, strict=True
    ):
        draw(layer.indptr, layer.indices, layer.n_columns, dropped, layer.autapses, key, out)
    np.testing.assert_array_equal(results[0], results[1])


@given(st.lists(st.integers(0, 30), unique=True), st.lists(st.integers(0, 30)))
def test_merging_is_the_union(one: list[int], two: list[int]) -> None:
    out = np.empty(len(one) + len(two), dtype=np.int64)
    first, second = (np.array(sorted(values), dtype=np.int64) for values in (one, two))
    n = merge_distinct(first, second, out)
    assert out[:n].tolist() == sorted({*one, *two})


@pytest.mark.parametrize("autapses", [True, False], ids=["any", "no diagonal"])
@pytest.mark.parametrize(
    ("n_active", "n_grow"),
    [(3, 1), (3, 5), (9, 6), (12, 4), (12, 6), (27, 1), (27, 2)],
    ids=["sparse", "many", "half", "less than half", "over half", "nearly full", "two"],
)
def test_every_free_position_is_equally_likely(n_active: int, n_grow: int, autapses: bool) -> None:
    rng = np.random.default_rng(11)
    layer = make_layer(5, 6, n_active, rng, autapses=autapses)
    dropped = np.arange(0, n_active, 5)
    counts = np.zeros(30, dtype=np.int64)
    for _ in range(4000):
        counts[Uniform()(layer, dropped, n_grow, rng)] += 1
    free = potential(layer) - surviving(layer, dropped)
    assert not counts[sorted(set(range(30)) - free)].any()
    # positions of one draw exclude each other, which makes counts less scattered than Poisson;
    # scaled by that, the statistic is chi-square
    n_free, found = len(free), counts[sorted(free)]
    if n_free == n_grow:
        assert (found == 4000).all()
        return
    expected = 4000 * n_grow / n_free
    statistic = ((found - expected) ** 2 / expected).sum() * (n_free - 1) / (n_free - n_grow)
    assert stats.chi2.sf(statistic, n_free - 1) > P_LEAST


@pytest.mark.parametrize(("shape", "n_active"), [((2, 4), 3), ((4, 5), 3)], ids=["rank", "draw"])
def test_sets_of_newborns_are_equally_likely(shape: tuple[int, int], n_active: int) -> None:
    """What is drawn twice is drawn again, which must not favour anything."""
    rng = np.random.default_rng(12)
    layer = make_layer(*shape, n_active, rng)
    n_free = layer.n_potential - n_active
    sets: dict[tuple[int, ...], int] = {}
    n_draws = 500 * math.comb(n_free, 3)
    for _ in range(n_draws // 10):
        chosen = tuple(Uniform()(layer, np.zeros(0, dtype=np.int64), 3, rng).tolist())
        sets[chosen] = sets.get(chosen, 0) + 1
    assert len(sets) == math.comb(n_free, 3)
    assert stats.chisquare(list(sets.values())).pvalue > P_LEAST


@pytest.mark.parametrize("n_active", [3, 14, 16], ids=["sparse", "nearly full", "full"])
def test_what_was_just_dropped_may_come_back(n_active: int) -> None:
    """Through a whole step: the newborn is uniform over dormant positions, its own included."""
    counts = np.zeros(16, dtype=np.int64)
    rng = np.random.default_rng(13)
    for _ in range(3000):
        layer = make_layer(4, 4, n_active, np.random.default_rng(14))
        layer.weights[1] *= -1  # the one to go
        (rewiring,) = deep_r(l1=0, temperature=0).step([layer], Context(0, rng))
        assert rewiring is not None
        (born,) = rewiring.born
        counts[born] += 1
    stayed = np.delete(layer.keys, 1)
    assert (counts[stayed] == 0).all()
    dormant = np.delete(counts, stayed)
    assert dormant.size == 16 - n_active + 1
    if dormant.size > 1:
        assert stats.chisquare(dormant).pvalue > P_LEAST


def test_a_full_layer_grows_nothing() -> None:
    rng = np.random.default_rng(0)
    layer = make_layer(3, 3, 9, rng)
    none = np.zeros(0, dtype=np.int64)
    assert Uniform()(layer, none, 0, rng).size == 0
    with pytest.raises(ParameterError, match="n_draw: got 1; allowed is 0 to 0"):
        Uniform()(layer, none, 1, rng)


def test_positions_beyond_32_bits() -> None:
    rng = np.random.default_rng(0)
    layer = make_layer(100_000, 100_000, 1000, rng)
    born = Uniform()(layer, np.zeros(0, dtype=np.int64), 1000, rng)
    assert stats.kstest(born / layer.n_potential, "uniform").pvalue > P_LEAST
    assert not np.isin(born, layer.keys).any()


def test_the_seed_of_the_layer_is_as_good_as_another() -> None:
    """With the stream that drew the topology, drawing keys from it would hit what stands there."""
    layer = make_layer(100, 100, 1000, np.random.default_rng(7))
    born = Uniform()(layer, np.zeros(0, dtype=np.int64), 500, np.random.default_rng(7))
    assert born.size == 500


# ------------------------------------------------------------------ not again at once


@given(half_dropped(), st.data())
def test_what_was_just_dropped_stays_out_where_there_are_others(
    drawn: Any, data: st.DataObject
) -> None:
    layer, dropped, rng = drawn
    layer = replace(layer, autapses=True)  # as in training, where the diagonal is not special
    others = potential(layer) - set(layer.keys.tolist())
    n_grow = data.draw(st.integers(0, len(others) + dropped.size))
    born = Uniform(again=False)(layer, dropped, n_grow, rng)
    assert born.size == n_grow
    assert (np.diff(born) > 0).all()
    assert set(born.tolist()) <= potential(layer) - surviving(layer, dropped)
    if n_grow <= len(others):
        assert set(born.tolist()) <= others


@pytest.mark.parametrize("n_active", [3, 14], ids=["drawn", "by rank"])
def test_all_others_are_equally_likely(n_active: int) -> None:
    rng = np.random.default_rng(15)
    layer = make_layer(5, 5, n_active, rng)
    counts = np.zeros(25, dtype=np.int64)
    for _ in range(3000):
        counts[Uniform(again=False)(layer, np.array([0, 2]), 1, rng)] += 1
    assert not counts[layer.keys].any()
    assert stats.chisquare(np.delete(counts, layer.keys)).pvalue > P_LEAST


# ------------------------------------------------------------------ where the gradient is largest


def with_gradient(
    layer: LayerView, rng: np.random.Generator, n_candidates: int
) -> dict[int, float]:
    """Show a layer the gradients of its synapses and of the largest others; return all."""
    sizes = {key: float(rng.standard_normal()) for key in sorted(potential(layer))}
    keys = layer.keys.tolist()
    layer.gradient = np.array([sizes[key] for key in keys])
    others = sorted(sizes.keys() - set(keys), key=lambda key: -abs(sizes[key]))[:n_candidates]
    rng.shuffle(others)  # candidates come in no order
    layer.candidates = (
        np.array(others, dtype=np.int64),
        np.array([abs(sizes[key]) for key in others], dtype=np.float64),
    )
    return sizes


@given(half_dropped(), st.data())
def test_the_largest_gradients_grow(drawn: Any, data: st.DataObject) -> None:
    layer, dropped, rng = drawn
    layer = replace(layer, autapses=True)
    sizes = with_gradient(layer, rng, layer.n_active)
    free = sizes.keys() - surviving(layer, dropped)
    n_grow = data.draw(st.integers(0, dropped.size))
    born = LargestGradient()(layer, dropped, n_grow, rng)
    assert born.tolist() == sorted(sorted(free, key=lambda key: -abs(sizes[key]))[:n_grow])


def test_chance_gives_what_candidates_do_not() -> None:
    rng = np.random.default_rng(16)
    layer = make_layer(4, 6, 5, rng)
    sizes = with_gradient(layer, rng, 2)
    assert layer.candidates is not None
    counts = np.zeros(24, dtype=np.int64)
    dropped = np.array([1, 3])
    sure = {*layer.candidates[0].tolist(), *layer.keys[dropped].tolist()}
    for _ in range(2000):
        born = LargestGradient()(layer, dropped, 6, rng)
        assert born.size == 6
        assert (np.diff(born) > 0).all()
        assert sure < set(born.tolist())
        counts[born] += 1
    by_chance = sorted(sizes.keys() - surviving(layer, dropped) - sure)
    assert counts[by_chance].sum() == 2 * 2000
    # two of one draw exclude each other, which the factor corrects
    found, expected = counts[by_chance], 4000 / len(by_chance)
    statistic = ((found - expected) ** 2 / expected).sum()
    statistic *= (len(by_chance) - 1) / (len(by_chance) - 2)
    assert stats.chi2.sf(statistic, len(by_chance) - 1) > P_LEAST


def test_growth_by_gradient_needs_one() -> None:
    rng = np.random.default_rng(0)
    layer = make_layer(4, 6, 5, rng)
    none = np.zeros(0, dtype=np.int64)
    assert LargestGradient()(layer, none, 0, rng).size == 0
    with pytest.raises(ParameterError, match="grow: LargestGradient needs the gradients of dorm"):
        LargestGradient()(layer, np.array([1]), 1, rng)
