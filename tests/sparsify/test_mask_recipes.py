"""Recipes with dense state: soft-DEEP R and SNFS against loops over lists, and what all share."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.errors import ParameterError
from neurosparse.sparsify import Context
from neurosparse.sparsify.masks.lagrangian import HardThreshold
from neurosparse.sparsify.masks.momentum import share_out
from neurosparse.sparsify.masks.scheme import MaskView
from neurosparse.sparsify.recipes.masks import dnw, dpf, lc, snfs, soft_deep_r
from tests.sparsify import mask_reference as reference
from tests.sparsify.mask_training import (
    ETA,
    FINAL,
    MAKES,
    as_lists,
    compare,
    full_layers,
    goals,
    snfs_layers,
    train,
)

# ---------------------------------------------------------------------- soft-DEEP R


@pytest.mark.parametrize("final", [[6, 5, 4], 0.25])
def test_soft_deep_r_takes_the_steps_of_its_equation(final: Any) -> None:
    alpha, temperature, n_steps = 0.3, 0.01, 25
    scheme = soft_deep_r(final, l1=alpha, temperature=temperature)
    layers = full_layers()
    targets = goals(layers)
    began = copy.deepcopy(layers)
    twin = Context(0, np.random.default_rng(5))
    scheme.begin(began, twin)
    noise = [
        [twin.rng.standard_normal(layer.n_potential).tolist() for layer in layers]
        for _ in range(n_steps)
    ]
    train(scheme, layers, targets, n_steps)
    changed = 0
    for i, (layer, first) in enumerate(zip(layers, began, strict=True)):
        n = FINAL[i] if isinstance(final, list) else round(final * layer.n_potential)
        theta = reference.soft_deep_r_run(
            (first.signs * first.weights).tolist(),
            first.signs.tolist(),
            targets[i].tolist(),
            [step[i] for step in noise],
            eta=ETA,
            alpha=alpha,
            temperature=temperature,
            p=n / layer.n_potential,
        )
        np.testing.assert_allclose(layer.signs * layer.weights, theta, rtol=1e-9, atol=1e-12)
        assert layer.mask.tolist() == [value > 0 for value in theta]
        changed += int((layer.mask != first.mask).sum())
    assert changed > 5


def test_soft_deep_r_starts_as_its_reference_does() -> None:
    layers = full_layers(shapes=[(100, 200)])
    before = layers[0].weights.copy()
    alpha, temperature, p = 0.5, 0.1, 0.2
    scheme = soft_deep_r(p, l1=alpha, temperature=temperature)
    scheme.begin(layers, Context(0, np.random.default_rng(1)))
    (layer,) = layers
    theta = layer.signs * layer.weights
    assert layer.mask.tolist() == (theta > 0).tolist()
    assert abs(layer.n_active - p * 20_000) < 5 * math.sqrt(20_000 * p * (1 - p))
    np.testing.assert_allclose(layer.weights[layer.mask], before[layer.mask] / math.sqrt(p))
    least = -temperature * (1 - p) / (alpha * p)
    asleep = theta[~layer.mask]
    assert least <= asleep.min() < 0.999 * least
    assert abs(asleep.mean() - least / 2) < 0.01 * abs(least)
    assert abs(layer.signs[~layer.mask].mean()) < 0.05


def test_soft_deep_r_has_its_density_under_the_prior() -> None:
    """No loss: the walk's law is exponential above 0 and uniform below, with mass p above."""
    alpha, temperature, p = 1.0, 1.0, 0.3
    layers = full_layers(shapes=[(100, 100)])
    layers[0].learning_rate = 0.005
    scheme = soft_deep_r(p, l1=alpha, temperature=temperature)
    context = Context(0, np.random.default_rng(2))
    scheme.begin(layers, context)
    shares = []
    for step in range(2500):
        scheme.step(layers, context)
        if step >= 1500:
            shares.append(layers[0].mask.mean())
    assert np.mean(shares) == pytest.approx(p, rel=0.06)  # of it, a step's length makes a part


def test_soft_deep_r_at_full_density_has_no_room_below_zero() -> None:
    layers = full_layers()
    train(soft_deep_r(1.0, l1=0.1, temperature=0.01), layers, goals(layers), 20)
    for layer in layers:
        assert (layer.signs * layer.weights >= 0).all()


# ---------------------------------------------------------------------- SNFS


@pytest.mark.parametrize("seed", range(6))
def test_snfs_takes_the_steps_of_its_algorithm(seed: int) -> None:
    layers = snfs_layers(seed)
    targets = goals(layers)
    targets[2] *= 2  # its momentum draws synapses into the layer that is nearly full
    expected = reference.snfs_run(
        as_lists([layer.weights for layer in layers]),
        as_lists([layer.mask for layer in layers]),
        as_lists(targets),
        n_steps=12,
        every=3,
        eta=ETA,
        momentum=0.9,
        rate=0.5,
        last_rate=0.005,
    )
    counts = []
    train(
        snfs([6, 5, 14], n_steps=12, every=3),
        layers,
        targets,
        12,
        momentum=0.9,
        see=lambda layers: counts.append([layer.n_active for layer in layers]),
    )
    compare(layers, *expected)
    assert {sum(row) for row in counts} == {25}
    assert len({tuple(row) for row in counts}) > 1


@given(st.data())
def test_snfs_keeps_its_total_whatever_the_layers(data: st.DataObject) -> None:
    shapes = data.draw(
        st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=4)
    )
    final = [data.draw(st.integers(1, n * m)) for n, m in shapes]
    layers = full_layers(data.draw(st.integers(0, 99)), shapes)
    targets = goals(layers, data.draw(st.integers(0, 99)))
    every = data.draw(st.integers(1, 3))

    def see(layers: list[MaskView]) -> None:
        assert sum(layer.n_active for layer in layers) == sum(final)
        for layer in layers:
            assert layer.n_active >= 1
            assert not layer.weights[~layer.mask].any()

    train(snfs(final, n_steps=8, every=every), layers, targets, 8, momentum=0.9, see=see)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.floats(1e-3, 1.0)), min_size=1, max_size=5),
    st.floats(0, 1),
)
def test_shares_are_split_exactly(layers: list[tuple[int, float]], filled: float) -> None:
    free = [n for n, _ in layers]
    raw = np.array([share for _, share in layers])
    shares = raw / raw.sum()
    total = int(filled * sum(free))
    counts = share_out(total, shares, np.array(free))
    assert counts.sum() == total
    assert (counts <= free).all()
    expected = reference.split(total, shares.tolist(), free)
    # remainders that are equal but for rounding may be taken in another order
    assert np.abs(counts - expected).max(initial=0) <= 1


def test_snfs_without_any_momentum_shares_out_equally() -> None:
    layers = snfs_layers(0)
    for layer in layers:
        layer.gradient = None
    scheme = snfs([6, 5, 14], n_steps=5, every=1)
    context = Context(0, np.random.default_rng(0))
    scheme.begin(layers, context)
    scheme.step(layers, context)
    assert sum(layer.n_active for layer in layers) == 25


def test_momentum_is_what_the_optimiser_has() -> None:
    (layer,) = full_layers(shapes=[(2, 2)])
    assert layer.momentum().tolist() == [0, 0, 0, 0]
    layer.gradient = np.array([1.0, 2, 3, 4])
    assert layer.momentum() is layer.gradient
    layer.slots = {"exp_avg": layer.gradient, "exp_avg_sq": np.array([4.0, 4, 9, 0])}
    np.testing.assert_allclose(layer.momentum(), [0.5, 1, 1, 4e8])
    layer.slots = {"momentum_buffer": np.ones(4)}
    assert layer.momentum().tolist() == [1, 1, 1, 1]


# ---------------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", MAKES)
def test_the_same_random_numbers_give_the_same_network(name: str) -> None:
    results = []
    for rng in (5, 5, 6):
        layers = full_layers()
        train(MAKES[name](), layers, goals(layers), 24, momentum=0.9, rng=rng)
        results.append([(layer.weights.tolist(), layer.mask.tolist()) for layer in layers])
    assert results[0] == results[1]
    assert (results[0] == results[2]) is (name in ("dpf", "dnw", "lc"))  # chance among equals only
    assert MAKES[name]().name == name


@pytest.mark.parametrize("name", ["soft_deep_r", "snfs"])
def test_layers_that_are_sparse_keep_their_synapses_at_the_start(name: str) -> None:
    layers = snfs_layers(3)
    before = copy.deepcopy(layers)
    scheme = {
        "soft_deep_r": soft_deep_r(0.1, l1=0.1, temperature=0.01),
        "snfs": snfs([6, 5, 14], n_steps=9, every=3),
    }[name]
    scheme.begin(layers, Context(0, np.random.default_rng(1)))
    for layer, old in zip(layers, before, strict=True):
        assert layer.mask.tolist() == old.mask.tolist()
        np.testing.assert_array_equal(layer.weights[layer.mask], old.weights[old.mask])


BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: soft_deep_r(0.1, l1=0), "l1: got 0; allowed is > 0"),
    (lambda: soft_deep_r(0.1, temperature=float("nan")), "temperature: got nan; allowed is > 0"),
    (lambda: soft_deep_r(1.5), "final: got 1.5"),
    (lambda: dnw([0, 3]), "final: got 0"),
    (lambda: snfs(0.1, n_steps=9, every=0), "every: got 0"),
    (lambda: snfs(0.1, n_steps=9, every=3, rate=2), "rate: got 2"),
    (lambda: dpf(0.1, n_steps=20), r"n_steps: got 20; allowed is >= 21, or there is no exchange"),
    (lambda: dpf(0.1, n_steps=50, until=0), "until: got 0"),
    (lambda: lc(0.1, n_steps=40), "n_steps: got 40; allowed is .*41"),
    (lambda: lc(0.1, n_steps=99, growth=0.9), "growth: got 0.9; allowed is >= 1"),
    (lambda: lc(0.1, n_steps=99, pull=-1), "pull: got -1; allowed is > 0"),
    (lambda: lc(0.1, n_steps=99, mu=0), "mu: got 0; allowed is > 0"),
    (lambda: lc(0.1, n_steps=99, dense=0), "dense: got 0"),
    (lambda: HardThreshold(0), "alpha: got 0; allowed is > 0"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_numbers(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make()


def test_layers_that_do_not_fit_the_numbers() -> None:
    context = Context(0, np.random.default_rng(1))
    with pytest.raises(ParameterError, match="final: got 2 numbers for 3 layers"):
        dnw([3, 4]).begin(full_layers(), context)
    with pytest.raises(
        ParameterError, match="layers: have 25 synapses in all; the scheme asks for"
    ):
        snfs([6, 5, 13], n_steps=9, every=3).begin(snfs_layers(1), context)
