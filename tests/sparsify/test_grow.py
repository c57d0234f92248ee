"""Growth is uniform over all free positions, the just-dropped ones among them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neurosparse.errors import ParameterError
from neurosparse.sparsify import Uniform, deep_r
from neurosparse.sparsify.grow import free_keys
from tests.sparsify.layers import make_layer

# a wrong rule gives p-values of 1e-20; the seeds are fixed, so the tests do not flicker
P_LEAST = 1e-3


@given(st.data())
def test_free_keys_are_the_free_positions_in_order(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 60))
    taken = np.array(sorted(data.draw(st.sets(st.integers(0, n - 1)))), dtype=np.int64)
    free = np.setdiff1d(np.arange(n), taken)
    np.testing.assert_array_equal(free_keys(taken, np.arange(free.size)), free)


@given(st.data())
def test_grown_keys_are_new_distinct_and_ascending(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    n_post, n_pre = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 8))
    layer = make_layer(n_post, n_pre, data.draw(st.integers(0, n_post * n_pre)), rng)
    n_grow = data.draw(st.integers(0, layer.n_potential - layer.n_active))
    born = Uniform()(layer, layer.keys, n_grow, rng)
    assert born.size == n_grow
    assert (np.diff(born) > 0).all()
    assert not np.isin(born, layer.keys).any()
    assert ((born >= 0) & (born < layer.n_potential)).all()


@pytest.mark.parametrize(
    ("n_active", "n_grow"),
    [(3, 1), (3, 5), (12, 6), (27, 1), (27, 2)],
    ids=["sparse", "many", "half", "nearly full", "nearly full, two"],
)
def test_every_free_position_is_equally_likely(n_active: int, n_grow: int) -> None:
    rng = np.random.default_rng(11)
    layer = make_layer(5, 6, n_active, rng)
    counts = np.zeros(layer.n_potential, dtype=np.int64)
    for _ in range(4000):
        counts[Uniform()(layer, layer.keys, n_grow, rng)] += 1
    assert (counts[layer.keys] == 0).all()
    free = np.delete(counts, layer.keys)
    # positions of one draw exclude each other, which makes counts less scattered than Poisson;
    # scaled by that, the statistic is chi-square
    n_free = free.size
    expected = 4000 * n_grow / n_free
    statistic = ((free - expected) ** 2 / expected).sum() * (n_free - 1) / (n_free - n_grow)
    assert stats.chi2.sf(statistic, n_free - 1) > P_LEAST


def test_pairs_of_newborns_are_equally_likely() -> None:
    rng = np.random.default_rng(12)
    layer = make_layer(2, 4, 3, rng)
    pairs: dict[tuple[int, ...], int] = {}
    for _ in range(5000):
        pair = tuple(Uniform()(layer, layer.keys, 2, rng).tolist())
        pairs[pair] = pairs.get(pair, 0) + 1
    assert len(pairs) == 10  # 5 free positions
    assert stats.chisquare(list(pairs.values())).pvalue > P_LEAST


@pytest.mark.parametrize("n_active", [3, 14, 16], ids=["sparse", "nearly full", "full"])
def test_what_was_just_dropped_may_come_back(n_active: int) -> None:
    """Through a whole step: the newborn is uniform over dormant positions, its own included."""
    counts = np.zeros(16, dtype=np.int64)
    rng = np.random.default_rng(13)
    for _ in range(3000):
        layer = make_layer(4, 4, n_active, np.random.default_rng(14))
        layer.weights[1] *= -1  # the one to go
        (rewiring,) = deep_r(l1=0, temperature=0).step([layer], 0, rng)
        assert rewiring is not None
        (born,) = rewiring.keys[rewiring.origin < 0]
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
    assert Uniform()(layer, layer.keys, 0, rng).size == 0
    with pytest.raises(ParameterError, match="n_draw: got 1; allowed is 0 to 0"):
        Uniform()(layer, layer.keys, 1, rng)


def test_positions_beyond_32_bits() -> None:
    rng = np.random.default_rng(0)
    layer = make_layer(100_000, 100_000, 1000, rng)
    born = Uniform()(layer, layer.keys, 1000, rng)
    assert born.max() > 2**32
    assert not np.isin(born, layer.keys).any()
