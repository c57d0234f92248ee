"""Sign rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neurosparse.errors import ParameterError
from neurosparse.sparsify import DaleSigns, FixedSigns, RandomSigns
from neurosparse.sparsify.signs_kernels import draw_signs


@given(st.integers(0, 2**62), st.integers(0, 2**40), st.integers(0, 2**31))
def test_fixed_signs_depend_on_key_and_seed_only(key: int, seed: int, draws: int) -> None:
    rule = FixedSigns(seed)
    rng = np.random.default_rng(draws)
    alone = rule(np.array([key]), 7, rng)
    among = rule(np.array([0, key, 3]), 3, np.random.default_rng())
    assert alone.dtype == np.int8
    assert alone[0] == among[1]
    assert alone[0] in (-1, 1)


def test_fixed_signs_are_fair_and_unrelated() -> None:
    """As good as coins along rows, along columns, between neighbours and between seeds."""
    rng = np.random.default_rng(0)
    keys = np.arange(200 * 200)
    signs = FixedSigns(0)(keys, 200, rng).reshape(200, 200).astype(int)
    other = FixedSigns(1)(keys, 200, rng).reshape(200, 200).astype(int)
    products = {
        "mean": signs,
        "neighbours": signs[:, 1:] * signs[:, :-1],
        "rows": signs[1:] * signs[:-1],
        "seeds": signs * other,
    }
    for name, product in products.items():
        n_plus = int((product > 0).sum())
        assert stats.binomtest(n_plus, product.size).pvalue > 1e-4, name
    # sums of rows scatter as sums of coins do
    assert stats.kstest(signs.sum(1) / np.sqrt(200), "norm").pvalue > 1e-4


def test_random_signs_are_fair_coins() -> None:
    signs = RandomSigns()(np.arange(10_000), 100, np.random.default_rng(1))
    assert signs.dtype == np.int8
    assert set(signs.tolist()) == {-1, 1}
    assert stats.binomtest(int((signs > 0).sum()), 10_000).pvalue > 1e-4


@given(st.sampled_from([0, 1, 255, 256, 257, 700]), st.integers(0, 2**53 - 1))
def test_signs_are_drawn_alike_in_plain_python(n: int, key: int) -> None:
    drawn, plain = np.zeros(n, dtype=np.int8), np.zeros(n, dtype=np.int8)
    draw_signs(key, drawn)
    getattr(draw_signs, "py_func", draw_signs)(key, plain)
    np.testing.assert_array_equal(drawn, plain)
    assert (np.abs(drawn) == 1).all()


def test_same_generator_same_signs_and_other_signs_next_time() -> None:
    one, two = np.random.default_rng(1), np.random.default_rng(1)
    keys = np.arange(1000)
    first = RandomSigns()(keys, 100, one)
    np.testing.assert_array_equal(first, RandomSigns()(keys, 100, two))
    agree = int((first == RandomSigns()(keys, 100, one)).sum())
    assert stats.binomtest(agree, 1000).pvalue > 1e-4


def test_dale_signs_follow_the_source() -> None:
    rule = DaleSigns([1, -1, 1])
    signs = rule(np.arange(9), 3, np.random.default_rng(0))
    np.testing.assert_array_equal(signs.reshape(3, 3), np.tile([1, -1, 1], (3, 1)))


@pytest.mark.parametrize("bad", [[1, 0], [1, 2], [1.7, -1.2], [np.nan, 1], [1, 257], ["a", 1]])
def test_dale_signs_are_plus_or_minus_one(bad: Any) -> None:
    with pytest.raises(ParameterError, match=r"signs: every entry must be -1 or \+1"):
        DaleSigns(bad)


def test_dale_signs_must_fit_the_layer() -> None:
    with pytest.raises(ParameterError, match="signs: got 2 entries for 3 sources"):
        DaleSigns([1, -1])(np.arange(3), 3, np.random.default_rng(0))


@pytest.mark.parametrize("bad", [-1, 1.5, None])
def test_a_seed_is_a_whole_number(bad: Any) -> None:
    with pytest.raises(ParameterError, match=r"seed: got .*; allowed is a whole number, 0 to"):
        FixedSigns(bad)
