"""Drop rules that go by size."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from neurosparse.errors import ParameterError
from neurosparse.sparsify import (
    AdaptiveThreshold,
    Beyond,
    Context,
    LayerView,
    Polynomial,
    Smallest,
    SmallestBySign,
    Stairs,
    Target,
)
from neurosparse.sparsify.magnitude import lowest
from tests.sparsify import scheme_reference as reference
from tests.sparsify.layers import layers, make_layer
from tests.sparsify.trajectory import weights_of

P_LEAST = 1e-3  # seeds are fixed: a wrong law gives far less, a right one never flickers
AT_END = Stairs([(0, 1.0)])


def context(seed: int = 0, step: int = 0) -> Context:
    return Context(step, np.random.default_rng(seed))


def keys_of(layer: LayerView, positions: NDArray[np.int64]) -> set[int]:
    return set(layer.keys[positions].tolist())


def with_weights(values: list[float]) -> LayerView:
    """Return a layer with these weights."""
    layer = make_layer(5, 6, len(values), np.random.default_rng(0))
    layer.weights = np.array(values, dtype=np.float32)
    return layer


# ------------------------------------------------------------------ the lowest scores


@given(st.lists(st.integers(-3, 3), max_size=12), st.integers(-2, 14), st.integers(0, 99))
def test_lowest_takes_as_many_as_asked_for(values: list[int], n: int, seed: int) -> None:
    """With many equals: as many of each value as sorting says."""
    scores = np.array(values, dtype=np.float64)
    before = scores.copy()
    chosen = lowest(scores, n, np.random.default_rng(seed))
    assert chosen.dtype == np.int64
    assert sorted(set(chosen.tolist())) == chosen.tolist()
    assert sorted(scores[chosen].tolist()) == sorted(values)[: max(0, n)]
    np.testing.assert_array_equal(scores, before)


def test_among_equals_chance_decides() -> None:
    scores = np.array([0.0, 5.0, 0.0, 0.0, -1.0, 0.0])
    pairs: dict[tuple[int, ...], int] = {}
    rng = np.random.default_rng(1)
    for _ in range(1200):
        chosen = lowest(scores, 3, rng).tolist()
        assert 4 in chosen
        assert 1 not in chosen
        pairs[tuple(chosen)] = pairs.get(tuple(chosen), 0) + 1
    assert len(pairs) == 6
    assert stats.chisquare(list(pairs.values())).pvalue > P_LEAST


# ------------------------------------------------------------------ a share


@given(layers(), st.floats(1e-3, 1.0))
def test_smallest(layer: LayerView, share: float) -> None:
    expected = reference.smallest(weights_of(layer), int(share * layer.n_active))
    assert keys_of(layer, Smallest(share).choose(layer, context())) == expected


def test_the_share_may_follow_a_curve() -> None:
    layer = make_layer(5, 6, 20, np.random.default_rng(0))
    rule = Smallest(lambda step: step / 10)
    assert [rule.choose(layer, context(step=step)).size for step in (0, 1, 5, 10)] == [0, 2, 10, 20]


@given(layers(), st.floats(1e-3, 1.0))
def test_smallest_by_sign(layer: LayerView, zeta: float) -> None:
    chosen = SmallestBySign(zeta).choose(layer, context())
    assert (np.diff(chosen) > 0).all()
    assert keys_of(layer, chosen) == reference.set_drops(weights_of(layer), zeta)


def test_weights_of_exactly_nothing_count_as_positive() -> None:
    layer = with_weights([0.0, -0.0, 0.0, 1.0, -1.0, -2.0, -3.0, -4.0])
    chosen = SmallestBySign(0.5).choose(layer, context())
    assert chosen.size == 4
    assert {4, 5} < set(chosen.tolist())
    assert set(chosen.tolist()) - {4, 5} < {0, 1, 2}


@pytest.mark.parametrize("rule", [Smallest, SmallestBySign])
@pytest.mark.parametrize("bad", [0.0, -0.1, 1.1, float("nan")])
def test_bad_shares(rule: Any, bad: float) -> None:
    with pytest.raises(ParameterError, match=f"share: got {bad!r}; allowed is 0 < value <= 1"):
        rule(bad)


# ------------------------------------------------------------------ a threshold that adapts


@given(st.lists(layers(), min_size=1, max_size=3), st.floats(1e-3, 10.0), st.floats(0.01, 30))
def test_adaptive_threshold(views: list[LayerView], threshold: float, n: float) -> None:
    views = [view for view in views if view.n_active]
    rule, now = AdaptiveThreshold(n, threshold=threshold, tolerance=0.2), context()
    for _ in range(4):
        dropped = rule(views, now)
        shown = [weights_of(view) for view in views]
        # float32 weights compare as they are
        expected = reference.dsr_prune(shown, threshold)
        assert [keys_of(*pair) for pair in zip(views, dropped, strict=True)] == expected
        total = sum(map(len, shown))
        wanted = n if n >= 1 else n * total
        followed = reference.dsr_threshold(threshold, sum(map(len, expected)), wanted, 0.2)
        largest = max((abs(w) for weights in shown for w in weights.values()), default=0.0)
        if threshold <= largest or followed < threshold:  # beyond, no more can go
            threshold = followed
        assert now.memory == {"threshold": threshold}


def test_no_layer_is_emptied() -> None:
    views = [with_weights([0.1, -0.3, 0.2]), with_weights([0.5]), with_weights([])]
    dropped = AdaptiveThreshold(3, threshold=10.0)(views, context())
    assert [positions.tolist() for positions in dropped] == [[0, 2], [], []]


def test_what_stands_at_the_threshold_stays() -> None:
    view = with_weights([0.25, -0.25, 0.125, 1.0])
    (dropped,) = AdaptiveThreshold(1, threshold=0.25)([view], context())
    assert dropped.tolist() == [2]


def test_what_is_remembered_can_be_saved() -> None:
    view, now = make_layer(5, 6, 20, np.random.default_rng(0)), context()
    AdaptiveThreshold(0.1)([view], now)
    assert json.loads(json.dumps(now.memory)) == now.memory


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n: got 0; allowed is > 0"),
        ({"n": -1}, "n: got -1"),
        ({"n": 1, "threshold": 0.0}, "threshold: got 0.0; allowed is > 0"),
        ({"n": 1, "threshold": float("inf")}, "threshold: got inf"),
        ({"n": 1, "tolerance": 0.0}, "tolerance: got 0.0; allowed is 0 < value <= 1"),
        ({"n": 1, "tolerance": 1.5}, "tolerance: got 1.5"),
    ],
)
def test_bad_thresholds(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        AdaptiveThreshold(**options)


# ------------------------------------------------------------------ beyond a target


@given(st.lists(layers(), min_size=1, max_size=3), st.data())
def test_beyond_a_number_per_layer(views: list[LayerView], data: st.DataObject) -> None:
    final = [data.draw(st.integers(1, view.n_potential)) for view in views]
    dropped = Beyond(Target(final, AT_END))(views, context())
    for view, positions, n in zip(views, dropped, final, strict=True):
        weights = weights_of(view)
        kept = weights.keys() - keys_of(view, positions)
        assert kept == reference.keep_largest(weights, n).keys()


@given(st.lists(layers(), min_size=1, max_size=3), st.data())
def test_beyond_a_number_for_all(views: list[LayerView], data: st.DataObject) -> None:
    views = [view for view in views if view.n_active]
    for index, view in enumerate(views):  # those of one seed have the same weights
        view.weights = view.weights.astype(np.float64) * 1.01**index
    final = [data.draw(st.integers(1, view.n_potential)) for view in views]
    before = [view.weights.copy() for view in views]
    dropped = Beyond(Target(final, AT_END), pooled=True)(views, context())
    expected = reference.keep_largest_of_all([weights_of(view) for view in views], sum(final))
    for view, positions, kept, weights in zip(views, dropped, expected, before, strict=True):
        assert (np.diff(positions) > 0).all()
        assert weights_of(view).keys() - keys_of(view, positions) == kept.keys()
        np.testing.assert_array_equal(view.weights, weights)


def test_every_layer_keeps_its_best_under_a_pooled_target() -> None:
    views = [with_weights([1e-6, 2e-6, -3e-6]), with_weights([1.0, 2.0, 3.0, 4.0])]
    dropped = Beyond(Target([1, 2], AT_END), pooled=True)(views, context())
    assert [positions.tolist() for positions in dropped] == [[0, 1], [0, 1]]


def test_nothing_is_scored_where_nothing_is_beyond() -> None:
    def never(layer: LayerView, context: Context) -> Any:
        raise AssertionError("scored")

    views = [make_layer(5, 6, 20, np.random.default_rng(0)) for _ in range(2)]
    for pooled in (False, True):
        rule = Beyond(Target([20, 25], AT_END), never, pooled=pooled)
        assert [positions.size for positions in rule(views, context())] == [0, 0]


def test_a_score_of_ones_own() -> None:
    view = make_layer(5, 6, 20, np.random.default_rng(0))
    (dropped,) = Beyond(Target([12], AT_END), lambda layer, context: -layer.indices)(
        [view], context()
    )
    kept = np.delete(view.indices, dropped)
    assert kept.max() <= view.indices[dropped].min()


def test_the_target_is_that_of_the_step() -> None:
    view = make_layer(5, 6, 30, np.random.default_rng(0))
    rule = Beyond(Target([10], Polynomial(2, 6, power=1)))
    sizes = [rule([view], context(step=step))[0].size for step in range(8)]
    assert sizes == [0, 0, 0, 5, 10, 15, 20, 20]


def test_unknown_scores() -> None:
    with pytest.raises(ParameterError, match="score: got 'size'; allowed is magnitude, random"):
        Beyond(Target(0.5, AT_END), "size")  # type: ignore[arg-type]
