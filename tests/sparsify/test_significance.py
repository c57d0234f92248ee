"""Pruning by the loss of generalisation: significance, strength, and when."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.errors import ParameterError
from neurosparse.sparsify import Context, GeneralizationLoss, LayerView, Stairs, Target, lprune
from neurosparse.sparsify.significance import generalization_loss, significance
from tests.sparsify import scheme_reference as reference
from tests.sparsify.layers import make_layer

NEVER = Stairs([])


def with_patterns(
    n_active: int, n_patterns: int, eta: float, seed: int, n_steps: int = 1
) -> tuple[LayerView, list[list[float]]]:
    """Return a layer whose optimiser keeps the moments of gradients, and the gradients.

    Moments start from 0, so that after some steps they are not yet what they will be.
    """
    rng = np.random.default_rng(seed)
    layer = make_layer(6, 7, n_active, rng, learning_rate=eta)
    gradients = rng.normal(0.2, 1.0, (n_active, n_patterns))
    layer.slots = {
        "exp_avg": (1 - 0.9**n_steps) * gradients.mean(axis=1),
        "exp_avg_sq": (1 - 0.999**n_steps) * (gradients**2).mean(axis=1),
    }
    return layer, gradients.tolist()


def context_after(*losses: float) -> Context:
    context = Context(0, np.random.default_rng(0))
    for loss in losses:
        context.observe(loss)
    return context


@given(
    st.integers(1, 42),
    st.integers(2, 30),
    st.floats(1e-3, 1.0),
    st.integers(1, 10_000),
    st.integers(0, 2**31),
)
def test_significance_is_that_of_all_patterns(
    n: int, n_patterns: int, eta: float, n_steps: int, seed: int
) -> None:
    layer, gradients = with_patterns(n, n_patterns, eta, seed, n_steps)
    found = significance(layer, n_patterns, n_steps)
    for t, w, own in zip(found.tolist(), layer.weights.tolist(), gradients, strict=True):
        assert t == pytest.approx(reference.finnoff(w, own, eta), rel=1e-6, abs=1e-6)


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=8))
def test_generalization_loss(losses: list[float]) -> None:
    found = generalization_loss(context_after(*losses))
    assert found == pytest.approx(reference.generalization_loss(losses))
    assert found >= 0


def test_nothing_observed_is_no_loss_of_generalisation() -> None:
    assert generalization_loss(context_after()) == 0
    assert generalization_loss(context_after(0.0, 0.5)) == 0  # no ratio to a loss of nothing


@given(st.floats(0, 1e3), st.floats(0.01, 1), st.floats(0.01, 10))
def test_strength(gl: float, most: float, a: float) -> None:
    rule = GeneralizationLoss(Target(0.1, NEVER), 5, most=most, a=a)
    found = rule.strength(context_after(1.0, 1 + gl / 100))
    assert found == pytest.approx(reference.lprune_strength(gl, most, a), rel=1e-6, abs=1e-9)
    assert 0 <= found < most + 1e-12


def test_strength_at_points_one_knows() -> None:
    rule = GeneralizationLoss(Target(0.1, NEVER), 5)  # the paper's: 2/3 and 2
    assert rule.strength(context_after(1.0)) == 0
    assert rule.strength(context_after(1.0, 1.005)) == pytest.approx(1 / 3)
    assert rule.strength(context_after(1.0, 100.0)) == pytest.approx(2 / 3, rel=1e-3)


def test_it_never_goes_below_its_least_number() -> None:
    layer, _ = with_patterns(40, 10, 0.1, 0)
    rule = GeneralizationLoss(Target([38], NEVER), 10, most=1.0, a=100.0)
    (dropped,) = rule([layer], context_after(1.0, 5.0))
    scores = significance(layer, 10, 1)
    assert dropped.tolist() == sorted(np.argsort(scores)[:2].tolist())
    small, _ = with_patterns(5, 10, 0.1, 0)
    assert rule([small], context_after(1.0, 5.0))[0].size == 0


def test_the_end_needs_no_validation_loss() -> None:
    layer, _ = with_patterns(40, 10, 0.1, 0)
    rule = GeneralizationLoss(Target([7], Stairs([(3, 1.0)])), 10)
    context = context_after()
    assert rule([layer], context)[0].size == 0
    context.step = 3
    (dropped,) = rule([layer], context)
    # by size: the less a synapse matters, the less its gradient varies, and the larger is T
    assert dropped.tolist() == sorted(np.argsort(np.abs(layer.weights))[:33].tolist())


def test_a_trigger_below_which_nothing_goes() -> None:
    layer, _ = with_patterns(40, 10, 0.1, 0)
    rule = GeneralizationLoss(Target(0.01, NEVER), 10, trigger=4.0)
    assert rule([layer], context_after(1.0, 1.03))[0].size == 0
    assert rule([layer], context_after(1.0, 1.05))[0].size > 0


def test_what_is_remembered_can_be_saved() -> None:
    context = context_after(1.0, 1.5)
    assert json.loads(json.dumps(context.memory)) == context.memory


def test_moments_are_those_that_adam_keeps() -> None:
    """Under a gradient of known mean and variance, from the first steps on."""
    torch = pytest.importorskip("torch")
    weight = torch.nn.Parameter(torch.ones(2000))
    optimizer = torch.optim.Adam([weight], lr=1e-6)
    layer = make_layer(50, 50, 2000, np.random.default_rng(0), learning_rate=0.1)
    layer.weights[:] = 1.0
    generator = torch.Generator().manual_seed(1)
    n_steps = 60
    for _ in range(n_steps):
        weight.grad = 0.5 + 2.0 * torch.randn(2000, generator=generator)
        optimizer.step()
    state = optimizer.state[weight]
    layer.slots = {name: state[name].numpy() for name in ("exp_avg", "exp_avg_sq")}
    expected = math.log(100 * 0.95) - math.log(0.1 * math.sqrt(100) * 2.0)
    assert np.median(significance(layer, 100, n_steps)) == pytest.approx(expected, abs=0.1)


def test_synapses_no_gradient_has_reached_go_first_and_set_no_border() -> None:
    """As those from a pixel that is always dark, for which there is no T."""
    layer, _ = with_patterns(40, 10, 0.1, 0)
    unreached = np.arange(3, 15)
    for slot in layer.slots.values():
        slot[unreached] = 0
    layer.weights[20] = 0
    layer.slots["exp_avg"][20] = 0
    scores = significance(layer, 10, 1)
    assert np.isneginf(scores).nonzero()[0].tolist() == [*unreached.tolist(), 20]
    context = context_after(1.0, 1.005)  # a third of the mean
    (dropped,) = GeneralizationLoss(Target(0.01, NEVER), 10)([layer], context)
    border = scores[np.isfinite(scores)].mean() / 3
    assert dropped.tolist() == np.flatnonzero(scores < border).tolist()
    assert {*unreached.tolist(), 20} < set(dropped.tolist())
    (dropped,) = GeneralizationLoss(Target([32], NEVER), 10)([layer], context_after(1.0, 1.005))
    assert set(dropped.tolist()) < {*unreached.tolist(), 20}


def test_layers_no_gradient_has_reached_at_all() -> None:
    layer, _ = with_patterns(40, 10, 0.1, 0)
    for slot in layer.slots.values():
        slot[:] = 0
    (dropped,) = GeneralizationLoss(Target([5], NEVER), 10)([layer], context_after(1.0, 1.5))
    assert dropped.size == 35


def test_a_gradient_that_never_varies_is_cut_at_rounding() -> None:
    layer, _ = with_patterns(4, 10, 0.1, 0)
    layer.weights[:] = 2.0
    layer.slots = {"exp_avg": np.full(4, 0.1), "exp_avg_sq": np.full(4, 0.001)}
    expected = math.log(10 * (2.0 - 0.1)) - math.log(0.1 * math.sqrt(10 * 1e-7))
    np.testing.assert_allclose(significance(layer, 10, 1), expected, rtol=1e-6)


def test_what_a_scheme_of_it_needs() -> None:
    assert lprune(0.1, n_patterns=5, stop=9).needs == {"validation", "slots"}
    assert lprune(0.1, n_patterns=5, stop=9, score="magnitude").needs == {"validation"}


@pytest.mark.parametrize("slots", [{}, {"exp_avg": np.zeros(4)}, {"momentum_buffer": np.zeros(4)}])
def test_moments_are_needed(slots: dict[str, Any]) -> None:
    layer = make_layer(3, 3, 4, np.random.default_rng(0))
    layer.slots = slots
    with pytest.raises(ParameterError, match="score: significance needs the moments that Adam"):
        significance(layer, 5, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"score": "size"}, "score: got 'size'; allowed is significance, magnitude"),
        ({"trigger": -1.0}, "trigger: got -1.0; allowed is >= 0"),
        ({"trigger": math.nan}, "trigger: got nan; allowed is >= 0"),
        ({"n_patterns": 0}, "n_patterns: got 0; allowed is a whole number >= 1"),
        ({"most": 0.0}, "most: got 0.0; allowed is 0 < value <= 1"),
        ({"most": 1.5}, "most: got 1.5"),
        ({"a": 0.0}, "a: got 0.0; allowed is > 0"),
        ({"a": -2.0}, "a: got -2.0"),
    ],
)
def test_wrong_use(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        GeneralizationLoss(Target(0.1, NEVER), **{"n_patterns": 5, **options})
