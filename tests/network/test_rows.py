"""Both layouts of the same synapses, one weight stored once, multapses, and pickles."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.errors import NeurosparseError, ParameterError, ShapeError, TopologyError
from neurosparse.network import LIF, Network, Population, Projection, Synapses, rows

Edge = tuple[int, int, float, int]


@st.composite
def multigraphs(draw: st.DrawFn) -> Synapses:
    """Draw synapses of either layout, with or without multapses, delays and single weights."""
    n_pre, n_post = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    multapses = draw(st.booleans())
    pair = st.tuples(st.integers(0, n_pre - 1), st.integers(0, n_post - 1))
    edges = draw(st.lists(pair, max_size=20, unique=not multapses))
    pre, post = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    n = len(edges)
    weight = st.integers(-8, 8).map(lambda k: k / 4)
    weights = draw(weight) if draw(st.booleans()) else [draw(weight) for _ in range(n)]
    delays = [draw(st.integers(1, 255)) for _ in range(n)] if draw(st.booleans()) else None
    s = Synapses.from_edges(
        pre, post, weights, n_pre=n_pre, n_post=n_post, delays=delays, multapses=multapses
    )
    if draw(st.booleans()):
        return Synapses(
            n_post, n_pre, s.indptr, s.indices, s.weights, s.delays, multapses=multapses
        )
    return s


def edges_by_pre(s: Synapses) -> list[Edge]:
    fan = s.by_pre
    pre = np.repeat(np.arange(s.n_pre), np.diff(fan.indptr))
    delays = np.zeros(s.n_active) if fan.delays is None else fan.delays
    columns = (pre.tolist(), fan.post.tolist(), fan.weights.tolist(), delays.tolist())
    return list(zip(*columns, strict=True))


def edges_by_post(s: Synapses) -> list[Edge]:
    delays = np.zeros(s.n_active) if s.delays is None else s.delays
    columns = (s.indices.tolist(), s.post.tolist(), s.weights.tolist(), delays.tolist())
    return list(zip(*columns, strict=True))


@given(multigraphs(), st.sampled_from([1, 7, 1 << 20]))
def test_both_layouts_hold_the_same_synapses(s: Synapses, chunk: int) -> None:
    with mock.patch.object(rows, "CHUNK", chunk):
        by_pre, by_post = edges_by_pre(s), edges_by_post(s)
    assert sorted(by_pre) == sorted(by_post)
    # equal pairs keep their order
    assert by_pre == sorted(by_post, key=lambda edge: edge[:2])
    assert by_post == sorted(by_pre, key=lambda edge: (edge[1], edge[0]))
    assert (s.by_pre is s.stored) != (s.by_post is s.stored)
    assert s.by_pre is s.by_pre
    for view in (s.by_pre, s.by_post):
        assert not any(array.flags.writeable for array in view if array is not None)
        assert (view.delays is None) == (s.delays is None)


@given(multigraphs())
def test_the_other_layout_is_equal_to_its_origin(s: Synapses) -> None:
    fan, constant = s.by_pre, s.constant_weight
    by_pre = Synapses.from_fan_out(s.n_pre, s.n_post, *fan, multapses=s.multapses)
    by_post = Synapses(
        s.n_post, s.n_pre, s.indptr, s.indices, s.weights, s.delays, multapses=s.multapses
    )
    assert by_pre == by_post == s
    assert by_pre.constant_weight == by_post.constant_weight == constant
    for other in (by_pre, by_post):
        assert np.array_equal(other.fan_in, np.bincount(s.post, minlength=s.n_post))
        assert np.array_equal(other.fan_out, np.bincount(s.indices, minlength=s.n_pre))
        assert (other.min_delay, other.max_delay) == (s.min_delay, s.max_delay)
        assert other.without_zeros() == s.without_zeros()
        assert pickle.loads(pickle.dumps(other)) == s
        assert copy.deepcopy(other).stored._fields == other.stored._fields


def test_what_simulation_asks_builds_no_second_view(rng: np.random.Generator) -> None:
    s = Synapses.random(9, 7, density=0.5, rng=rng, delays=lambda r, n: r.integers(2, 9, n))
    loop = Synapses.random(7, 7, density=0.5, rng=rng)
    net = Network(
        {"in": Population(9), "out": Population(7, LIF())},
        [Projection("in", "out", s), Projection("out", "out", loop)],
    )
    assert (net.n_synapses, net.n_potential_synapses) == (s.n_active + loop.n_active, 63 + 49)
    assert net.n_bytes == s.n_bytes + loop.n_bytes
    assert net.depths["out"] == s.min_delay
    assert (net.projections[0].max_delay, net.projections[1].max_delay) == (s.max_delay, 1)
    assert s.fan_in.sum() == s.fan_out.sum() == s.n_active
    assert (s.dtype, s.constant_weight, s.density) == (np.float32, 1.0, s.n_active / 63)
    assert "float32" in repr(s)
    assert s == pickle.loads(pickle.dumps(s))
    assert s.without_zeros() is s
    assert loop.delays is None
    assert s.with_weights(2.0).constant_weight == 2.0
    s.require_unique_pairs("s")
    assert "by_post" not in vars(s)
    assert "by_post" not in vars(loop)


# ---------------------------------------------------------------------- one weight for all


def one_weight(weight: Any = 0.5, **options: Any) -> Synapses:
    return Synapses.from_edges([0, 1, 2], [1, 0, 1], weight, n_pre=3, n_post=2, **options)


def test_one_weight_is_stored_once_in_every_view() -> None:
    s = one_weight()
    assert s.constant_weight == 0.5
    for weights in (s.weights, s.by_pre.weights, s.by_post.weights):
        assert weights.tolist() == [0.5, 0.5, 0.5]
        assert weights.strides == (0,)
        assert not weights.flags.writeable
    assert s.n_bytes == 4 * 8 + 3 * 2 + 4


def test_one_weight_equals_as_many_equal_weights() -> None:
    many = one_weight([0.5, 0.5, 0.5])
    assert many == one_weight()
    assert many.constant_weight is None
    assert one_weight(np.broadcast_to(0.5, 3)).constant_weight == 0.5


@pytest.mark.parametrize(
    ("weight", "dtype"),
    [(2, np.float32), (0.5, np.float32), (np.float64(0.5), np.float64), (np.int16(3), np.int16)],
)
def test_a_number_brings_its_dtype_to_the_primary_constructors(weight: Any, dtype: Any) -> None:
    by_post = Synapses(2, 1, [0, 1, 2], [0, 0], weight)
    by_pre = Synapses.from_fan_out(1, 2, [0, 2], [0, 1], weight)
    assert by_post == by_pre
    assert (by_post.constant_weight, by_post.dtype) == (weight, dtype)


def test_with_weights_keeps_what_it_can() -> None:
    s = one_weight(dtype=np.float64, delays=[1, 2, 3])
    twice = s.with_weights(1)
    assert (twice.constant_weight, twice.dtype) == (1.0, np.float64)
    assert twice.stored.indptr is s.stored.indptr
    assert twice.delays is not None
    by_indices = s.with_weights(np.arange(3.0))  # as ``indices`` are ordered
    assert by_indices.weights.tolist() == [0, 1, 2]
    assert by_indices.constant_weight is None
    assert np.array_equal(by_indices.by_post.delays, s.delays)  # type: ignore[arg-type]
    assert by_indices.with_weights(3).weights.tolist() == [3, 3, 3]
    with pytest.raises(ParameterError, match="weights: 1 of 1 entries are not finite"):
        s.with_weights(np.inf)
    with pytest.raises(ParameterError, match=r"weights: got 0\.5; allowed are whole"):
        one_weight(2, dtype=np.int16).with_weights(0.5)


def test_without_zeros_of_one_weight() -> None:
    assert one_weight(0.0).without_zeros().n_active == 0
    assert one_weight(0.0).without_zeros().shape == (2, 3)
    assert one_weight().without_zeros() == one_weight()


def test_one_weight_survives_copies_and_scipy() -> None:
    s = one_weight()
    for other in (copy.copy(s), copy.deepcopy(s), pickle.loads(pickle.dumps(s))):
        assert other == s
        assert (other.constant_weight, other.n_bytes) == (0.5, s.n_bytes)
        with pytest.raises(ValueError, match="read-only"):
            other.weights[0] = 1
    assert s.to_scipy().toarray().tolist() == [[0, 0.5, 0], [0.5, 0, 0.5]]
    assert Synapses.from_scipy(s.to_scipy()) == s


def test_one_synapse_keeps_the_kind_of_its_weight() -> None:
    for weight, constant in ((0.5, 0.5), ([0.5], None)):
        s = Synapses.from_edges([0], [0], weight, n_pre=1, n_post=1)
        assert s.constant_weight == pickle.loads(pickle.dumps(s)).constant_weight == constant


def test_no_synapses_have_no_weight() -> None:
    s = Synapses.from_edges([], [], 0.5, n_pre=2, n_post=2, delays=[])
    assert (s.constant_weight, s.min_delay, s.max_delay) == (None, None, None)
    assert s == pickle.loads(pickle.dumps(s))
    assert s.with_weights(2.0) == s


# ---------------------------------------------------------------------- multapses


def multi(**options: Any) -> Synapses:
    arguments: dict[str, Any] = {"weights": [1, 2, 4, 8], "multapses": True}
    return Synapses.from_edges(
        [1, 0, 1, 1], [0, 1, 0, 1], n_pre=2, n_post=2, **(arguments | options)
    )


@given(multigraphs())
def test_merging_keeps_the_matrix(s: Synapses) -> None:
    s = Synapses.from_fan_out(s.n_pre, s.n_post, *s.by_pre[:3], multapses=s.multapses)
    merged = s.merged()
    assert not merged.multapses
    assert np.array_equal(merged.to_scipy().toarray(), s.to_scipy().toarray())
    assert len({edge[:2] for edge in edges_by_pre(s)}) == merged.n_active == s.n_pairs
    merged.require_unique_pairs("merged")


def test_equal_pairs_keep_the_order_of_the_edges() -> None:
    s = multi(delays=[5, 6, 7, 8])
    assert s.n_active == 4
    assert edges_by_pre(s) == [(0, 1, 2, 6), (1, 0, 1, 5), (1, 0, 4, 7), (1, 1, 8, 8)]
    assert s.to_scipy().toarray().tolist() == [[0, 5], [2, 8]]


def test_merging_adds_up() -> None:
    assert edges_by_pre(multi().merged()) == [(0, 1, 2, 0), (1, 0, 5, 0), (1, 1, 8, 0)]
    equal = multi(delays=[5, 6, 5, 7], weights=0.5).merged()
    assert edges_by_pre(equal) == [(0, 1, 0.5, 6), (1, 0, 1, 5), (1, 1, 0.5, 7)]
    unique = one_weight()
    assert unique.merged() is unique


def test_what_cannot_be_merged_is_named() -> None:
    message = r"delays: 1 synapses differ in delay .* \(first: 5 and 7 steps\); they cannot be"
    with pytest.raises(TopologyError, match=message):
        multi(delays=[5, 6, 7, 8]).merged()
    with pytest.raises(ParameterError, match="weights: got 40000; allowed are whole numbers"):
        multi(weights=20_000, dtype=np.int16).merged()


def test_multapses_are_refused_where_they_have_no_place() -> None:
    with pytest.raises(TopologyError, match=r"edges: 1 pairs stand twice \(first: pre 1, post 0\)"):
        multi(multapses=False)
    with pytest.raises(TopologyError, match=r"here: holds multapses .*merge .*Synapses.merged\(\)"):
        multi().require_unique_pairs("here")
    doubled = {"indptr": [0, 2], "indices": [1, 1], "weights": 1.0}
    assert Synapses(1, 2, **doubled, multapses=True).n_active == 2
    with pytest.raises(TopologyError, match="not ascending within a row, or doubled"):
        Synapses(1, 2, **doubled)
    with pytest.raises(TopologyError, match=r"not ascending within a row \(first at 1\)"):
        Synapses(1, 2, [0, 2], [1, 0], 1.0, multapses=True)


# ---------------------------------------------------------------------- from_fan_out


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64, np.float64])
def test_fan_out_of_any_dtype(dtype: Any) -> None:
    s = Synapses.from_fan_out(2, 9, [0, 2, 3], np.array([1, 8, 0], dtype), 1.0)
    assert (s.by_pre.post.dtype, s.by_pre.post.tolist()) == (np.uint16, [1, 8, 0])
    assert s.indices.tolist() == [1, 0, 0]


def test_fan_out_shares_what_fits() -> None:
    post, weights = np.array([0, 2], np.uint16), np.array([1, 2], np.float32)
    s = Synapses.from_fan_out(1, 3, np.array([0, 2]), post, weights)
    assert np.shares_memory(s.by_pre.post, post)
    assert np.shares_memory(s.by_pre.weights, weights)
    assert post.flags.writeable


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"n_pre": 0}, ParameterError, "n_pre: got 0; allowed is"),
        ({"n_post": "3"}, ParameterError, "n_post: got '3'; allowed is"),
        ({"indptr": [0, 2]}, ShapeError, r"indptr: got shape \(2,\); expected \(3,\)"),
        ({"indptr": [0, 3, 2]}, TopologyError, "indptr: must start at 0 and never fall"),
        ({"indptr": [-1, 1, 2]}, TopologyError, "indptr: must start at 0 and never fall"),
        ({"post": [0]}, ShapeError, r"post: got shape \(1,\); expected \(2,\)"),
        ({"post": [0, 3]}, TopologyError, r"post: 1 entries outside 0..2 \(first at 1: 3\)"),
        ({"post": [0, 2**16]}, TopologyError, "post: 1 entries outside 0..2"),
        ({"post": [-1, 0]}, TopologyError, r"post: 1 entries outside .*at 0: -1\)"),
        ({"post": [0.5, 1]}, ParameterError, "post: got 0.5; allowed are whole numbers"),
        ({"post": [np.nan, 1]}, ParameterError, "post: got nan; allowed are whole numbers"),
        ({"post": ["a", "b"]}, ParameterError, "post: got dtype"),
        ({"post": [1, 1]}, TopologyError, r"post: not ascending .* or doubled \(first at 1\)"),
        ({"post": [2, 0]}, TopologyError, r"post: not ascending within a row"),
        ({"weights": np.ones(2, np.int64)}, ShapeError, "dtype int64; allowed is float32"),
        ({"weights": np.ones(3)}, ShapeError, r"weights: got shape \(3,\); expected \(2,\)"),
        ({"weights": np.broadcast_to(1.0, 3)}, ShapeError, r"weights: got shape \(3,\)"),
        ({"weights": np.nan}, ParameterError, "weights: 1 of 1 entries are not finite"),
        ({"weights": "x"}, ShapeError, "weights: got dtype"),
        ({"delays": [0, 1]}, ParameterError, "delays: got 0; allowed is 1 to 255"),
        ({"delays": [1, 256]}, ParameterError, "delays: got 256; allowed is 1 to 255"),
        ({"delays": [1]}, ShapeError, r"delays: got shape \(1,\); expected \(2,\)"),
    ],
)
def test_bad_fan_out_is_named(
    change: dict[str, Any], error: type[NeurosparseError], message: str
) -> None:
    arguments: dict[str, Any] = {
        "n_pre": 2,
        "n_post": 3,
        "indptr": [0, 2, 2],
        "post": [0, 2],
        "weights": 1.0,
    }
    Synapses.from_fan_out(**arguments)
    with pytest.raises(error, match=message):
        Synapses.from_fan_out(**(arguments | change))


def test_checking_given_rows_needs_no_copies() -> None:
    n_pre, fan_out = 1000, 4000
    post = np.tile(np.arange(fan_out, dtype=np.uint16) * 2, n_pre)
    indptr = np.arange(0, post.size + 1, fan_out)
    tracemalloc.start()
    try:
        s = Synapses.from_fan_out(n_pre, 2 * fan_out, indptr, post, 1.0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert s.n_active == 4_000_000
    assert peak < 1.5 * rows.CHUNK  # bytes: one comparison per entry of a chunk


def test_a_fall_is_found_in_any_chunk() -> None:
    for place in range(1, 12):
        indices = np.arange(12)
        indices[place] = indices[place - 1]
        for chunk in (1, 3, 100):
            with mock.patch.object(rows, "CHUNK", chunk):
                with pytest.raises(TopologyError, match=rf"first at {place}\)"):
                    Synapses(1, 12, [0, 12], indices, 1.0)
                Synapses(2, 12, [0, place, 12], indices, 1.0)
