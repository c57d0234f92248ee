"""Recipes with dense state: every defining equation against loops over lists, exact numbers."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize

from neurosparse.errors import ParameterError
from neurosparse.sparsify import Context
from neurosparse.sparsify.masks.lagrangian import HardThreshold, Lagrangian, SoftThreshold
from neurosparse.sparsify.masks.momentum import share_out
from neurosparse.sparsify.masks.scheme import MaskScheme, MaskView
from neurosparse.sparsify.recipes.masks import dnw, dpf, lc, snfs, soft_deep_r
from tests.sparsify import mask_reference as reference

SHAPES = [(4, 6), (3, 4), (5, 3)]
FINAL = [6, 5, 4]
ETA = 0.1


def full_layers(seed: int = 0, shapes: Sequence[tuple[int, int]] = SHAPES) -> list[MaskView]:
    """Return layers with all synapses, in float64."""
    rng = np.random.default_rng(seed)
    views = []
    for n_post, n_pre in shapes:
        n = n_post * n_pre
        ones = np.ones(n, dtype=np.int8)
        mask = np.ones(n, dtype=np.bool_)
        views.append(MaskView(n_post, n_pre, rng.standard_normal(n), mask, ones, ETA))
    return views


def goals(layers: Sequence[MaskView], seed: int = 1) -> list[NDArray[np.float64]]:
    """Return what weights are to become."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(layer.n_potential) for layer in layers]


def as_lists(arrays: Sequence[NDArray[Any]]) -> list[list[Any]]:
    return [array.tolist() for array in arrays]


def train(
    scheme: MaskScheme,
    layers: list[MaskView],
    targets: Sequence[NDArray[np.float64]],
    n_steps: int,
    *,
    momentum: float = 0.0,
    rng: int = 5,
    see: Callable[[list[MaskView]], None] | None = None,
) -> Context:
    """Descend along ``m w - t`` under the scheme, as the trainer does."""
    context = Context(0, np.random.default_rng(rng))
    scheme.begin(layers, context)
    buffers = [np.zeros(layer.n_potential) for layer in layers]
    for _ in range(n_steps):
        for layer, target, buffer in zip(layers, targets, buffers, strict=True):
            gradient = layer.mask * layer.weights - target
            if scheme.reach == "active":
                gradient *= layer.mask
            buffer *= momentum
            buffer += gradient
            layer.gradient = gradient
            layer.slots = {"momentum_buffer": buffer} if momentum else {}
            layer.weights -= layer.learning_rate * buffer
        scheme.step(layers, context)
        context.step += 1
        if see is not None:
            see(layers)
    return context


def compare(layers: Sequence[MaskView], weights: Any, masks: Any) -> None:
    for layer, own_weights, own_mask in zip(layers, weights, masks, strict=True):
        assert layer.mask.tolist() == own_mask
        np.testing.assert_allclose(layer.weights, own_weights, rtol=1e-9, atol=1e-12)


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


def snfs_layers(seed: int) -> list[MaskView]:
    """Return sparse layers, one of which is nearly full."""
    layers = full_layers(seed)
    rng = np.random.default_rng(seed + 10)
    for layer, n in zip(layers, (6, 5, 14), strict=True):
        layer.mask[:] = False
        layer.mask[rng.permutation(layer.n_potential)[:n]] = True
        layer.weights[~layer.mask] = 0
    return layers


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


# ---------------------------------------------------------------------- all of them

MAKES: dict[str, Callable[[], MaskScheme]] = {
    "soft_deep_r": lambda: soft_deep_r(FINAL, l1=0.1, temperature=0.01),
    "snfs": lambda: snfs(FINAL, n_steps=24, every=4),
    "dpf": lambda: dpf(FINAL, n_steps=24, every=4),
    "dnw": lambda: dnw(FINAL),
    "lc": lambda: lc(FINAL, n_steps=24, n_stages=5),
}


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


@pytest.mark.parametrize("name", ["dpf", "dnw", "lc"])
def test_schemes_that_start_full_refuse_sparse_layers(name: str) -> None:
    context = Context(0, np.random.default_rng(1))
    message = rf"layers: got 6 of 24 synapses; {name} starts with all of them"
    with pytest.raises(ParameterError, match=message):
        MAKES[name]().begin(snfs_layers(1), context)
    layers = full_layers()
    train(dnw(FINAL), layers, goals(layers), 3)
    MAKES[name]().begin(layers, context)  # dense below its mask


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
