"""Neuron rules against slow references, and what they refuse."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from neurosparse import LIF, Network, Population, Projection, Synapses
from neurosparse.errors import ParameterError, ShapeError
from neurosparse.sparsify import LayerView
from neurosparse.sparsify.recipes.structured import (
    neuron_pruning,
)
from neurosparse.sparsify.schedules import Polynomial
from neurosparse.sparsify.structure.compact import compact
from neurosparse.sparsify.structure.neurons import Neurons, prune_neurons
from neurosparse.sparsify.target import Target
from tests.sparsify.layers import layer_of, make_layer
from tests.sparsify.stack import context, ends, full_stack, run

RECURRENT = [(0, 1), (1, 1), (1, 2), (2, 3)]


@st.composite
def stacks(draw: st.DrawFn, *, recurrent: bool | None = None) -> tuple[list[LayerView], Any]:
    """Draw layers in a row with gradients, the first hidden one perhaps recurrent."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(1, 7), min_size=4, max_size=4))
    own = draw(st.booleans()) if recurrent is None else recurrent
    wiring: Any = RECURRENT if own else [(0, 1), (1, 2), (2, 3)]
    views = []
    for source, target in wiring:
        n_post, n_pre = sizes[target], sizes[source]
        n_active = draw(st.integers(0, n_post * n_pre))
        view = make_layer(n_post, n_pre, n_active, rng, by_pre=draw(st.booleans()))
        view.gradient = rng.normal(size=view.n_active).astype(np.float32)
        views.append(view)
    return views, wiring if own else draw(st.sampled_from([None, wiring]))


def slow_score(views: Sequence[LayerView], wiring: Any, group: int, i: int, score: str) -> float:
    """Go through all synapses; -1 for a neuron that has none."""
    total, degree = 0.0, 0
    for view, (source, target) in zip(views, wiring, strict=True):
        for k in range(view.n_active):
            pre, post = ends(view, k)
            into, out = (target, post) == (group, i), (source, pre) == (group, i)
            degree += into + out
            w = float(view.weights[k])
            assert view.gradient is not None
            if score == "gradient":
                total += (into + out) * abs(w * float(view.gradient[k]))
            else:
                total += (into if score == "fan_in" else out) * w * w
    return total if degree else -1.0


def kept_neurons(
    views: Sequence[LayerView], wiring: Any, dropped: Sequence[NDArray[np.int64]]
) -> dict[int, set[int]]:
    kept: dict[int, set[int]] = {1: set(), 2: set()}
    for view, (source, target), gone in zip(views, wiring, dropped, strict=True):
        for k in sorted(set(range(view.n_active)) - set(gone.tolist())):
            pre, post = ends(view, k)
            kept.setdefault(source, set()).add(pre)
            kept.setdefault(target, set()).add(post)
    return kept


@pytest.mark.parametrize("score", ["fan_in", "fan_out", "gradient"])
@given(drawn=stacks(), share=st.floats(0.01, 1))
@settings(max_examples=40, deadline=None)
def test_a_share_of_neurons_goes_whole(score: Any, drawn: Any, share: float) -> None:
    views, wiring = drawn
    rule = Neurons(share, score, wiring=wiring)
    assert rule.needs == (("gradient",) if score == "gradient" else ())
    dropped = rule(views, context())
    wiring = wiring or [(0, 1), (1, 2), (2, 3)]
    gone: dict[int, set[int]] = {}
    for group in (1, 2):
        size = next(v.n_post for v, (_, t) in zip(views, wiring, strict=True) if t == group)
        scores = [slow_score(views, wiring, group, i, score) for i in range(size)]
        n_bare = sum(s == -1 for s in scores)
        n = min(n_bare + int(share * (size - n_bare)), size - 1)
        # no two scores are equal, but for those of neurons without synapses on one side
        ordered = sorted(range(size), key=lambda i: scores[i])
        border = scores[ordered[n - 1]] if n else -2.0
        assert border < scores[ordered[n]] or border <= 0
        gone[group] = set(ordered[:n])
        if border in (-1.0, 0.0) and n < size and scores[ordered[n]] == border:
            return  # chance decides
    for view, (source, target), positions in zip(views, wiring, dropped, strict=True):
        expected = [
            k
            for k in range(view.n_active)
            if ends(view, k)[0] in gone.get(source, ()) or ends(view, k)[1] in gone.get(target, ())
        ]
        assert positions.tolist() == expected
        assert positions.dtype == np.int64


@given(drawn=stacks(), share=st.floats(0.0, 1), seed=st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_a_target_takes_as_few_neurons_as_will_do(drawn: Any, share: float, seed: int) -> None:
    views, wiring = drawn
    final = [max(1, int(share * view.n_potential)) for view in views]
    dropped = Neurons(Target(final, lambda step: 1.0), wiring=wiring)(views, context(seed))
    wiring = wiring or [(0, 1), (1, 2), (2, 3)]
    n_before = sum(view.n_active for view in views)
    left = n_before - sum(positions.size for positions in dropped)
    wanted = sum(final)
    if n_before <= wanted:
        assert left == n_before
        return
    # either it fits, or every hidden layer is down to the one neuron it keeps
    kept = kept_neurons(views, wiring, dropped)
    assert left <= wanted or max(len(kept[1]), len(kept[2])) <= 1
    # with one more neuron of any layer it would not fit: those that went share a last one
    for view, (source, target), positions in zip(views, wiring, dropped, strict=True):
        for k in positions.tolist():
            pre, post = ends(view, k)
            hidden = {(source, pre), (target, post)}
            assert any(group in (1, 2) for group, _ in hidden)
    # the share that goes is the same in both layers, up to one neuron
    sizes = {t: v.n_post for v, (_, t) in zip(views, wiring, strict=True)}
    if all(view.n_active == view.n_potential for view in views):
        shares = [1 - len(kept[g]) / sizes[g] for g in (1, 2)]
        assert abs(shares[0] - shares[1]) <= 1 / min(sizes[1], sizes[2])


def test_the_full_network_keeps_the_widest_that_fits() -> None:
    """784-30-20-10: of all pairs of widths with the same share, the largest below the budget."""
    rng = np.random.default_rng(0)
    sizes = [784, 30, 20, 10]
    views = [make_layer(n, m, n * m, rng) for m, n in itertools.pairwise(sizes)]
    budget = 9000
    rule = Neurons(Target([budget - 200, 100, 100], lambda step: 1.0))
    dropped = rule(views, context())
    kept = kept_neurons(views, [(0, 1), (1, 2), (2, 3)], dropped)
    a, b = len(kept[1]), len(kept[2])
    left = sum(v.n_active for v in views) - sum(d.size for d in dropped)
    assert left == 784 * a + a * b + 10 * b <= budget
    larger = 784 * (a + 1) + (a + 1) * b + 10 * b
    wider = 784 * a + a * (b + 1) + 10 * (b + 1)
    assert (larger > budget) or (wider > budget)
    assert abs(a / 30 - b / 20) <= 1 / 20
    norms = [np.linalg.norm(views[0].weights[i * 784 : (i + 1) * 784]) for i in range(30)]
    assert kept[1] == set(np.argsort(norms)[30 - a :].tolist())


def test_equal_neurons_go_by_chance() -> None:
    view = layer_of(4, 1, np.arange(4), np.ones(4, np.float32), np.ones(4, np.int8))
    out = layer_of(1, 4, np.arange(4), np.ones(4, np.float32), np.ones(4, np.int8))
    counts = np.zeros(4)
    for seed in range(800):
        first, second = Neurons(0.5)([view, out], context(seed))
        assert first.tolist() == second.tolist()
        counts[first] += 1
    assert np.abs(counts / 800 - 0.5).max() < 5 * np.sqrt(0.25 / 800)


def test_rates_decide_and_are_asked_for_every_time() -> None:
    rng = np.random.default_rng(0)
    views = [make_layer(4, 3, 12, rng), make_layer(2, 4, 8, rng)]
    given_rates = [np.array([0.5, 0.1, 0.9, 0.2]), np.array([0.5, 0.9, 0.1, 0.2])]
    rule = Neurons(0.25, "rate", rates=lambda: {1: given_rates.pop(0)})
    assert rule(views, context())[1].tolist() == [1, 5]
    assert rule(views, context())[1].tolist() == [2, 6]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"amount": 0}, "amount: got 0; allowed is 0 < value <= 1"),
        ({"amount": 0.5, "score": "size"}, "score: got 'size'; allowed is fan_in, fan_out"),
        ({"amount": 0.5, "score": "rate"}, "rates: missing with score='rate'"),
        ({"amount": 0.5, "rates": dict}, "rates: given with score='fan_in'"),
    ],
)
def test_what_neurons_refuses(arguments: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        Neurons(**arguments)


def test_what_neurons_refuses_of_layers() -> None:
    rng = np.random.default_rng(0)
    views = [make_layer(4, 3, 6, rng), make_layer(2, 4, 4, rng)]
    with pytest.raises(ParameterError, match="wiring: layer 0 has 2 neurons and layer 1 takes 3"):
        Neurons(0.5)(views[::-1], context())
    with pytest.raises(ParameterError, match="wiring: got 1 pairs for 2 layers"):
        Neurons(0.5, wiring=[(0, 1)])(views, context())
    with pytest.raises(ShapeError, match="wiring: group 1 has 4 neurons in one layer and 2 in"):
        Neurons(0.5, wiring=[(0, 1), (2, 1)])(views, context())
    with pytest.raises(ParameterError, match="layers: no hidden group"):
        Neurons(0.5)(views[:1], context())
    with pytest.raises(ParameterError, match="score: 'gradient' needs the gradients"):
        Neurons(0.5, "gradient")(views, context())
    with pytest.raises(ParameterError, match="rates: no entry for hidden group 1; there are 'x'"):
        Neurons(0.5, "rate", rates=lambda: {"x": np.ones(4)})(views, context())
    with pytest.raises(ShapeError, match=re.escape("rates[1]: got shape (3,)")):
        Neurons(0.5, "rate", rates=lambda: {1: np.ones(3)})(views, context())


# ---------------------------------------------------------------------- on a network


def test_prune_neurons_of_a_recurrent_network() -> None:
    rng = np.random.default_rng(3)
    populations = {
        "in": Population(5),
        "a": Population(8, LIF()),
        "b": Population(6, LIF()),
        "out": Population(3, LIF()),
    }
    pairs = [("in", "a"), ("a", "a"), ("a", "b"), ("b", "a"), ("b", "out"), ("out", "b")]
    projections = []
    for k, (source, target) in enumerate(pairs):
        n_pre, n_post = populations[source].size, populations[target].size
        synapses = Synapses.random(
            n_pre, n_post, density=0.7, rng=rng, weights=lambda rng, n: rng.normal(size=n)
        )
        if k % 2:  # stored by the other rows
            synapses = Synapses(n_post, n_pre, *synapses.by_post)
        projections.append(Projection(source, target, synapses))
    network = Network(populations, projections, outputs=["out"])
    scores = {name: np.zeros(populations[name].size) for name in ("a", "b")}
    for p in network.projections:
        for post, w in zip(p.synapses.post, p.synapses.weights, strict=True):
            if p.target in scores:
                scores[p.target][post] += float(w) ** 2
    gone = {"a": set(np.argsort(scores["a"])[:4]), "b": set(np.argsort(scores["b"])[:3])}
    pruned = prune_neurons(network, 0.5, rng=rng)
    for before, after in zip(network.projections, pruned.projections, strict=True):
        rows = before.synapses.by_post
        keep = [
            pre not in gone.get(before.source, ()) and post not in gone.get(before.target, ())
            for post, pre in zip(before.synapses.post, rows.pre, strict=True)
        ]
        assert np.array_equal(after.synapses.by_post.pre, rows.pre[keep])
        assert np.array_equal(after.synapses.post, before.synapses.post[keep])
        assert np.array_equal(after.synapses.weights, before.synapses.weights[keep])
    small = compact(pruned)
    assert small.populations["a"].size <= 4
    assert small.populations["b"].size <= 3
    rates = {"a": np.arange(8.0), "b": np.arange(6.0)}
    by_rate = prune_neurons(network, 0.5, "rate", rates=rates, rng=rng)
    assert by_rate.projections[0].synapses.fan_in[:4].sum() == 0


# ---------------------------------------------------------------------- recipes


@pytest.mark.parametrize("every", [1, 3, 7])
def test_neuron_pruning_follows_the_cubic_schedule(every: int) -> None:
    sizes = [40, 30, 20, 10]
    views = full_stack(sizes, 0)
    n_all = sum(view.n_active for view in views)
    scheme = neuron_pruning(0.1, start=5, stop=25, every=every)
    history = run(scheme, views, 25 + every)
    final = sum(max(1, round(0.1 * view.n_potential)) for view in views)
    curve = Polynomial(5, 25)
    for step, counts in enumerate(history):
        allowed = n_all - curve(step) * (n_all - final)
        if (step - 5 + 1) % every == 0 and step >= 5:
            assert sum(counts) <= allowed + 1.5  # each layer's target is rounded
    assert history[4] == [view.n_active for view in views]
    assert final - 40 - 20 - 30 - 10 < sum(history[-1]) <= final
    assert history[-1][0] % 40 == 0
