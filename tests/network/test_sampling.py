from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.errors import ParameterError
from neurosparse.network import sample_distinct


@given(st.data(), st.integers(0, 99))
def test_draws_are_distinct_sorted_and_in_range(data: st.DataObject, seed: int) -> None:
    population = data.draw(st.integers(0, 200))
    n_draw = data.draw(st.integers(0, population))
    drawn = sample_distinct(np.random.default_rng(seed), population, n_draw)
    assert drawn.dtype == np.int64
    assert drawn.size == n_draw
    assert np.all(np.diff(drawn) > 0)
    assert n_draw == 0 or (drawn[0] >= 0 and drawn[-1] < population)


@pytest.mark.parametrize("n_draw", [2, 3, 5])  # 5 of 6 takes the path of what is left out
def test_every_subset_is_equally_likely(rng: np.random.Generator, n_draw: int) -> None:
    subsets = dict.fromkeys(combinations(range(6), n_draw), 0)
    draws = 6000
    for _ in range(draws):
        subsets[tuple(sample_distinct(rng, 6, n_draw).tolist())] += 1
    counts, expected = np.array(list(subsets.values())), draws / len(subsets)
    chi_square = np.sum((counts - expected) ** 2) / expected
    # 0.999 quantiles of chi-square with 14, 19 and 5 degrees of freedom
    assert chi_square < {2: 36.1, 3: 43.8, 5: 20.5}[n_draw]


def test_huge_populations_cost_nothing(rng: np.random.Generator) -> None:
    drawn = sample_distinct(rng, 2**62, 1000)
    assert drawn.size == 1000
    assert drawn[-1] > 2**61  # fails by chance once in 2 ** 1000


@pytest.mark.parametrize("n_draw", [-1, 4])
def test_no_more_than_there_is(rng: np.random.Generator, n_draw: int) -> None:
    with pytest.raises(ParameterError, match=f"n_draw: got {n_draw}; allowed is 0 to 3"):
        sample_distinct(rng, 3, n_draw)
