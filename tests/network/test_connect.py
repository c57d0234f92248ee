"""The random constructors: exact numbers, exact distributions, memory, and what they refuse."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations, product
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from neurosparse.errors import NeurosparseError, ParameterError, ShapeError
from neurosparse.network import Synapses, rows, sampling

Build = Callable[..., Synapses]
Pairs = list[tuple[int, int]]

UNIQUE: dict[str, tuple[Build, dict[str, Any]]] = {
    "random": (Synapses.random, {"density": 0.4}),
    "bernoulli": (Synapses.bernoulli, {"probability": 0.4}),
    "fixed_fan_in": (Synapses.fixed_fan_in, {"fan_in": 2}),
    "fixed_fan_out": (Synapses.fixed_fan_out, {"fan_out": 2}),
    "fixed_total": (Synapses.fixed_total, {"n_synapses": 5}),
}
WITH_MULTAPSES = ("fixed_fan_in", "fixed_fan_out", "fixed_total")


@contextmanager
def small_chunks(size: int) -> Iterator[None]:
    with mock.patch.object(sampling, "CHUNK", size), mock.patch.object(rows, "CHUNK", size):
        yield


def pairs(s: Synapses) -> Pairs:
    """List (pre, post) in the order of storage by presynaptic row."""
    pre = np.repeat(np.arange(s.n_pre), np.diff(s.by_pre.indptr))
    return list(zip(pre.tolist(), s.by_pre.post.tolist(), strict=True))


# ---------------------------------------------------------------------- what is made


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, int, int, dict[str, Any]]:
    """Draw a constructor, sizes and arguments that it must accept."""
    name = draw(st.sampled_from(sorted(UNIQUE)))
    n_pre, n_post = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    options: dict[str, Any] = {}
    widths = {"fixed_fan_in": n_pre, "fixed_fan_out": n_post, "fixed_total": n_pre * n_post}
    if draw(st.booleans()):
        n_pre = n_post = draw(st.integers(2, 12))
        options["autapses"] = False
        widths = dict.fromkeys(widths, n_pre - 1) | {"fixed_total": n_pre * (n_pre - 1)}
    if name in WITH_MULTAPSES:
        options["multapses"] = draw(st.booleans())
        key = {"fixed_total": "n_synapses"}.get(name, name.removeprefix("fixed_"))
        most = 30 if options["multapses"] else widths[name]
        options[key] = draw(st.integers(0 if name == "fixed_total" else 1, most))
    else:
        key = {"random": "density", "bernoulli": "probability"}[name]
        options[key] = draw(st.floats(1e-6, 1))
    return name, n_pre, n_post, options


@given(requests(), st.integers(0, 99), st.sampled_from([1, 5, 1 << 18]))
def test_what_is_asked_for_is_made(
    request_: tuple[str, int, int, dict[str, Any]], seed: int, chunk: int
) -> None:
    name, n_pre, n_post, options = request_
    build = UNIQUE[name][0]
    with small_chunks(chunk):
        s = build(n_pre, n_post, rng=np.random.default_rng(seed), **options)
        again = build(n_pre, n_post, rng=np.random.default_rng(seed), **options)
        given_again = Synapses(
            n_post, n_pre, s.indptr, s.indices, s.weights, multapses=s.multapses
        )  # validates
    assert s == again == given_again
    assert s.shape == (n_post, n_pre)
    multapses = options.get("multapses", False)
    autapses = options.get("autapses", True)
    assert s.multapses == multapses
    made = pairs(s)
    assert made == sorted(made)
    assert multapses or len(set(made)) == len(made)
    assert autapses or all(pre != post for pre, post in made)
    if name == "fixed_fan_in":
        assert s.fan_in.tolist() == n_post * [options["fan_in"]]
    elif name == "fixed_fan_out":
        assert s.fan_out.tolist() == n_pre * [options["fan_out"]]
    elif name == "fixed_total":
        assert s.n_active == options["n_synapses"]
    elif name == "random":
        n_potential = n_pre * (n_post - (not autapses))
        assert s.n_active == max(1, round(options["density"] * n_potential))


@pytest.mark.parametrize("name", UNIQUE)
def test_they_are_stored_by_presynaptic_row_with_one_weight(
    name: str, rng: np.random.Generator
) -> None:
    build, options = UNIQUE[name]
    s = build(6, 5, rng=rng, weights=0.25, **options)
    assert s.stored is s.by_pre
    assert s.by_pre.post.dtype == np.uint16
    assert s.constant_weight == 0.25
    assert s.delays is None
    assert build(6, 5, rng=rng, weights=2, dtype=np.int16, **options).dtype == np.int16


@pytest.mark.parametrize("name", UNIQUE)
def test_weights_and_delays_are_drawn_in_the_order_of_storage(
    name: str, rng: np.random.Generator
) -> None:
    build, options = UNIQUE[name]
    s = build(
        6,
        5,
        rng=rng,
        weights=lambda r, n: np.arange(n),
        delays=lambda r, n: 1 + np.arange(n),
        dtype=np.float64,
        **options,
    )
    assert s.by_pre.weights.tolist() == list(range(s.n_active))
    assert s.by_pre.delays is not None
    assert s.by_pre.delays.tolist() == list(range(1, s.n_active + 1))
    assert s.by_pre.delays.dtype == np.uint8


def test_given_weights_and_delays_are_taken(rng: np.random.Generator) -> None:
    s = Synapses.fixed_total(
        3, 3, n_synapses=2, weights=np.array([1, 2]), delays=np.array([7, 8]), rng=rng
    )
    assert s.by_pre.weights.tolist() == [1, 2]
    assert (s.min_delay, s.max_delay) == (7, 8)


@pytest.mark.parametrize(("n", "dtype"), [(1 << 16, np.uint16), ((1 << 16) + 1, np.int32)])
def test_index_width_follows_the_target(n: int, dtype: type[Any], rng: np.random.Generator) -> None:
    s = Synapses.fixed_total(3, n, n_synapses=1000, rng=rng)
    assert s.by_pre.post.dtype == dtype
    assert s.by_pre.post.max() > n - n // 20
    skipping = Synapses.fixed_fan_out(n, n, fan_out=2, autapses=False, rng=rng)
    assert skipping.by_pre.post.dtype == dtype
    assert skipping.by_pre.post.max() == n - 1
    assert not np.any(skipping.by_pre.post == np.repeat(np.arange(n), 2))


def test_more_pairs_than_an_int32_counts(rng: np.random.Generator) -> None:
    s = Synapses.random(100_000, 100_000, density=1e-7, rng=rng)
    assert s.n_active == 1000
    assert s.by_pre.post.max() > 2**16
    huge = Synapses.fixed_fan_out(2, 2**31 - 1, fan_out=3, rng=rng)
    assert huge.by_pre.post.max() > 2**28


# ---------------------------------------------------------------------- distributions


def assert_frequencies(
    build: Callable[[], Synapses], probabilities: dict[tuple[Any, ...], float], draws: int
) -> None:
    """Compare how often each set of pairs is drawn with its probability (chi-square)."""
    seen = Counter(tuple(pairs(build())) for _ in range(draws))
    assert set(seen) <= set(probabilities)
    assert sum(probabilities.values()) == pytest.approx(1)
    statistic = sum(
        (seen[key] - draws * p) ** 2 / (draws * p) for key, p in probabilities.items() if p > 0
    )
    assert statistic < chi2.ppf(0.9999, max(1, len(probabilities) - 1))


def potential(n_pre: int, n_post: int, autapses: bool = True) -> Pairs:
    return [(j, i) for j, i in product(range(n_pre), range(n_post)) if autapses or i != j]


def multisets(cells: Pairs, n: int) -> dict[tuple[Any, ...], float]:
    """Probability of every multiset of ``n`` independent draws of a cell."""
    sets = Counter(tuple(sorted(drawn)) for drawn in product(cells, repeat=n))
    return {key: count / len(cells) ** n for key, count in sets.items()}


def joined(parts: list[dict[tuple[Any, ...], float]]) -> dict[tuple[Any, ...], float]:
    """Joint probability of independent choices, their pairs sorted."""
    all_ = {(): 1.0}
    for part in parts:
        all_ = {tuple(sorted(a + b)): p * q for a, p in all_.items() for b, q in part.items()}
    return all_


def subsets(cells: Pairs, n: int) -> dict[tuple[Any, ...], float]:
    chosen = list(combinations(cells, n))
    return dict.fromkeys(chosen, 1 / len(chosen))


@pytest.mark.parametrize("chunk", [1, 1 << 18], ids=["row by row", "at once"])
@pytest.mark.parametrize("n", [1, 3, 5])
def test_every_set_of_pairs_is_equally_likely(n: int, chunk: int, rng: np.random.Generator) -> None:
    with small_chunks(chunk):
        assert_frequencies(
            lambda: Synapses.fixed_total(2, 3, n_synapses=n, rng=rng),
            subsets(potential(2, 3), n),
            3000,
        )


@pytest.mark.parametrize("n", [2, 4])
def test_every_set_without_autapses_is_equally_likely(n: int, rng: np.random.Generator) -> None:
    assert_frequencies(
        lambda: Synapses.fixed_total(3, 3, n_synapses=n, rng=rng, autapses=False),
        subsets(potential(3, 3, autapses=False), n),
        3000,
    )


@pytest.mark.parametrize("autapses", [True, False])
def test_multapses_choose_their_pairs_independently(
    autapses: bool, rng: np.random.Generator
) -> None:
    assert_frequencies(
        lambda: Synapses.fixed_total(
            2, 2, n_synapses=3, rng=rng, multapses=True, autapses=autapses
        ),
        multisets(potential(2, 2, autapses), 3),
        3000,
    )


@pytest.mark.parametrize("multapses", [False, True])
@pytest.mark.parametrize("autapses", [False, True])
@pytest.mark.parametrize("side", ["fan_in", "fan_out"])
def test_partners_are_chosen_uniformly(
    side: str, autapses: bool, multapses: bool, rng: np.random.Generator
) -> None:
    build = {"fan_in": Synapses.fixed_fan_in, "fan_out": Synapses.fixed_fan_out}[side]
    place = {"fan_in": 1, "fan_out": 0}[side]
    cells = potential(3, 3, autapses)
    own = [[cell for cell in cells if cell[place] == neuron] for neuron in range(3)]
    n = 2 if autapses or multapses else 1  # of 3 or 2 partners
    choices = [multisets(row, n) if multapses else subsets(row, n) for row in own]
    assert_frequencies(
        lambda: build(3, 3, rng=rng, multapses=multapses, autapses=autapses, **{side: n}),
        joined(choices),
        4000,
    )


@pytest.mark.parametrize("probability", [0.0, 0.2, 0.7, 1.0])
def test_bernoulli_connects_every_pair_independently(
    probability: float, rng: np.random.Generator
) -> None:
    cells = potential(2, 2)
    assert_frequencies(
        lambda: Synapses.bernoulli(2, 2, probability=probability, rng=rng),
        {
            tuple(chosen): probability**n * (1 - probability) ** (4 - n)
            for n in range(5)
            for chosen in combinations(cells, n)
            if 0 < probability < 1 or n == 4 * probability
        },
        3000,
    )


@pytest.mark.parametrize("probability", [0.03, 0.3, 0.6, 0.97])
def test_large_draws_are_uniform_over_rows_and_columns(
    probability: float, rng: np.random.Generator
) -> None:
    n = 600
    s = Synapses.random(n, n, density=probability, rng=rng)  # several chunks
    mean, variance = probability * n, probability * (1 - probability) * n
    for degrees in (s.fan_in, s.fan_out):
        statistic = np.sum((degrees - mean) ** 2) / variance
        assert chi2.ppf(1e-4, n - 1) < statistic < chi2.ppf(1 - 1e-4, n - 1)


# ---------------------------------------------------------------------- memory


@pytest.mark.parametrize(
    ("name", "multapses"),
    [*((name, False) for name in UNIQUE), *((name, True) for name in WITH_MULTAPSES)],
)
def test_memory_follows_what_is_stored(
    name: str, multapses: bool, rng: np.random.Generator
) -> None:
    n_pre, n_post, n_active = 5000, 60_000, 6_000_000  # 3e8 pairs: a bitmap would be 37 MB
    amount = {
        "random": {"density": n_active / n_pre / n_post},
        "bernoulli": {"probability": n_active / n_pre / n_post},
        "fixed_fan_in": {"fan_in": n_active // n_post},
        "fixed_fan_out": {"fan_out": n_active // n_pre},
        "fixed_total": {"n_synapses": n_active},
    }[name]
    if multapses:
        amount["multapses"] = True
    tracemalloc.start()
    try:
        s = UNIQUE[name][0](n_pre, n_post, rng=rng, **amount)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert s.n_active == pytest.approx(n_active, rel=1e-2)
    assert s.n_bytes < 2.1 * n_active
    transposing = 48 * rows.CHUNK  # bytes: keys, positions, order and places of one chunk
    assert peak < (2 * s.n_bytes + transposing if name == "fixed_fan_in" else 2 * s.n_bytes)
    assert set(vars(s)) == {"n_pre", "n_post", "multapses", "stored"}


# ---------------------------------------------------------------------- messages


@pytest.mark.parametrize("name", UNIQUE)
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"n_pre": 0}, ParameterError, "n_pre: got 0; allowed is a whole number, 1 to 2147483647"),
        ({"n_post": 2.5}, ParameterError, "n_post: got 2.5; allowed is a whole number"),
        ({"n_post": 2**31}, ParameterError, "n_post: got 2147483648; allowed is"),
        ({"rng": 3}, ParameterError, r"rng: got 3; pass numpy.random.default_rng\(seed\)"),
        ({"rng": None}, ParameterError, "rng: got None; pass"),
        ({"autapses": False}, ParameterError, "autapses: got False for 4 -> 3 neurons; only a"),
        (
            {"autapses": False, "n_pre": 1, "n_post": 1},
            ParameterError,
            "autapses: got False for one neuron",
        ),
        ({"weights": np.ones(99)}, ShapeError, r"weights: got shape \(99,\); expected"),
        ({"weights": np.nan}, ParameterError, "weights: 1 of 1 entries are not finite"),
        ({"weights": "heavy"}, ParameterError, "weights: got dtype"),
        ({"weights": lambda r, n: 1.0}, ShapeError, r"weights: got shape \(\); expected"),
        ({"weights": 0.5, "dtype": np.int16}, ParameterError, "weights: got 0.5; allowed are whol"),
        ({"weights": 1, "dtype": np.int64}, ShapeError, "weights: got dtype int64; allowed is fl"),
        ({"delays": lambda r, n: np.zeros(n)}, ParameterError, "delays: got 0.0; allowed is 1 to"),
        ({"delays": lambda r, n: np.full(n, np.nan)}, ParameterError, "delays: got nan; allowed"),
        ({"delays": np.full(99, 1)}, ShapeError, r"delays: got shape \(99,\); expected"),
        ({"delays": 3}, ShapeError, r"delays: got shape \(\); expected"),
    ],
)
def test_bad_input_is_named(
    name: str,
    change: dict[str, Any],
    error: type[NeurosparseError],
    message: str,
    rng: np.random.Generator,
) -> None:
    build, options = UNIQUE[name]
    arguments = {"n_pre": 4, "n_post": 3, "rng": rng} | options
    with pytest.raises(error, match=message):
        build(**(arguments | change))


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (Synapses.fixed_fan_in, {"fan_in": 5}, "fan_in: got 5; allowed is a whole number, 1 to 4"),
        (Synapses.fixed_fan_in, {"fan_in": 0, "multapses": True}, "fan_in: got 0; .* >= 1"),
        (Synapses.fixed_fan_in, {"fan_in": 4, "autapses": False}, "fan_in: got 4; .* 1 to 3"),
        (Synapses.fixed_fan_out, {"fan_out": 2.0}, "fan_out: got 2.0; .* 1 to 4"),
        (Synapses.fixed_fan_out, {"fan_out": 4, "autapses": False}, "fan_out: got 4; .* 1 to 3"),
        (Synapses.fixed_total, {"n_synapses": 17}, "n_synapses: got 17; .* 0 to 16"),
        (Synapses.fixed_total, {"n_synapses": 13, "autapses": False}, "n_synapses: .* 0 to 12"),
        (Synapses.fixed_total, {"n_synapses": -1, "multapses": True}, "n_synapses: got -1; .* 0"),
        (Synapses.bernoulli, {"probability": 1.1}, "probability: got 1.1; allowed is 0 <= value"),
        (Synapses.bernoulli, {"probability": -0.1}, "probability: got -0.1; allowed is 0 <="),
        (Synapses.bernoulli, {"probability": np.nan}, "probability: got nan; allowed is"),
        (Synapses.random, {"density": 0}, "density: got 0; allowed is 0 < value <= 1"),
    ],
)
def test_amounts_out_of_range(
    build: Build, arguments: dict[str, Any], message: str, rng: np.random.Generator
) -> None:
    with pytest.raises(ParameterError, match=message):
        build(4, 4, rng=rng, **arguments)
