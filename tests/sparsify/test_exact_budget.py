"""After every step: exactly K synapses, in order, without doubles, survivors untouched."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.sparsify import (
    Context,
    FixedSigns,
    LayerView,
    RandomSigns,
    Rewiring,
    Schedule,
    Scheme,
    Turnover,
    deep_r,
    deep_r_global,
    static,
)
from tests.sparsify.layers import check_layer, layers, make_layer, move

Recipe = Callable[..., Scheme]
N_STEPS = 6


def train(
    scheme: Scheme, views: Sequence[LayerView], seed: int
) -> Iterator[tuple[list[LayerView], list[Rewiring | None], list[LayerView]]]:
    """Take steps along random gradients; yield layers before, exchanges and layers after."""
    rng = np.random.default_rng(seed)
    gradients = np.random.default_rng(seed + 1)
    views = [dataclasses.replace(view, weights=view.weights.copy()) for view in views]
    for step in range(N_STEPS):
        for view in views:
            view.weights -= gradients.normal(0, 0.3, view.n_active).astype(np.float32)
        rewirings = scheme.step(views, Context(step, rng))
        after = [move(view, rewiring) for view, rewiring in zip(views, rewirings, strict=True)]
        yield list(views), rewirings, after
        views = after


@pytest.mark.parametrize("recipe", [deep_r, deep_r_global])
@given(views=st.lists(layers(), min_size=1, max_size=3), seed=st.integers(0, 2**31))
def test_invariants_of_every_step(recipe: Recipe, views: list[LayerView], seed: int) -> None:
    counts = [view.n_active for view in views]
    for before, rewirings, after in train(recipe(l1=0.1, temperature=0.05), views, seed):
        for old, rewiring, new in zip(before, rewirings, after, strict=True):
            check_layer(new)
            if rewiring is None:
                continue
            assert rewiring.n_after == new.n_active
            survived = rewiring.origin >= 0
            kept = rewiring.origin[survived]
            # survivors: each once, in order, with its key, its sign and its weight to the bit
            assert (np.diff(kept) > 0).all()
            np.testing.assert_array_equal(new.keys[survived], old.keys[kept])
            np.testing.assert_array_equal(new.signs[survived], old.signs[kept])
            np.testing.assert_array_equal(new.weights[survived], old.weights[kept])
            # exactly those across zero went, and newborns start at nothing
            gone = np.setdiff1d(np.arange(old.n_active), kept)
            np.testing.assert_array_equal(gone, np.flatnonzero(old.weights * old.signs < 0))
            assert (new.weights[~survived] == 0).all()
            assert rewiring.n_dropped == gone.size
            assert rewiring.n_grown == np.count_nonzero(~survived)
        now = [view.n_active for view in after]
        if recipe is deep_r:
            assert now == counts
        assert sum(now) == sum(counts)


@given(views=st.lists(layers(), min_size=2, max_size=3), seed=st.integers(0, 2**31))
def test_a_global_budget_moves_synapses_but_overfills_no_layer(
    views: list[LayerView], seed: int
) -> None:
    for _, _, after in train(deep_r_global(temperature=0.05), views, seed):
        assert all(view.n_active <= view.n_potential for view in after)


def test_a_global_budget_shifts_density() -> None:
    rng = np.random.default_rng(0)
    small, large = make_layer(5, 10, 40, rng), make_layer(40, 50, 40, rng)
    *_, (_, _, after) = train(deep_r_global(temperature=0.05, shares=[1, 1]), [small, large], 3)
    assert after[0].n_active < 40 < after[1].n_active
    assert after[0].n_active + after[1].n_active == 80


@pytest.mark.parametrize("recipe", [deep_r, deep_r_global])
@given(views=st.lists(layers(), min_size=1, max_size=2), seed=st.integers(0, 2**31))
def test_same_seed_same_topology(recipe: Recipe, views: list[LayerView], seed: int) -> None:
    scheme = recipe(l1=0.1, temperature=0.05, signs=RandomSigns())
    (*_, (_, _, one)), (*_, (_, _, two)) = train(scheme, views, seed), train(scheme, views, seed)
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first.keys, second.keys)
        np.testing.assert_array_equal(first.signs, second.signs)
        np.testing.assert_array_equal(first.weights, second.weights)


def test_another_seed_another_topology() -> None:
    view = make_layer(20, 20, 80, np.random.default_rng(0))
    ends = []
    for seed in (1, 2):
        # the same gradients, so that only the rule's own randomness differs
        weights = view.weights.copy()
        weights[::2] *= -1
        layer = dataclasses.replace(view, weights=weights)
        (rewiring,) = deep_r(temperature=0).step([layer], Context(0, np.random.default_rng(seed)))
        assert rewiring is not None
        ends.append(rewiring.born)
    assert not np.array_equal(ends[0], ends[1])


def test_full_layers_get_back_what_they_drop() -> None:
    """Where no other position is free, the just-dropped ones are taken again, from zero."""
    view = make_layer(4, 5, 20, np.random.default_rng(0))
    view.weights *= -1
    (rewiring,) = deep_r(temperature=0).step([view], Context(0, np.random.default_rng(1)))
    assert rewiring is not None
    np.testing.assert_array_equal(move(view, rewiring).keys, np.arange(20))
    assert (rewiring.origin == -1).all()
    assert rewiring.n_dropped == rewiring.n_grown == 20


def test_newborns_at_exactly_zero_stay() -> None:
    """Unlike in the reference script; without a gradient they would all be replaced at once."""
    view = make_layer(4, 5, 6, np.random.default_rng(0), scale=0)
    assert deep_r(l1=0, temperature=0).step([view], Context(0, np.random.default_rng(1))) == [None]


def test_fixed_signs_are_those_of_the_rule_in_every_step() -> None:
    rule = FixedSigns(seed=5)
    rng = np.random.default_rng(0)
    view = make_layer(12, 9, 40, rng)
    signs = rule(view.keys, view.n_pre, rng)
    view = dataclasses.replace(
        view, signs=signs, weights=np.abs(view.weights) * signs.astype(np.float32)
    )
    for _, _, (after,) in train(deep_r(temperature=0.05, signs=rule), [view], 7):
        np.testing.assert_array_equal(after.signs, rule(after.keys, after.n_pre, rng))


def test_static_changes_nothing() -> None:
    view = make_layer(4, 5, 6, np.random.default_rng(0))
    view.weights *= -1
    before = view.weights.copy()
    assert static().step([view], Context(0, np.random.default_rng(1))) == [None]
    np.testing.assert_array_equal(view.weights, before)


def test_schedule_says_when() -> None:
    schedule = Schedule(every=3, start=4, stop=11)
    assert [step for step in range(20) if schedule.due(step)] == [6, 9]
    assert all(Schedule().due(step) for step in range(5))
    with pytest.raises(ValueError, match="every: got 0; allowed is a whole number >= 1"):
        Schedule(every=0)
    with pytest.raises(ValueError, match="start: got -1; allowed is a whole number >= 0"):
        Schedule(start=-1)


def test_between_exchanges_only_the_noise_acts() -> None:
    scheme = dataclasses.replace(deep_r(l1=1.0, temperature=0), schedule=Schedule(every=2))
    rng = np.random.default_rng(1)
    view = make_layer(4, 5, 6, rng, scale=0)
    view.weights[:] = 0.1 * view.signs
    # a pull of 0.1 a step: at zero after one, across after two
    assert scheme.step([view], Context(0, rng)) == [None]
    np.testing.assert_allclose(view.weights, 0, atol=1e-8)
    (rewiring,) = scheme.step([view], Context(1, rng))
    assert rewiring is not None
    assert rewiring.n_dropped == 6


def test_turnover_counts_and_starts_again() -> None:
    turnover = Turnover()
    views = [make_layer(4, 5, 6, np.random.default_rng(0)) for _ in range(2)]
    views[0].weights *= -1
    rewirings = deep_r(temperature=0, l1=0).step(views, Context(0, np.random.default_rng(1)))
    turnover.add(rewirings)
    turnover.add([None, None])
    taken = turnover.take()
    assert (taken.dropped, taken.grown, taken.n_steps) == ([6, 0], [6, 0], 2)
    assert (turnover.dropped, turnover.grown, turnover.n_steps) == ([0, 0], [0, 0], 0)
