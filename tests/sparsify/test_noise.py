"""Moments of the prior and of the thermal noise."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from neurosparse.errors import ParameterError
from neurosparse.simulate.philox_kernels import WORDS
from neurosparse.sparsify import Langevin
from neurosparse.sparsify.noise_kernels import (
    HALF,
    add_langevin,
    add_langevin_parallel,
    make_normal,
)
from tests.sparsify.layers import make_layer

P_LEAST = 1e-3  # seeds are fixed: a wrong law gives far less, a right one never flickers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("eta", "l1", "temperature"), [(0.1, 0.5, 0.02), (0.01, 3.0, 1.0)])
def test_mean_and_variance_of_a_move(eta: float, l1: float, temperature: float, dtype: Any) -> None:
    n = 40_000
    layer = make_layer(400, 400, n, np.random.default_rng(1), learning_rate=eta)
    layer.weights = layer.weights.astype(dtype)
    before = layer.weights.copy()
    held = layer.weights
    Langevin(l1, temperature)(layer, np.random.default_rng(2))
    assert layer.weights is held  # in place
    moved = (layer.weights - before).astype(np.float64) * layer.signs
    variance = 2 * eta * temperature
    # five standard errors of a mean and of a variance
    assert abs(moved.mean() + eta * l1) < 5 * np.sqrt(variance / n)
    assert abs(moved.var() / variance - 1) < 5 * np.sqrt(2 / n)
    excess = ((moved - moved.mean()) ** 4).mean() / moved.var() ** 2 - 3
    assert abs(excess) < 5 * np.sqrt(24 / n)  # normal, not uniform


@pytest.mark.parametrize(("l1", "l2"), [(1e-5, 0.0), (0.0, 5e-4)])
@pytest.mark.parametrize("size", [0.1, 0.3, 0.6])
def test_a_pull_below_the_last_place_of_a_weight_counts_in_the_mean(
    size: float, l1: float, l2: float
) -> None:
    """In float32 a pull of 1e-8 moves no weight of 0.3 by itself; noise carries it."""
    n, eta, temperature = 1_000_000, 1e-3, 2.5e-11
    layer = make_layer(1000, 1000, n, np.random.default_rng(1), learning_rate=eta)
    layer.weights[:] = np.float32(size) * layer.signs
    start = layer.weights.astype(np.float64)
    Langevin(l1, temperature, l2)(layer, np.random.default_rng(2))
    moved = layer.signs * (layer.weights.astype(np.float64) - start)
    place = np.spacing(np.float32(size))  # rounding adds up to a twelfth of its square
    deviation = math.sqrt((2 * eta * temperature + float(place) ** 2 / 12) / n)
    assert moved.mean() == pytest.approx(-eta * (l1 + l2 * size), abs=5 * deviation)
    assert 5 * deviation < eta * (l1 + l2 * size) / 2  # such a test tells it from nothing


def test_the_prior_alone_is_exact_and_draws_nothing() -> None:
    layer = make_layer(5, 5, 10, np.random.default_rng(1), learning_rate=0.25)
    before = layer.weights.copy()
    rng = np.random.default_rng(2)
    Langevin(l1=0.5, temperature=0)(layer, rng)
    np.testing.assert_array_equal(layer.weights, before - np.float32(0.125) * layer.signs)
    assert rng.random() == np.random.default_rng(2).random()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("l1", [0.0, 0.5])
def test_the_gaussian_prior_pulls_in_proportion(l1: float, dtype: Any) -> None:
    """``theta -= eta (alpha + beta theta)``, one by one; nothing is drawn."""
    layer = make_layer(5, 5, 20, np.random.default_rng(1), learning_rate=0.25)
    layer.weights = layer.weights.astype(dtype)
    before = layer.weights.tolist()
    rng = np.random.default_rng(2)
    Langevin(l1, temperature=0, l2=0.4)(layer, rng)
    assert rng.random() == np.random.default_rng(2).random()
    for now, w, sign in zip(layer.weights.tolist(), before, layer.signs.tolist(), strict=True):
        theta = sign * w
        theta -= 0.25 * (l1 + 0.4 * theta)
        assert now == pytest.approx(sign * theta, rel=1e-6, abs=1e-7)


def test_mean_and_variance_under_a_gaussian_prior() -> None:
    n, eta, l1, temperature, l2 = 40_000, 0.1, 0.5, 0.02, 3.0
    layer = make_layer(400, 400, n, np.random.default_rng(1), learning_rate=eta)
    before = layer.weights.astype(np.float64)
    Langevin(l1, temperature, l2)(layer, np.random.default_rng(2))
    moved = layer.signs * (layer.weights - before * (1 - eta * l2))
    variance = 2 * eta * temperature
    assert abs(moved.mean() + eta * l1) < 5 * np.sqrt(variance / n)
    assert abs(moved.var() / variance - 1) < 5 * np.sqrt(2 / n)
    assert abs(np.corrcoef(moved, before)[0, 1]) < 5 / np.sqrt(n)


def test_under_a_gaussian_prior_weights_come_to_its_law() -> None:
    """Without a loss: ``N(0, T / beta)``, cut at nothing by no one here (equation 2)."""
    layer = make_layer(100, 100, 5000, np.random.default_rng(1), learning_rate=0.05)
    rng = np.random.default_rng(2)
    for _ in range(400):
        Langevin(temperature=0.3, l2=2.0)(layer, rng)
    # a step of size eta beta = 0.1 gives the variance T / beta / (1 - eta beta / 2)
    scale = np.sqrt(0.3 / 2.0 / (1 - 0.05))
    assert stats.kstest(layer.weights / scale, "norm").pvalue > P_LEAST


@pytest.mark.parametrize("n", [1, 255, 256, 257, 1000])
def test_every_weight_gets_a_number_of_its_own(n: int) -> None:
    """Whatever the number of synapses: the last block of numbers is cut."""
    layer = make_layer(40, 40, n, np.random.default_rng(1), learning_rate=0.5)
    layer.weights[:] = 0
    Langevin(temperature=1.0)(layer, np.random.default_rng(2))
    assert len(set(layer.weights.tolist())) == n


@pytest.mark.parametrize("n", [0, 1, 256, 1000])
@pytest.mark.parametrize("n_parts", [1, 2, 3, 7])
def test_parts_beside_each_other_draw_the_same_numbers(n: int, n_parts: int) -> None:
    signs = np.ones(n, dtype=np.int8)
    one, other = np.zeros((2, n), dtype=np.float32)
    add_langevin(one, signs, 0.9, 0.5, 1.0, 7)
    add_langevin_parallel(other, signs, 0.9, 0.5, 1.0, 7, n_parts)
    np.testing.assert_array_equal(one, other)


def test_same_generator_same_numbers_in_either_precision() -> None:
    moved = []
    for dtype in (np.float32, np.float32, np.float64):
        layer = make_layer(40, 40, 300, np.random.default_rng(1), learning_rate=0.5)
        layer.weights = np.zeros(300, dtype=dtype)
        rng = np.random.default_rng(2)
        for _ in range(2):
            Langevin(temperature=1.0)(layer, rng)
            moved.append(layer.weights.copy())
    np.testing.assert_array_equal(moved[0], moved[2])
    np.testing.assert_array_equal(moved[1], moved[3])
    np.testing.assert_array_equal(moved[0], moved[4].astype(np.float32))
    # the second call draws others
    assert abs(np.corrcoef(moved[0], moved[1] - moved[0])[0, 1]) < 5 / np.sqrt(300)


# ------------------------------------------------------------------ the normal numbers


@functools.cache
def million(key: int = 2024) -> NDArray[np.float64]:
    """Return about 10^6 numbers of one key, as a layer gets them."""
    n = 4000 * WORDS
    weights = np.zeros(n, dtype=np.float32)
    add_langevin(weights, np.ones(n, dtype=np.int8), 1.0, 0.0, 1.0, key)
    return weights.astype(np.float64)


def exact_normal(words: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Do in float64 what `make_normal` says it does."""
    first, second = words[:HALF].astype(np.float64), words[HALF:]
    radius = np.sqrt(-2 * np.log((np.floor(first / 2) + 0.5) / 2**31))
    angle = ((second & 0x3FFFFFFF).astype(np.float64) - 2**29) * (np.pi / 2 / 2**30)
    radius = np.where(second >> 31, radius, -radius)
    swap = (second >> 30) & 1 == 1
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.concatenate(
        [radius * np.where(swap, sine, cosine), radius * np.where(swap, cosine, sine)]
    )


def test_the_transform_is_that_of_box_and_muller() -> None:
    words = np.random.default_rng(3).integers(0, 2**32, WORDS, dtype=np.uint32)
    edge = [0, 1, 2, 3, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, 2**30, 3 * 2**30, 2**30 - 1]
    words[: len(edge)] = edge
    words[HALF : HALF + len(edge)] = edge[::-1]
    out, plain = np.empty(WORDS, dtype=np.float32), np.empty(WORDS, dtype=np.float32)
    make_normal(words, out)
    np.testing.assert_allclose(out, exact_normal(words), rtol=1e-6, atol=4e-4)
    # where the radius is not close to 0, whose uniform number is close to 1
    far = np.abs(np.tile(words[:HALF], 2)) < 0.99 * 2**32
    np.testing.assert_allclose(out[far], exact_normal(words)[far], rtol=2e-6, atol=2e-6)
    getattr(make_normal, "py_func", make_normal)(words, plain)
    np.testing.assert_array_equal(out, plain)  # compiled or not, on any machine


def test_every_radius_is_a_number() -> None:
    """The ends of the range of words, where a logarithm of 0 or above 1 would show."""
    for base in (0, 2**31 - HALF // 2, 2**32 - HALF):
        words = np.full(WORDS, 2**29, dtype=np.uint32)
        words[:HALF] = base + np.arange(HALF)
        out = np.empty(WORDS, dtype=np.float32)
        make_normal(words, out)
        assert np.isfinite(out).all()
        assert np.abs(out).max() < 6.7


def test_numbers_are_normal() -> None:
    x = million()
    n = x.size
    assert stats.kstest(x, "norm").pvalue > P_LEAST
    assert stats.kstest(x[: n // 100], "norm").pvalue > P_LEAST
    assert abs(x.mean()) < 4 / np.sqrt(n)
    assert abs(x.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs((x**3).mean()) < 4 * np.sqrt(15 / n)
    assert abs((x**4).mean() - 3) < 4 * np.sqrt(96 / n)


@pytest.mark.parametrize("limit", [2.0, 3.0, 4.0, 4.5])
@pytest.mark.parametrize("side", [-1, 1])
def test_tails_are_as_heavy_as_they_should_be(limit: float, side: int) -> None:
    x = np.concatenate([million(key) for key in range(4)])
    n_beyond = int((side * x > limit).sum())
    assert stats.binomtest(n_beyond, x.size, stats.norm.sf(limit)).pvalue > P_LEAST


@pytest.mark.parametrize("power", [1, 2])
def test_numbers_are_independent(power: int) -> None:
    """Neighbours, the two of a pair (which share a radius), and lanes, words and blocks apart."""
    x = million() ** power
    x = (x - x.mean()) / x.std()
    lags = [1, 2, 3, 7, 16, 32, 64, HALF - 1, HALF, HALF + 1, 3 * HALF, WORDS, 2 * WORDS, 5000]
    products = np.array([(x[:-lag] * x[lag:]).mean() * np.sqrt(x.size - lag) for lag in lags])
    assert np.abs(products).max() < 4
    by_block = x.reshape(-1, 2, HALF)
    pairs = (by_block[:, 0] * by_block[:, 1]).mean() * np.sqrt(x.size / 2)
    assert abs(pairs) < 4
    # and steps apart: keys that differ in a bit
    for bit in (0, 1, 31, 32, 62):
        other = million(2024 ^ 1 << bit) ** power
        assert abs(np.corrcoef(x, other)[0, 1]) < 4 / np.sqrt(x.size)


def test_pairs_fill_the_plane_evenly() -> None:
    """Angles of pairs are uniform, in each of the four quarters and between them."""
    pairs = million().reshape(-1, 2, HALF)
    angles = np.arctan2(pairs[:, 1], pairs[:, 0]).ravel()
    assert stats.kstest((angles + np.pi) / (2 * np.pi), "uniform").pvalue > P_LEAST
    radius = np.hypot(pairs[:, 1], pairs[:, 0]).ravel()
    assert stats.kstest(radius, "rayleigh").pvalue > P_LEAST


@pytest.mark.parametrize("name", ["l1", "temperature", "l2"])
@pytest.mark.parametrize("bad", [-1e-9, np.nan, np.inf])
def test_bad_parameters(name: str, bad: float) -> None:
    with pytest.raises(ParameterError, match=f"{name}: got {bad!r}; allowed is >= 0"):
        Langevin(**{name: bad})
