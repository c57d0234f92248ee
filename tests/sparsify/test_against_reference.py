"""A step of DEEP R against one made of dictionaries: equal without noise, equal in law with it."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neurosparse.sparsify import Context, LayerView, deep_r
from tests.sparsify.layers import layers, make_layer, move
from tests.sparsify.reference import Values, deep_r_step

RATE, L1, TEMPERATURE = 0.1, 0.5, 0.4


def of_keys(layer: LayerView) -> tuple[Values, Values]:
    """Return weights and signs by key."""
    keys = layer.keys.tolist()
    return (
        dict(zip(keys, layer.weights.tolist(), strict=True)),
        dict(zip(keys, layer.signs.tolist(), strict=True)),
    )


def step(layer: LayerView, temperature: float, rng: np.random.Generator) -> LayerView:
    """Return a copy of the layer after a step."""
    layer = replace(layer, weights=layer.weights.copy())
    (rewiring,) = deep_r(l1=L1, temperature=temperature).step([layer], Context(0, rng))
    return move(layer, rewiring)


@given(layers(), st.integers(0, 2**31))
def test_without_noise_the_same_synapses_stay_and_go(layer: LayerView, seed: int) -> None:
    weights, signs = of_keys(layer)
    after_weights, after_signs = of_keys(step(layer, 0, np.random.default_rng(seed)))
    expected_weights, expected_signs = deep_r_step(
        weights,
        signs,
        layer.n_potential,
        learning_rate=RATE,
        l1=L1,
        temperature=0,
        rng=random.Random(seed),
    )
    assert len(after_weights) == len(expected_weights)
    stay = {key for key, value in weights.items() if value * signs[key] >= np.float32(RATE * L1)}
    for key in stay:
        np.testing.assert_allclose(after_weights[key], expected_weights[key], rtol=1e-5, atol=1e-7)
        assert after_signs[key] == expected_signs[key] == signs[key]
    for result in (after_weights, expected_weights):
        assert all(value == 0 for key, value in result.items() if key not in stay)


def test_with_noise_positions_numbers_signs_and_weights_have_the_same_law() -> None:
    layer = make_layer(3, 4, 5, np.random.default_rng(4), learning_rate=RATE, scale=0.3)
    weights, signs = of_keys(layer)
    n = 6000
    active = np.zeros((2, 12), dtype=np.int64)
    positive = np.zeros((2, 12), dtype=np.int64)
    survivors = np.zeros((2, 6), dtype=np.int64)
    sizes: list[list[float]] = [[], []]
    rng, other = np.random.default_rng(5), random.Random(6)
    for _ in range(n):
        mine = of_keys(step(layer, TEMPERATURE, rng))
        theirs = deep_r_step(
            weights, signs, 12, learning_rate=RATE, l1=L1, temperature=TEMPERATURE, rng=other
        )
        for i, (after, new_signs) in enumerate((mine, theirs)):
            assert len(after) == 5
            keys = list(after)
            active[i, keys] += 1
            positive[i, [key for key in keys if new_signs[key] > 0]] += 1
            survivors[i, sum(value != 0 for value in after.values())] += 1
            sizes[i] += [abs(value) for value in after.values() if value]
    assert survivors[0, 1:5].min() > 50  # all sorts of exchanges were seen
    assert stats.chi2_contingency(survivors).pvalue > 1e-3
    for counts in (active, positive):
        z = (counts[0] - counts[1]) / np.sqrt(2 * n * 0.25)
        assert np.abs(z).max() < 4
    assert stats.ks_2samp(*sizes).pvalue > 1e-3
