"""Drop rules: which positions they name, and what becomes of wrong ones."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurosparse.errors import ParameterError, TopologyError
from neurosparse.sparsify import Context, Nothing, RandomShare, Scheme, SignChange
from neurosparse.sparsify.drop_kernels import are_ascending, count_across, find_across
from tests.sparsify.layers import make_layer

ODD = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-45, -1e-45]


@given(st.data())
def test_sign_change_names_the_weights_below_zero(data: st.DataObject) -> None:
    """Around the size of a block, and with numbers of all kinds."""
    n = data.draw(st.sampled_from([0, 1, 5, 127, 128, 129, 255, 256, 257, 400]))
    layer = make_layer(20, 20, n, np.random.default_rng(data.draw(st.integers(0, 99))))
    share = data.draw(st.sampled_from([0, 0.01, 0.5, 1]))
    layer.weights[np.random.default_rng(1).random(n) < share] *= -1
    for value in data.draw(st.lists(st.sampled_from(ODD), max_size=5 if n else 0)):
        layer.weights[data.draw(st.integers(0, n - 1))] = value
    dropped = SignChange().choose(layer, Context(0, np.random.default_rng(0)))
    assert dropped.dtype == np.int64
    theta = layer.weights.astype(np.float64) * layer.signs
    np.testing.assert_array_equal(dropped, np.flatnonzero(theta < 0))
    plain = np.empty_like(dropped)
    assert getattr(count_across, "py_func", count_across)(layer.weights, layer.signs) == plain.size
    getattr(find_across, "py_func", find_across)(layer.weights, layer.signs, plain)
    np.testing.assert_array_equal(dropped, plain)


def test_sign_change_takes_views_of_any_kind() -> None:
    """As the simulator has them: one number for all, read-only, integers."""
    layer = make_layer(4, 4, 6, np.random.default_rng(0))
    layer.weights = np.broadcast_to(np.int16(-3), 6)
    layer.signs = np.broadcast_to(np.int8(1), 6)
    assert SignChange().choose(layer, Context(0, np.random.default_rng(0))).tolist() == list(
        range(6)
    )


def test_a_share_is_drawn_uniformly() -> None:
    layer = make_layer(4, 4, 10, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    counts = np.zeros(10)
    for _ in range(2000):
        dropped = RandomShare(0.3).choose(layer, Context(0, rng))
        assert dropped.size == 3
        assert (np.diff(dropped) > 0).all()
        counts[dropped] += 1
    assert np.abs(counts / 2000 - 0.3).max() < 5 * np.sqrt(0.21 / 2000)
    assert Nothing().choose(layer, Context(0, rng)).size == 0


@given(hnp.arrays(np.int64, st.integers(0, 6), elements=st.integers(-2, 8)), st.integers(0, 8))
def test_ascending(values: Any, limit: int) -> None:
    expected = sorted(set(values.tolist())) == values.tolist() and all(
        0 <= value < limit for value in values.tolist()
    )
    assert are_ascending(values, limit) == expected


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (np.ones(6, dtype=bool), "drop: the rule returned bool; expected positions"),
        (np.array([0.5]), "drop: the rule returned float64; expected positions"),
        (np.array([1, 1]), "drop: the rule returned positions that do not ascend within 0..5"),
        (np.array([3, 1]), "drop: the rule returned positions that do not ascend within 0..5"),
        (np.array([-1]), "drop: the rule returned positions that do not ascend within 0..5"),
        (np.array([2, 6]), "drop: the rule returned positions that do not ascend within 0..5"),
    ],
)
def test_what_a_rule_may_not_return(returned: Any, message: str) -> None:
    layer = make_layer(4, 5, 6, np.random.default_rng(0))
    before = layer.keys
    scheme = Scheme("own", drop=lambda layers, context: [returned])
    with pytest.raises(ParameterError, match=re.escape(message)):
        scheme.step([layer], Context(0, np.random.default_rng(0)))
    np.testing.assert_array_equal(layer.keys, before)


def test_other_integers_and_strided_positions_will_do() -> None:
    layer = make_layer(4, 5, 6, np.random.default_rng(0))
    for returned in (np.array([0, 4], dtype=np.int32), np.arange(6)[::3]):
        scheme = Scheme("own", drop=lambda layers, context, returned=returned: [returned])
        (rewiring,) = scheme.step([layer], Context(0, np.random.default_rng(0)))
        assert rewiring is not None
        np.testing.assert_array_equal(rewiring.dropped, returned)


@pytest.mark.parametrize(
    ("grown", "message"),
    [
        (lambda taken: taken[:1], "grow: the rule returned 1 keys; asked for 2"),
        (lambda taken: np.setdiff1d(np.arange(20), taken)[[1, 0]], "born: keys must ascend"),
        (lambda taken: taken[[2, 3]], "born: a key stands among the surviving"),
    ],
)
def test_what_a_grow_rule_may_not_return(grown: Any, message: str) -> None:
    layer = make_layer(4, 5, 6, np.random.default_rng(0))
    scheme = Scheme(
        "own",
        drop=lambda layers, context: [np.array([0, 1])],
        grow=lambda layer, dropped, n_grow, rng: grown(layer.keys),
    )
    with pytest.raises(TopologyError, match=message):
        scheme.step([layer], Context(0, np.random.default_rng(0)))
