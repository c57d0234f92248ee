"""Recipes that start with all synapses, DPF, DNW and LC, against loops over lists."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from neurosparse.errors import ParameterError
from neurosparse.sparsify import Context
from neurosparse.sparsify.masks.lagrangian import HardThreshold, Lagrangian, SoftThreshold
from neurosparse.sparsify.masks.scheme import MaskView
from neurosparse.sparsify.recipes.masks import dnw, dpf, lc
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

# ---------------------------------------------------------------------- DPF and DNW


@pytest.mark.parametrize("pooled", [True, False])
def test_dpf_takes_the_steps_of_its_algorithm(pooled: bool) -> None:
    layers = full_layers()
    targets = goals(layers)
    targets[0] *= 2
    expected = reference.dpf_run(
        as_lists([layer.weights for layer in layers]),
        as_lists(targets),
        FINAL,
        n_steps=24,
        every=4,
        stop=18,
        eta=ETA,
        pooled=pooled,
    )
    counts = []
    train(
        dpf(FINAL, n_steps=24, every=4, pooled=pooled),
        layers,
        targets,
        24,
        see=lambda layers: counts.append([layer.n_active for layer in layers]),
    )
    compare(layers, *expected)
    sums = [sum(row) for row in counts]
    assert sums == sorted(sums, reverse=True)
    assert sums[0] == 51
    assert sums[15:] == [15] * 9  # from the last exchange on
    assert (counts[-1] == FINAL) is not pooled
    assert min(counts[-1]) >= 1


def test_dpf_ends_with_the_final_number_where_the_period_does_not_fit() -> None:
    for n_steps in (23, 24, 37, 50):
        layers = full_layers()
        train(dpf(FINAL, n_steps=n_steps), layers, goals(layers), n_steps)
        assert sum(layer.n_active for layer in layers) == 15


def test_dnw_takes_the_steps_of_its_equation() -> None:
    layers = full_layers()
    targets = goals(layers)
    expected = reference.dpf_run(
        as_lists([layer.weights for layer in layers]),
        as_lists(targets),
        FINAL,
        n_steps=20,
        every=1,
        stop=0,
        eta=ETA,
        pooled=False,
    )
    masks = []

    def see(layers: list[MaskView]) -> None:
        assert [layer.n_active for layer in layers] == FINAL
        masks.append(np.concatenate([layer.mask for layer in layers]))

    train(dnw(FINAL), layers, targets, 20, see=see)
    compare(layers, *expected)
    assert (masks[0] != masks[-1]).any()


def test_equal_weights_are_chosen_by_chance_and_exactly() -> None:
    layers = full_layers(shapes=[(20, 30)])
    layers[0].weights[:] = 0.5
    masks = []
    for seed in (1, 2):
        dnw([100]).begin(layers, Context(0, np.random.default_rng(seed)))
        assert layers[0].n_active == 100
        masks.append(layers[0].mask.copy())
        assert abs(np.flatnonzero(masks[-1]).mean() - 300) < 60
    assert (masks[0] != masks[1]).any()


# ---------------------------------------------------------------------- LC


@pytest.mark.parametrize("pooled", [True, False])
def test_lc_takes_the_steps_of_its_algorithm(pooled: bool) -> None:
    layers = full_layers()
    targets = goals(layers)

    def compress(values: list[list[float]], mu: float) -> list[list[float]]:
        masks = reference.top(values, FINAL, pooled=pooled)
        return [
            [v * m for v, m in zip(*pair, strict=True)] for pair in zip(values, masks, strict=True)
        ]

    expected = reference.lc_run(
        as_lists([layer.weights for layer in layers]),
        as_lists(targets),
        compress,
        n_steps=30,
        n_stages=6,
        period=4,
        eta=ETA,
        pull=0.5,
        growth=1.3,
    )
    counts = []
    scheme = lc(FINAL, n_steps=30, n_stages=6, pull=0.5, growth=1.3, pooled=pooled)
    train(
        scheme,
        layers,
        targets,
        30,
        see=lambda layers: counts.append([layer.n_active for layer in layers]),
    )
    compare(layers, expected, [[v != 0 for v in layer] for layer in expected])
    assert [sum(row) for row in counts] == [51] * 29 + [15]  # dense before the last step
    assert all(not layer.kept for layer in layers)


@pytest.mark.parametrize(
    ("compression", "reference_value"),
    [
        (HardThreshold(0.05), lambda v, mu: v if abs(v) > math.sqrt(0.1 / mu) else 0.0),
        (
            SoftThreshold(0.3),
            lambda v, mu: math.copysign(max(abs(v) - 0.3 / mu, 0), v),
        ),
    ],
    ids=["L0", "L1"],
)
def test_lc_with_penalties(compression: Any, reference_value: Any) -> None:
    layers = full_layers()
    targets = goals(layers)

    def compress(values: list[list[float]], mu: float) -> list[list[float]]:
        return [[reference_value(v, mu) if mu else 0.0 for v in layer] for layer in values]

    expected = reference.lc_run(
        as_lists([layer.weights for layer in layers]),
        as_lists(targets),
        compress,
        n_steps=30,
        n_stages=6,
        period=4,
        eta=ETA,
        pull=0.5,
        growth=1.3,
    )
    train(lc(compression, n_steps=30, n_stages=6, pull=0.5, growth=1.3), layers, targets, 30)
    compare(layers, expected, [[v != 0 for v in layer] for layer in expected])
    n_active = sum(layer.n_active for layer in layers)
    assert 0 < n_active < 51


@given(st.floats(-3, 3), st.floats(0.1, 5), st.floats(0.05, 2))
def test_c_steps_solve_their_problems(value: float, mu: float, alpha: float) -> None:
    values, context = [np.array([value])], Context(0, np.random.default_rng(0))

    def cost(theta: float, penalty: float) -> float:
        return mu / 2 * (value - theta) ** 2 + alpha * penalty

    (((theta,), _),) = HardThreshold(alpha)(values, mu, [], context)
    best = min(cost(0.0, 0), cost(value, 1))
    assert cost(theta, float(theta != 0)) == pytest.approx(best, abs=1e-9)
    (((theta,), _),) = SoftThreshold(alpha)(values, mu, [], context)
    found = optimize.minimize_scalar(lambda t: cost(t, abs(t)), bounds=(-3, 3), method="bounded")
    assert cost(theta, abs(theta)) <= found.fun + 1e-9


def test_lc_finds_the_best_sparse_weights() -> None:
    """Here the optimum is known: the largest targets, exactly."""
    layers = full_layers()
    targets = goals(layers)
    train(lc(FINAL, n_steps=400, n_stages=20, pull=1.0, growth=1.3), layers, targets, 400)
    best = reference.top(as_lists(targets), FINAL, pooled=True)
    assert [layer.mask.tolist() for layer in layers] == best
    for layer, target in zip(layers, targets, strict=True):
        np.testing.assert_allclose(layer.weights, target * layer.mask, atol=0.02)


def test_lc_keeps_its_masks_after_the_end() -> None:
    layers = full_layers()
    targets = goals(layers)
    train(lc(FINAL, n_steps=30, n_stages=6), layers, targets, 40)
    assert sum(layer.n_active for layer in layers) == 15
    for layer in layers:
        assert not layer.weights[~layer.mask].any()


@given(st.integers(2, 300), st.integers(1, 60), st.floats(0.01, 0.99))
def test_lc_compresses_as_often_as_it_says_and_last_of_all(
    n_steps: int, n_stages: int, dense: float
) -> None:
    if n_steps < n_stages + 1:
        return
    turns = Lagrangian(SoftThreshold(1), n_steps=n_steps, n_stages=n_stages, dense=dense)
    due = [step for step in range(2 * n_steps) if turns.schedule.due(step)]
    assert len(due) == n_stages + 1
    assert due[0] == turns.first
    assert due[-1] == n_steps - 1


def test_lc_wants_mu_where_the_learning_rate_is_0() -> None:
    layers = full_layers()
    for layer in layers:
        layer.learning_rate = 0.0
    with pytest.raises(ParameterError, match=r"learning_rate: got 0\.0 when LC begins to compr"):
        train(lc(FINAL, n_steps=30, n_stages=6), layers, goals(layers), 30)
    layers = full_layers()
    for layer in layers:
        layer.learning_rate = 0.0
    context = train(lc(FINAL, n_steps=30, n_stages=6, mu=0.5), layers, goals(layers), 30)
    assert context.memory["mu"] == 0.5


@pytest.mark.parametrize("name", ["dpf", "dnw", "lc"])
def test_schemes_that_start_full_refuse_sparse_layers(name: str) -> None:
    context = Context(0, np.random.default_rng(1))
    message = rf"layers: got 6 of 24 synapses; {name} starts with all of them"
    with pytest.raises(ParameterError, match=message):
        MAKES[name]().begin(snfs_layers(1), context)
    layers = full_layers()
    train(dnw(FINAL), layers, goals(layers), 3)
    MAKES[name]().begin(layers, context)  # dense below its mask
