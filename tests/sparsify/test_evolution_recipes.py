"""Recipes that exchange synapses, step by step beside the papers' equations in plain Python."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neurosparse.errors import ParameterError
from neurosparse.sparsify import (
    Context,
    LayerView,
    bayesian_connectivity,
    dsr,
    random_rewiring,
    rigl,
    set_,
)
from tests.sparsify import scheme_reference as reference
from tests.sparsify.layers import make_layer, move
from tests.sparsify.trajectory import Step, gradients, moved, start, walk, weights_of

SHAPES = [(6, 9), (5, 6), (4, 5)]
SIZES = [54, 30, 20]
COUNTS = [25, 11, 9]
P_LEAST = 1e-3  # seeds are fixed: a wrong law gives far less, a right one never flickers


def sparse(seed: int, counts: list[int] | None = None) -> list[LayerView]:
    return start(SHAPES, counts or COUNTS, np.random.default_rng(seed))


def check_survivors(step: Step) -> None:
    """What stays has its weight to the bit, and newborns are none of it."""
    for before, after, gone, born in zip(
        step.before, step.after, step.dropped, step.born, strict=True
    ):
        stay = before.keys() - gone
        assert after.keys() == stay | born
        assert not stay & born
        assert all(after[key] == before[key] for key in stay)


# ------------------------------------------------------------------ SET


@given(st.floats(0.01, 1.0), st.integers(0, 2**31))
def test_set_drops_by_sign_and_keeps_every_layer(zeta: float, seed: int) -> None:
    due = {3, 7}  # an exchange after every fourth step, none from the eleventh on
    for step in walk(set_(every=4, stop=10, share=zeta), sparse(seed), 13, seed):
        check_survivors(step)
        for before, gone, born, after in zip(
            step.before, step.dropped, step.born, step.after, strict=True
        ):
            assert gone == (reference.set_drops(before, zeta) if step.number in due else set())
            assert len(born) == len(gone)
            assert len(after) == len(before)
            assert all(after[key] != 0 for key in born)


def test_set_grows_anywhere_with_normal_weights_of_both_signs() -> None:
    layers = sparse(1)
    counts, values = np.zeros(54), []
    for seed in range(1500):
        (step,) = walk(set_(every=1, birth_std=0.1), layers, 1, 0, rng_of(seed))
        counts[list(step.born[0])] += 1
        values += [step.after[0][key] for key in step.born[0]]
    stay = step.before[0].keys() - step.dropped[0]
    free = sorted(set(range(54)) - stay)
    assert counts.sum() == counts[free].sum()
    assert_uniform(counts[free], len(step.born[0]), 1500)
    assert stats.kstest(values, "norm", args=(0, 0.1)).pvalue > P_LEAST


def test_newborns_of_set_may_start_at_nothing() -> None:
    for step in walk(set_(every=1, birth_std=None), sparse(1), 3, 0):
        for after, born in zip(step.after, step.born, strict=True):
            assert born
            assert all(after[key] == 0 for key in born)


# ------------------------------------------------------------------ random rewiring


@given(st.floats(0.01, 1.0), st.integers(0, 2**31))
def test_random_rewiring_exchanges_a_share_of_every_layer(share: float, seed: int) -> None:
    for step in walk(random_rewiring(every=2, stop=6, share=share), sparse(seed), 8, seed):
        check_survivors(step)
        for n, gone, born, after in zip(COUNTS, step.dropped, step.born, step.after, strict=True):
            due = step.number in (1, 3, 5)
            assert len(gone) == len(born) == (round(share * n) if due else 0)
            assert len(after) == n
            assert all(after[key] == 0 for key in born)


def test_random_rewiring_drops_and_grows_uniformly() -> None:
    layers = sparse(2)
    (before, *_) = [weights_of(layer) for layer in layers]
    dropped, grown = np.zeros(54), np.zeros(54)
    for seed in range(2000):
        (step,) = walk(random_rewiring(every=1), layers, 1, 0, rng_of(seed))
        dropped[list(step.dropped[0])] += 1
        grown[list(step.born[0])] += 1
    n = round(0.3 * 25)
    assert_uniform(dropped[list(before)], n, 2000)
    dormant = sorted(set(range(54)) - before.keys())
    # all dormant places are equally likely, and all those that may have become so just now
    z = (grown[dormant] - grown[dormant].mean()) / np.sqrt(grown[dormant].mean())
    assert np.abs(z).max() < 4
    assert abs(grown[dormant].mean() - 2000 * n / (54 - 25 + n)) < 15
    active = list(before)
    assert abs(grown[active].mean() - 2000 * n / 25 * n / (54 - 25 + n)) < 10


# ------------------------------------------------------------------ DSR


@given(
    st.floats(0.01, 1.0),
    st.sampled_from([0.1, 0.3, 1, 5, 12]),
    st.floats(0.01, 0.9),
    st.integers(0, 2**31),
)
def test_dsr(threshold: float, n: float, delta: float, seed: int) -> None:
    layers = sparse(seed)
    total = sum(COUNTS)
    wanted = n if n >= 1 else n * total
    context = Context(0, np.random.default_rng(seed))
    scheme = dsr(every=2, stop=11, n=n, threshold=threshold, tolerance=delta)
    for step in walk(scheme, layers, 13, seed, context):
        check_survivors(step)
        if step.number % 2 == 0 or step.number >= 11:
            assert step.rewirings == [None] * 3
            continue
        pruned = reference.dsr_prune(step.before, threshold)
        assert step.dropped == pruned
        n_pruned = sum(map(len, pruned))
        threshold = reference.dsr_threshold(threshold, n_pruned, wanted, delta)
        assert context.memory["threshold"] == threshold

        survivors = [
            len(before) - len(gone) for before, gone in zip(step.before, pruned, strict=True)
        ]
        room = [size - left for size, left in zip(SIZES, survivors, strict=True)]
        grown = [len(born) for born in step.born]
        assert sum(grown) == n_pruned
        assert sum(map(len, step.after)) == total
        assert all(own <= free for own, free in zip(grown, room, strict=True))
        growth = reference.dsr_growth(survivors, n_pruned)
        if all(own <= free for own, free in zip(growth, room, strict=True)):
            # rounding leaves some over, which go one by one to layers drawn at random
            left = n_pruned - sum(growth)
            differences = [a - b for a, b in zip(grown, growth, strict=True)]
            assert all(own * left >= 0 for own in differences)
            assert sum(map(abs, differences)) == abs(left)
        for before, gone, born, size, after in zip(
            step.before, pruned, step.born, SIZES, step.after, strict=True
        ):
            if len(born) <= size - len(before):  # else there is no other place
                assert not born & gone
            assert all(after[key] == 0 for key in born)


def test_dsr_finds_its_threshold_and_keeps_it() -> None:
    """From far too low, and from far too high: by doubling and halving, until about n go."""
    rng = np.random.default_rng(0)
    for first in (1e-6, 1e3):
        layers = [make_layer(60, 60, 900, rng), make_layer(40, 60, 600, rng)]
        context = Context(0, np.random.default_rng(0))
        *_, last = walk(dsr(every=1, n=0.1, threshold=first, tolerance=0.5), layers, 40, 0, context)
        assert 75 <= sum(map(len, last.dropped)) <= 225
        assert sum(map(len, last.after)) == 1500


def test_what_rounding_leaves_over_goes_to_any_layer() -> None:
    """Three equal layers and 4 pruned: each gets 1, and one of them another."""
    layers = start([(5, 5)] * 3, [4, 4, 4], np.random.default_rng(0))
    for layer, n in zip(layers, (2, 1, 1), strict=True):
        layer.weights = np.ones(4)
        layer.weights[:n] = 0.01
    counts = np.zeros(3)
    for seed in range(900):
        rewirings = dsr(every=1, n=4, threshold=0.5).step(layers, rng_of(seed))
        grown = [rewiring.n_grown if rewiring else 0 for rewiring in rewirings]
        # survivors 2, 3, 3 of 8: 1, 1.5 and 1.5, each rounded to even: 1, 2, 2; one too many
        assert sum(grown) == 4
        counts[[[0, 2, 2], [1, 1, 2], [1, 2, 1]].index(grown)] += 1
    assert stats.chisquare(counts).pvalue > P_LEAST


# ------------------------------------------------------------------ RigL


@given(st.floats(0.05, 1.0), st.integers(1, 4), st.integers(8, 24), st.integers(0, 2**31))
def test_rigl(alpha: float, every: int, n_steps: int, seed: int) -> None:
    """A whole way in dictionaries: the same weights at the same places after every step."""
    t_end = max(1, round(0.75 * n_steps))
    layers = sparse(seed)
    weights = [weights_of(layer) for layer in layers]
    scheme = rigl(n_steps=n_steps, every=every, share=alpha)
    for step, dense in zip(
        walk(scheme, layers, n_steps, seed), gradients(layers, n_steps, seed), strict=True
    ):
        weights = [moved(own, gradient) for own, gradient in zip(weights, dense, strict=True)]
        t = step.number
        if (t + 1) % every == 0 and t < t_end:
            fraction = reference.rigl_fraction(t, alpha, t_end)
            weights = [
                reference.rigl_step(own, gradient, int(fraction * len(own)))
                for own, gradient in zip(weights, dense, strict=True)
            ]
        assert step.after == [dict(sorted(own.items())) for own in weights], f"step {t}"
        assert [len(own) for own in step.after] == COUNTS


def test_what_rigl_takes_back_at_once_keeps_its_weight() -> None:
    layers = start([(4, 5)], [19], np.random.default_rng(0))  # one dormant place
    kept = 0
    for step in walk(rigl(n_steps=30, every=1, share=0.5), layers, 12, 3):
        check_survivors(step)
        fraction = reference.rigl_fraction(step.number, 0.5, 22)
        gone = reference.smallest(step.before[0], int(fraction * 19))
        back = gone - step.dropped[0]
        kept += len(back)
        assert all(step.after[0][key] == step.before[0][key] for key in back)
        assert len(step.dropped[0]) <= 1
    assert kept > 12


def test_rigl_leaves_a_full_layer_alone() -> None:
    """As the last layer is under an Erdos-Renyi budget."""
    layers = start([(4, 5), (6, 9)], [20, 9], np.random.default_rng(0))
    for step in walk(rigl(n_steps=20, every=1), layers, 8, 3):
        assert list(step.after[0].items()) == list(step.before[0].items())
        assert not step.dropped[0]
    assert len(step.after[1]) == 9


@pytest.mark.parametrize("name", ["share", "until"])
@pytest.mark.parametrize("bad", [0.0, 1.5, -1.0, float("nan")])
def test_shares_of_rigl(name: str, bad: float) -> None:
    with pytest.raises(ParameterError, match=f"{name}: got {bad!r}; allowed is 0 < value <= 1"):
        rigl(n_steps=10, **{name: bad})


# ------------------------------------------------------------------ Bayesian connectivity sampling


def with_signs(layers: list[LayerView]) -> list[tuple[Any, Any]]:
    """Return weights and signs by key."""
    return [
        (weights_of(layer), dict(zip(layer.keys.tolist(), layer.signs.tolist(), strict=True)))
        for layer in layers
    ]


def crossed(seed: int, scale: float) -> list[LayerView]:
    """Return layers in which some weights have crossed zero."""
    rng = np.random.default_rng(seed)
    layers = [
        make_layer(a, b, n, rng, scale=scale) for (a, b), n in zip(SHAPES, COUNTS, strict=True)
    ]
    for layer in layers:
        layer.weights[rng.random(layer.n_active) < 0.2] *= -1
    return layers


def step_of(layers: list[LayerView], l2: float, temperature: float, seed: int) -> list[LayerView]:
    """Return copies of the layers after a step."""
    layers = [replace(layer, weights=layer.weights.copy()) for layer in layers]
    scheme = bayesian_connectivity(l2=l2, temperature=temperature)
    rewirings = scheme.step(layers, rng_of(seed))
    return [move(layer, rewiring) for layer, rewiring in zip(layers, rewirings, strict=True)]


@given(st.floats(0, 5.0), st.integers(0, 2**31))
def test_bayesian_connectivity_without_noise(l2: float, seed: int) -> None:
    """The decay is exact, and what had crossed zero goes, as it draws no weight across."""
    layers = crossed(seed, 1.0)
    after = with_signs(step_of(layers, l2, 0, seed))
    expected = reference.bayesian_step(
        with_signs(layers),
        SIZES,
        learning_rate=0.1,
        l2=l2,
        temperature=0,
        rng=random.Random(seed),
    )
    assert sum(len(weights) for weights, _ in after) == sum(COUNTS)
    for (weights, signs), (slow, slow_signs), (before, old) in zip(
        after, expected, with_signs(layers), strict=True
    ):
        stay = {key for key, w in before.items() if w * old[key] >= 0}
        assert stay <= weights.keys()
        for key in stay:
            assert weights[key] == pytest.approx(slow[key], rel=1e-5, abs=1e-7)
            assert signs[key] == slow_signs[key]
        assert all(w == 0 for key, w in weights.items() if key not in stay)


def test_bayesian_connectivity_has_the_law_of_the_reference() -> None:
    layers = crossed(3, 0.3)
    given_ = with_signs(layers)
    n, l2, temperature = 2000, 0.5, 0.1
    counts = np.zeros((2, 3), dtype=np.int64)
    active = [np.zeros((2, size), dtype=np.int64) for size in SIZES]
    positive = [np.zeros((2, size), dtype=np.int64) for size in SIZES]
    sizes: list[list[float]] = [[], []]
    other = random.Random(6)
    for seed in range(n):
        mine = with_signs(step_of(layers, l2, temperature, seed))
        theirs = reference.bayesian_step(
            given_, SIZES, learning_rate=0.1, l2=l2, temperature=temperature, rng=other
        )
        for i, result in enumerate((mine, theirs)):
            assert sum(len(weights) for weights, _ in result) == sum(COUNTS)
            for index, (weights, signs) in enumerate(result):
                counts[i, index] += len(weights)
                active[index][i, list(weights)] += 1
                positive[index][i, [key for key in weights if signs[key] > 0]] += 1
                sizes[i] += [abs(w) for w in weights.values() if w]
    # what a layer wins or loses spreads by less than a Poisson number of some ten would
    assert np.abs((counts[0] - counts[1]) / np.sqrt(2 * n * 10)).max() < 4
    assert (np.abs(counts[0] - n * np.array(COUNTS)) > n).any()  # synapses have moved
    for one, two in (*active, *positive):
        assert np.abs((one - two) / np.sqrt(2 * n * 0.25)).max() < 4
    assert stats.ks_2samp(*sizes).pvalue > P_LEAST


# ------------------------------------------------------------------ helpers


def rng_of(seed: int) -> Context:
    return Context(0, np.random.default_rng(seed))


def assert_uniform(counts: np.ndarray[Any, Any], n: int, n_draws: int) -> None:
    """Counts of draws of ``n`` places each, without doubles: they scatter less than Poisson."""
    expected = n_draws * n / counts.size
    statistic = ((counts - expected) ** 2 / expected).sum() * (counts.size - 1) / (counts.size - n)
    assert stats.chi2.sf(statistic, counts.size - 1) > P_LEAST
