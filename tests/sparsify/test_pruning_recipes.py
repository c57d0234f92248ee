"""Recipes that start full, step by step beside the papers' equations in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
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
    Scheme,
    dsd,
    gmp,
    iht,
    lprune,
    one_shot,
    random_pruning,
)
from tests.sparsify import scheme_reference as reference
from tests.sparsify.trajectory import Step, gradients, moved, start, walk, weights_of

SHAPES = [(6, 9), (5, 6), (4, 5)]
SIZES = [54, 30, 20]
FINAL = (9, 7, 4)

Weights = dict[int, float]
Decide = Callable[[int, list[Weights]], list[Weights]]


def own_walk(layers: list[LayerView], n_steps: int, seed: int, decide: Decide) -> Iterator[Any]:
    """Go the same way in dictionaries alone, without looking at what the scheme did."""
    weights = [weights_of(layer) for layer in layers]
    for number, dense in enumerate(gradients(layers, n_steps, seed)):
        weights = [moved(own, gradient) for own, gradient in zip(weights, dense, strict=True)]
        weights = [dict(sorted(own.items())) for own in decide(number, weights)]
        yield weights


def assert_same_way(scheme: Scheme, n_steps: int, seed: int, decide: Decide) -> list[Step]:
    """Every weight of every layer is the same after every step."""
    layers = start(SHAPES, None, np.random.default_rng(seed))
    expected = list(own_walk(layers, n_steps, seed, decide))
    steps = list(walk(scheme, layers, n_steps, seed))
    for step, weights in zip(steps, expected, strict=True):
        assert step.after == weights, f"step {step.number}"
    return steps


# ------------------------------------------------------------------ GMP


def gmp_counts(t: int, t0: int, t1: int, final: tuple[int, ...] = FINAL) -> list[int]:
    """Return the whole number nearest to ``N (1 - s(t))``."""
    counts = []
    for size, left in zip(SIZES, final, strict=True):
        s = reference.gmp_sparsity(t, t0, t1, 1 - Fraction(left, size))
        counts.append(round(size * (1 - s)))
    return counts


@pytest.mark.parametrize(("t0", "t1", "every"), [(0, 12, 1), (3, 15, 4), (2, 9, 7), (5, 6, 1)])
def test_gmp(t0: int, t1: int, every: int) -> None:
    def decide(t: int, layers: list[Weights]) -> list[Weights]:
        if t < t0 or (t - t0 + 1) % every or t >= t1 + every:
            return layers
        counts = gmp_counts(t, t0, t1)
        return [reference.keep_largest(own, n) for own, n in zip(layers, counts, strict=True)]

    steps = assert_same_way(gmp(FINAL, start=t0, stop=t1, every=every), 24, 1, decide)
    sizes = [sum(map(len, step.after)) for step in steps]
    assert sizes[0] > sizes[-1] == sum(FINAL)
    assert tuple(map(len, steps[-1].after)) == FINAL
    assert sorted(sizes, reverse=True) == sizes  # what is pruned does not come back


def test_gmp_with_one_threshold_for_all_layers() -> None:
    def decide(t: int, layers: list[Weights]) -> list[Weights]:
        if (t + 1) % 2:
            return layers
        return reference.keep_largest_of_all(layers, sum(gmp_counts(t, 0, 10)))

    steps = assert_same_way(gmp(FINAL, start=0, stop=10, every=2, pooled=True), 14, 2, decide)
    counts = tuple(map(len, steps[-1].after))
    assert sum(counts) == sum(FINAL)
    assert counts != FINAL


@given(st.integers(0, 5), st.integers(1, 30), st.integers(1, 3), st.floats(0.01, 1.0))
def test_sparsity_follows_the_power_law_to_the_nearest_synapse(
    t0: int, length: int, power: int, density: float
) -> None:
    layers = start([(11, 13), (3, 2)], None, np.random.default_rng(0))
    scheme = gmp(density, start=t0, stop=t0 + length, every=1, power=power)
    for step in walk(scheme, layers, t0 + length + 3, 0):
        for layer in step.layers:
            final = max(1, round(density * layer.n_potential))
            s = reference.gmp_sparsity(
                step.number, t0, t0 + length, 1 - Fraction(final, layer.n_potential), power
            )
            assert abs(layer.n_active - layer.n_potential * float(1 - s)) < 0.5 + 1e-9


# ------------------------------------------------------------------ one shot, and its control


def test_one_shot() -> None:
    def decide(t: int, layers: list[Weights]) -> list[Weights]:
        if t != 4:
            return layers
        return [reference.keep_largest(own, n) for own, n in zip(layers, FINAL, strict=True)]

    steps = assert_same_way(one_shot(FINAL, at=4), 8, 3, decide)
    assert [sum(map(len, step.after)) for step in steps] == [104] * 4 + [20] * 4


def test_one_shot_with_one_threshold_for_all_layers() -> None:
    def decide(t: int, layers: list[Weights]) -> list[Weights]:
        return reference.keep_largest_of_all(layers, 20) if t == 2 else layers

    assert_same_way(one_shot(FINAL, at=2, pooled=True), 5, 4, decide)


def test_random_pruning_keeps_every_set_with_equal_probability() -> None:
    counts = np.zeros((2, 12), dtype=np.int64)
    pairs: dict[tuple[int, ...], int] = {}
    layers = start([(3, 4), (2, 3)], None, np.random.default_rng(0))
    for seed in range(3000):
        context = Context(0, np.random.default_rng(seed))
        first, second = walk(random_pruning((5, 2), at=1), layers, 2, 0, context)
        assert [set(own) for own in first.after] == [set(range(12)), set(range(6))]
        one, other = second.after
        assert (len(one), len(other)) == (5, 2)
        # those that stay are what they were
        assert all(second.before[0][key] == w for key, w in one.items())
        counts[0, list(one)] += 1
        pairs[tuple(other)] = pairs.get(tuple(other), 0) + 1
    # places of one draw exclude each other, which the factor corrects
    expected = 3000 * 5 / 12
    statistic = ((counts[0] - expected) ** 2 / expected).sum() * 11 / 7
    assert stats.chi2.sf(statistic, 11) > 1e-3
    assert len(pairs) == 15
    assert stats.chisquare(list(pairs.values())).pvalue > 1e-3


# ------------------------------------------------------------------ phases


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 25))
def test_iht_takes_turns(sparse: int, dense: int, more: int) -> None:
    n_steps = sparse + dense + more

    def decide(t: int, layers: list[Weights]) -> list[Weights]:
        now = reference.is_sparse_phase(t, sparse, dense, n_steps)
        before = t > 0 and reference.is_sparse_phase(t - 1, sparse, dense, n_steps)
        if now and not before:
            return [reference.keep_largest(own, n) for own, n in zip(layers, FINAL, strict=True)]
        if before and not now:  # all others come back, at 0
            return [
                dict.fromkeys(range(size), 0.0) | own
                for own, size in zip(layers, SIZES, strict=True)
            ]
        return layers

    scheme = iht(FINAL, sparse_steps=sparse, dense_steps=dense, n_steps=n_steps)
    steps = assert_same_way(scheme, n_steps, 5, decide)
    assert tuple(map(len, steps[-1].after)) == FINAL
    assert [len(step.after[0]) for step in steps[: dense - 1]] == [54] * (dense - 1)


def test_iht_needs_a_phase_of_each_kind() -> None:
    with pytest.raises(ParameterError, match=r"n_steps: got 6; allowed is >= .* = 7"):
        iht(0.1, sparse_steps=4, dense_steps=3, n_steps=6)
    for name in ("sparse_steps", "dense_steps"):
        lengths = {"sparse_steps": 3, "dense_steps": 3, name: 0}
        with pytest.raises(ParameterError, match=f"{name}: got 0; allowed is a whole number >= 1"):
            iht(0.1, n_steps=20, **lengths)


@pytest.mark.parametrize(("first", "second"), [(3, 7), (0, 1), (0, 6)])
def test_dsd_goes_through_its_three_phases(first: int, second: int) -> None:
    def decide(t: int, layers: list[Weights]) -> list[Weights]:
        if t == first:
            return [reference.keep_largest(own, n) for own, n in zip(layers, FINAL, strict=True)]
        if t == second:
            return [
                dict.fromkeys(range(size), 0.0) | own
                for own, size in zip(layers, SIZES, strict=True)
            ]
        return layers

    scheme = dsd(FINAL, sparse_from=first, dense_from=second)
    steps = assert_same_way(scheme, 10, 6, decide)
    sizes = [sum(map(len, step.after)) for step in steps]
    assert sizes == [104] * first + [20] * (second - first) + [104] * (10 - second)


@pytest.mark.parametrize(("first", "second"), [(3, 3), (4, 2), (-1, 5)])
def test_phases_of_dsd_must_be_in_order(first: int, second: int) -> None:
    with pytest.raises(ParameterError, match=r"sparse_from, dense_from: got .*; allowed is 0"):
        dsd(0.5, sparse_from=first, dense_from=second)


# ------------------------------------------------------------------ lprune

LOSSES = {2: 1.0, 5: 1.2, 8: 1.1, 11: 0.9, 14: 0.93, 17: 2.0}  # step and validation loss
N_PATTERNS = 6


def patterns(layers: list[LayerView], number: int) -> list[list[list[float]]]:
    """Return the gradient of every potential synapse for every pattern, in a step."""
    rng = np.random.default_rng((17, number))
    return [
        (0.3 * rng.standard_normal((layer.n_potential, N_PATTERNS))).tolist() for layer in layers
    ]


def show_moments(number: int, layers: list[LayerView], context: Context) -> None:
    """Show moments as Adam has them after so many steps under a constant law of gradients."""
    for layer, own in zip(layers, patterns(layers, number), strict=True):
        kept = np.array([own[key] for key in layer.keys.tolist()])
        layer.slots = {
            "exp_avg": (1 - 0.9 ** (number + 1)) * kept.mean(axis=1),
            "exp_avg_sq": (1 - 0.999 ** (number + 1)) * (kept**2).mean(axis=1),
        }
    if number in LOSSES:
        context.observe(LOSSES[number])


@pytest.mark.parametrize("trigger", [0.0, 5.0])
@pytest.mark.parametrize("score", ["significance", "magnitude"])
def test_lprune(score: Any, trigger: float) -> None:
    layers = start(SHAPES, None, np.random.default_rng(7))
    stop, most, a = 19, 0.5, 0.1
    scheme = lprune(
        FINAL, n_patterns=N_PATTERNS, stop=stop, most=most, a=a, trigger=trigger, score=score
    )
    context = Context(0, np.random.default_rng(0))
    seen: list[float] = []
    n_pruned = {}
    for step in walk(scheme, layers, 22, 8, context, prepare=show_moments):
        t = step.number
        overfits = False
        if t in LOSSES:
            seen.append(LOSSES[t])
            overfits = reference.generalization_loss(seen) > trigger
        dense = patterns(layers, t)
        for i, weights in enumerate(step.before):
            expected: set[int] = set()
            significance = {
                key: reference.finnoff(w, dense[i][key], 0.1) if score == "significance" else abs(w)
                for key, w in weights.items()
            }
            if t == stop:
                expected = reference.smallest(weights, len(weights) - FINAL[i])
            elif overfits:
                gl = reference.generalization_loss(seen)
                strength = reference.lprune_strength(gl, most, a)
                expected = reference.lprune_drops(significance, strength, FINAL[i])
            assert step.dropped[i] == expected, f"step {t}, layer {i}"
            assert not step.born[i]
        n_pruned[t] = sum(map(len, step.dropped))
    overfit = {5, 8, 17} if trigger else {5, 8, 14, 17}
    assert {t for t, n in n_pruned.items() if n} <= overfit | {stop}
    assert n_pruned[5] > 0
    assert tuple(map(len, step.after)) == FINAL


def test_lprune_prunes_once_for_every_loss_observed() -> None:
    layers = start(SHAPES, None, np.random.default_rng(7))

    def two_losses(number: int, layers: list[LayerView], context: Context) -> None:
        if number in (1, 3):
            context.observe(float(number))

    scheme = lprune(0.05, n_patterns=5, stop=9, score="magnitude")
    pruned = [
        sum(map(len, step.dropped)) > 0 for step in walk(scheme, layers, 8, 8, prepare=two_losses)
    ]
    assert pruned == [False, False, False, True, False, False, False, False]


def test_lprune_with_an_optimiser_without_moments() -> None:
    layers = start(SHAPES, None, np.random.default_rng(7))

    def worse(number: int, layers: list[LayerView], context: Context) -> None:
        context.observe(float(number + 1))

    steps = walk(lprune(0.1, n_patterns=5, stop=30), layers, 8, 8, prepare=worse)
    with pytest.raises(ParameterError, match="score: significance needs the moments that Adam"):
        list(steps)
