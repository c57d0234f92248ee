from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from neurosparse.errors import NeurosparseError, ParameterError, ShapeError, TopologyError
from neurosparse.network import Synapses
from tests.strategies.exact import edge_lists, synapses


def dense(s: Synapses) -> NDArray[np.float64]:
    """Lay out the matrix by the definition of its arrays."""
    matrix = np.zeros(s.shape)
    for post in range(s.n_post):
        for k in range(s.indptr[post], s.indptr[post + 1]):
            matrix[post, s.indices[k]] += s.weights[k]
    return matrix


def float32(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


# ---------------------------------------------------------------------- constructors


@given(st.data())
def test_from_edges_places_every_edge(data: st.DataObject) -> None:
    n_pre, n_post = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 7))
    pre, post = data.draw(edge_lists(n_pre, n_post))
    weights = np.arange(1, pre.size + 1) / 4
    delays = 1 + np.arange(pre.size) % 255
    s = Synapses.from_edges(pre, post, weights, n_pre=n_pre, n_post=n_post, delays=delays)
    expected = np.zeros((n_post, n_pre))
    expected_delays = np.zeros((n_post, n_pre), dtype=int)
    for k in range(pre.size):
        expected[post[k], pre[k]] = weights[k]
        expected_delays[post[k], pre[k]] = delays[k]
    assert np.array_equal(dense(s), expected)
    assert s.delays is not None
    assert np.array_equal(expected_delays[s.post, s.indices], s.delays)
    assert (s.indices.dtype, s.weights.dtype, s.delays.dtype) == (np.int32, np.float32, np.uint8)


@given(synapses(max_delay=9))
def test_by_pre_is_the_same_matrix_transposed(s: Synapses) -> None:
    fan = s.by_pre
    rows = np.repeat(np.arange(s.n_pre), np.diff(fan.indptr))
    matrix = np.zeros(s.shape)
    matrix[fan.post, rows] = fan.weights
    assert np.array_equal(matrix, dense(s))
    keys = rows * s.n_post + fan.post
    assert np.all(np.diff(keys) > 0)  # targets ascend within a row
    assert s.by_pre is fan  # made once
    if s.delays is not None:
        assert fan.delays is not None
        by_pair = dict(zip(zip(s.indices, s.post, strict=True), s.delays, strict=True))
        seen = zip(rows, fan.post, strict=True)
        assert [by_pair[pair] for pair in seen] == fan.delays.tolist()
    assert np.array_equal(s.fan_out, (np.diff(fan.indptr)))
    assert np.array_equal(s.fan_in, np.bincount(s.post, minlength=s.n_post))


@given(synapses())
def test_scipy_round_trip(s: Synapses) -> None:
    assert Synapses.from_scipy(s.to_scipy()) == s
    assert np.array_equal(s.to_scipy().toarray(), dense(s))
    assert s.n_active == 0 or np.shares_memory(s.to_scipy().data, s.weights)


@given(synapses())
def test_without_zeros_keeps_the_matrix(s: Synapses) -> None:
    lean = s.without_zeros()
    assert np.array_equal(dense(lean), dense(s))
    assert lean.n_active == np.count_nonzero(dense(s))


def test_without_zeros_keeps_the_delays_of_the_rest() -> None:
    s = Synapses.from_edges([0, 1, 2], 3 * [0], [1, 0, 3], n_pre=3, n_post=1, delays=[4, 5, 6])
    lean = s.without_zeros()
    assert lean.delays is not None
    assert (lean.indices.tolist(), lean.delays.tolist()) == ([0, 2], [4, 6])


def test_all_to_all_keeps_zeros() -> None:
    matrix = [[0.0, 1.0, 2.0], [3.0, 0.0, -1.0]]
    s = Synapses.all_to_all(matrix)
    assert (s.n_active, s.density) == (6, 1.0)
    assert np.array_equal(dense(s), matrix)


def test_from_scipy_keeps_stored_zeros() -> None:
    matrix = csr_array((float32(0, 2), ([0, 1], [1, 0])), shape=(2, 3))
    assert Synapses.from_scipy(matrix).n_active == 2


@pytest.mark.parametrize("fan_in", [1, 3, 5])
def test_fixed_fan_in(rng: np.random.Generator, fan_in: int) -> None:
    s = Synapses.fixed_fan_in(5, 40, fan_in=fan_in, rng=rng, weights=0.5)
    assert s.fan_in.tolist() == [fan_in] * 40
    assert np.all(s.weights == 0.5)


@pytest.mark.parametrize("fan_out", [1, 3, 5])
def test_fixed_fan_out(rng: np.random.Generator, fan_out: int) -> None:
    s = Synapses.fixed_fan_out(40, 5, fan_out=fan_out, rng=rng)
    assert s.fan_out.tolist() == [fan_out] * 40


@given(
    n_pre=st.integers(1, 30),
    n_post=st.integers(1, 30),
    density=st.floats(1e-6, 1),
    seed=st.integers(0, 99),
)
def test_random_makes_the_number_asked_for(
    n_pre: int, n_post: int, density: float, seed: int
) -> None:
    s = Synapses.random(n_pre, n_post, density=density, rng=np.random.default_rng(seed))
    assert s.n_active == max(1, round(density * n_pre * n_post))
    assert s.shape == (n_post, n_pre)
    assert s == Synapses.random(n_pre, n_post, density=density, rng=np.random.default_rng(seed))


def test_drawn_weights_come_from_the_callable(rng: np.random.Generator) -> None:
    s = Synapses.random(
        9, 9, density=0.5, rng=rng, weights=lambda r, n: np.arange(n), dtype=np.float64
    )
    assert s.by_pre.weights.tolist() == list(range(s.n_active))  # in the order of storage
    assert s.weights.dtype == np.float64


def test_every_pair_is_equally_likely(rng: np.random.Generator) -> None:
    draws, hits = 4000, np.zeros((4, 5))
    for _ in range(draws):
        s = Synapses.random(5, 4, density=0.3, rng=rng)
        hits[s.post, s.indices] += 1
    expected = draws * 6 / 20
    # draws of 6 of 20 without replacement: variance of a count is n p (1 - p) 20 / 19 jointly
    chi_square = np.sum((hits - expected) ** 2) / (expected * (1 - 6 / 20)) * 19 / 20
    assert chi_square < 43.8  # 0.999 quantile of chi-square with 19 degrees of freedom


def test_memory_of_random_follows_the_synapses_not_the_pairs(rng: np.random.Generator) -> None:
    n, n_active = 100_000, 50_000  # 1e10 potential synapses: a bitmap alone would be 1.25 GB
    tracemalloc.start()
    try:
        s = Synapses.random(n, n, density=n_active / n**2, rng=rng)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert s.n_active == n_active
    assert peak < 100 * (n_active + n)  # bytes: a dozen vectors of one entry per synapse or neuron


# ---------------------------------------------------------------------- views


def test_sizes_and_bytes() -> None:
    s = Synapses.from_edges([0, 1], [0, 2], 1.0, n_pre=2, n_post=4, delays=[1, 2])
    assert (s.shape, s.n_active, s.n_potential, s.density) == ((4, 2), 2, 8, 0.25)
    assert s.n_bytes == 3 * 8 + 2 * 2 + 4 + 2  # by presynaptic row; the weight is stored once
    given = Synapses(4, 2, s.indptr, s.indices, float32(1, 2), s.delays)
    assert given.n_bytes == 5 * 8 + 2 * 4 + 2 * 4 + 2
    assert "2 of 8 active = 25 %, float32" in repr(s)


def test_with_weights_keeps_topology_and_delays() -> None:
    s = Synapses.from_edges([0, 1], [0, 1], 1.0, n_pre=2, n_post=2, delays=[3, 4])
    other = s.with_weights(float32(5, 6))
    assert other.weights.tolist() == [5, 6]
    assert np.array_equal(other.indices, s.indices)
    assert np.array_equal(other.delays, s.delays)
    with pytest.raises(ShapeError, match=r"weights: got shape \(1,\); expected \(2,\)"):
        s.with_weights(float32(1))


def test_equality_looks_at_everything() -> None:
    def build(**change: Any) -> Synapses:
        arguments: dict[str, Any] = {"n_pre": 3, "n_post": 2, "weights": [1, 2], "delays": [1, 2]}
        return Synapses.from_edges([0, 1], [0, 1], **(arguments | change))

    assert build() == build()
    assert build() != build(n_pre=4)
    assert build() != build(weights=[1, 3])
    assert build() != build(dtype=np.float64)
    assert build() != build(delays=[1, 3])
    assert build() != build(delays=None)
    assert build() != build(multapses=True)
    assert build() != Synapses.from_edges([0], [0], [1], n_pre=3, n_post=2, delays=[1])
    assert build(delays=None) == build(delays=None)
    assert build() != "synapses"


def test_arrays_are_read_only_but_the_callers_stay_writable() -> None:
    weights = float32(1, 2)
    s = Synapses(2, 1, np.array([0, 1, 2]), np.zeros(2, np.int32), weights)
    for array in (s.indptr, s.indices, s.weights, *s.by_pre[:3]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert weights.flags.writeable


def test_empty_synapses_are_allowed() -> None:
    s = Synapses.from_edges([], [], 1.0, n_pre=3, n_post=2)
    assert (s.n_active, s.by_pre.indptr.tolist()) == (0, [0, 0, 0, 0])
    assert s.without_zeros() == s


# ---------------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"n_post": 0}, ParameterError, "n_post: got 0; allowed is a whole number, 1 to"),
        ({"n_pre": 2.0}, ParameterError, "n_pre: got 2.0; allowed is a whole number"),
        ({"indptr": [0, 2]}, ShapeError, r"indptr: got shape \(2,\); expected \(3,\)"),
        ({"indptr": [1, 1, 2]}, TopologyError, "indptr: must start at 0 and never fall"),
        ({"indptr": [0, 3, 2]}, TopologyError, "indptr: must start at 0 and never fall"),
        ({"indptr": [0, 0.5, 2]}, ParameterError, "indptr: got 0.5; allowed are whole numbers"),
        ({"indices": [0]}, ShapeError, r"indices: got shape \(1,\); expected \(2,\)"),
        ({"indices": [0, 3]}, TopologyError, r"indices: 1 entries outside 0..2 \(first at 1: 3\)"),
        ({"indices": [-1, 0]}, TopologyError, r"indices: 1 entries outside .*at 0: -1\)"),
        ({"indices": [0, 2**32]}, TopologyError, r"indices: 1 entries outside"),
        ({"indices": [0.5, 1]}, ParameterError, "indices: got 0.5; allowed are whole numbers"),
        (
            {"indices": [1, 1]},
            TopologyError,
            r"not ascending .* doubled \(first at 1\).*from_edges",
        ),
        ({"indices": [2, 0]}, TopologyError, r"not ascending within a row"),
        ({"weights": np.ones(2, np.int64)}, ShapeError, "dtype int64; allowed is float32, float64"),
        ({"weights": float32(1)}, ShapeError, r"weights: got shape \(1,\); expected \(2,\)"),
        ({"weights": float32(1, np.nan)}, ParameterError, r"1 of 2 .* not finite \(first at 1"),
        ({"weights": float32(np.inf, 1)}, ParameterError, "weights: 1 of 2 .* not finite"),
        ({"delays": [0, 1]}, ParameterError, r"delays: got 0; allowed is 1 to 255 .*the least"),
        ({"delays": [1, 256]}, ParameterError, "delays: got 256; allowed is 1 to 255"),
        ({"delays": [1, 1.5]}, ParameterError, "delays: got 1.5; allowed are whole numbers"),
        ({"delays": ["a", "b"]}, ParameterError, "delays: got dtype"),
        ({"delays": [1]}, ShapeError, r"delays: got shape \(1,\); expected \(2,\)"),
    ],
)
def test_bad_arrays_are_named(
    change: dict[str, Any], error: type[NeurosparseError], message: str
) -> None:
    arguments: dict[str, Any] = {
        "n_post": 2,
        "n_pre": 3,
        "indptr": [0, 2, 2],
        "indices": [0, 2],
        "weights": float32(1, 2),
    }
    Synapses(**arguments)
    with pytest.raises(error, match=message):
        Synapses(**(arguments | change))


def test_a_fall_is_allowed_only_where_a_row_begins() -> None:
    s = Synapses(3, 3, [0, 2, 2, 4], [1, 2, 0, 2], np.ones(4, np.float32))  # type: ignore[arg-type]
    assert s.post.tolist() == [0, 0, 2, 2]
    with pytest.raises(TopologyError, match="first at 2"):
        Synapses(3, 3, [0, 1, 1, 4], [1, 2, 0, 1], np.ones(4, np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"pre": [0, 3]}, TopologyError, r"pre: 1 entries outside 0..2 \(first at 1: 3\)"),
        ({"post": [0, -1]}, TopologyError, r"post: 1 entries outside 0..1 \(first at 1: -1\)"),
        ({"pre": [0]}, ShapeError, r"pre, post: got shapes \(1,\) and \(2,\); expected equal"),
        ({"pre": [0, 0.5]}, ParameterError, "pre: got 0.5; allowed are whole numbers"),
        ({"pre": [1, 1], "post": [0, 0]}, TopologyError, r"1 pairs stand twice \(first: pre 1, po"),
        ({"weights": [1, 2, 3]}, ShapeError, r"weights: got shape \(3,\); expected \(2,\)"),
        ({"weights": "big"}, ParameterError, "weights: got dtype"),
        ({"weights": 1e300}, ParameterError, "weights: 1 of 1 .* not finite .*inf"),
        ({"weights": lambda r, n: r.random(n)}, ParameterError, "rng: needed to draw weights"),
        ({"weights": [1, 0.5], "dtype": np.int16}, ParameterError, "weights: got 0.5; .*int16"),
        ({"weights": [1, 40000], "dtype": np.int16}, ParameterError, "got 40000; .* to 32767"),
        ({"delays": [1, 2, 3]}, ShapeError, r"delays: got shape \(3,\); expected \(2,\)"),
        ({"delays": 2}, ShapeError, r"delays: got shape \(\); expected \(2,\)"),
        ({"n_pre": 2**31}, ParameterError, "n_pre: got 2147483648; allowed is .* 1 to 2147483647"),
    ],
)
def test_bad_edges_are_named(
    change: dict[str, Any], error: type[NeurosparseError], message: str
) -> None:
    arguments: dict[str, Any] = {
        "pre": [0, 2],
        "post": [0, 1],
        "weights": 1.0,
        "n_pre": 3,
        "n_post": 2,
    }
    with pytest.raises(error, match=message):
        Synapses.from_edges(**(arguments | change))


@pytest.mark.parametrize("density", [0, -0.1, 1.0001, float("nan"), "half", None])
def test_density_out_of_range(rng: np.random.Generator, density: Any) -> None:
    with pytest.raises(ParameterError, match=r"density: got .*; allowed is 0 < value <= 1"):
        Synapses.random(3, 3, density=density, rng=rng)


def test_fan_out_of_range(rng: np.random.Generator) -> None:
    with pytest.raises(ParameterError, match="fan_in: got 4; allowed is a whole number, 1 to 3"):
        Synapses.fixed_fan_in(3, 2, fan_in=4, rng=rng)
    with pytest.raises(ParameterError, match="fan_out: got 0; allowed is a whole number, 1 to 2"):
        Synapses.fixed_fan_out(3, 2, fan_out=0, rng=rng)


def test_other_matrices_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"weights: got shape \(3,\); expected \(n_post, n_pre\)"):
        Synapses.all_to_all([1, 2, 3])
    with pytest.raises(ParameterError, match="weights: 1 of 2 entries are not finite"):
        Synapses.all_to_all([[1.0, np.nan]])
    with pytest.raises(ParameterError, match=r"matrix: got a ndarray; .*Synapses.all_to_all"):
        Synapses.from_scipy(np.eye(2))
    doubled = coo_array((float32(1, 2), ([0, 0], [0, 0])), shape=(1, 1))
    with pytest.raises(TopologyError, match="stand twice"):
        Synapses.from_scipy(doubled)
