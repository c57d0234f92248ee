"""Neuron and block rules against slow references, and what they refuse."""

from __future__ import annotations

import dataclasses
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
from neurosparse.sparsify import Context, LayerBudget, LayerView, Scheme
from neurosparse.sparsify.recipes.structured import (
    block_pruning,
    block_rewiring,
    neuron_pruning,
)
from neurosparse.sparsify.schedules import Polynomial
from neurosparse.sparsify.structure.blocks import Blocks, UniformBlocks, block_keys
from neurosparse.sparsify.structure.compact import compact
from neurosparse.sparsify.structure.neurons import Neurons, prune_neurons
from neurosparse.sparsify.target import Target
from tests.sparsify.layers import check_layer, layer_of, make_layer, move

RECURRENT = [(0, 1), (1, 1), (1, 2), (2, 3)]


def context(seed: int = 0, step: int = 0) -> Context:
    return Context(step, np.random.default_rng(seed))


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


def ends(view: LayerView, k: int) -> tuple[int, int]:
    """Return source and target of a synapse, by its key."""
    row, column = divmod(int(view.keys[k]), view.n_columns)
    return (row, column) if view.by_pre else (column, row)


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


# ---------------------------------------------------------------------- blocks


def slow_blocks(view: LayerView, shape: tuple[int, int]) -> dict[tuple[int, int], list[int]]:
    blocks: dict[tuple[int, int], list[int]] = {}
    for k in range(view.n_active):
        pre, post = ends(view, k)
        blocks.setdefault((post // shape[0], pre // shape[1]), []).append(k)
    return blocks


@st.composite
def blocky(draw: st.DrawFn) -> tuple[LayerView, tuple[int, int]]:
    """Draw a layer with any synapses, and a shape that divides it."""
    shape = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    n_post, n_pre = shape[0] * draw(st.integers(1, 4)), shape[1] * draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(0, n_post * n_pre))
    return make_layer(n_post, n_pre, n, rng, by_pre=draw(st.booleans())), shape


@given(drawn=blocky(), share=st.floats(0.01, 1))
@settings(max_examples=80, deadline=None)
def test_the_blocks_of_least_mean_go_whole(drawn: Any, share: float) -> None:
    view, shape = drawn
    blocks = slow_blocks(view, shape)
    means = {
        b: sum(abs(float(view.weights[k])) for k in members) / len(members)
        for b, members in blocks.items()
    }
    gone = sorted(means, key=lambda b: means[b])[: int(share * len(means))]
    (dropped,) = Blocks(shape, share)([view], context())
    assert dropped.tolist() == sorted(k for b in gone for k in blocks[b])


@given(drawn=blocky(), share=st.floats(0.0, 1))
@settings(max_examples=80, deadline=None)
def test_a_target_takes_as_few_blocks_as_will_do(drawn: Any, share: float) -> None:
    view, shape = drawn
    final = max(1, int(share * view.n_potential))
    (dropped,) = Blocks([shape], Target([final], lambda step: 1.0))([view], context())
    blocks = slow_blocks(view, shape)
    gone = [b for b, members in blocks.items() if set(members) & set(dropped.tolist())]
    assert dropped.tolist() == sorted(k for b in gone for k in blocks[b])
    left = view.n_active - dropped.size
    assert left <= final or len(blocks) - len(gone) <= 1
    if gone:
        mean = {b: np.abs(view.weights[blocks[b]]).mean() for b in blocks}
        last = max(gone, key=lambda b: mean[b])
        assert left + len(blocks[last]) > final
        assert all(mean[last] <= mean[b] for b in blocks if b not in gone)


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    across=st.integers(1, 5),
    down=st.integers(1, 5),
    share=st.floats(0.05, 1),
    by_pre=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=80, deadline=None)
def test_rewiring_keeps_the_number_of_blocks(
    shape: tuple[int, int], across: int, down: int, share: float, by_pre: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    n_post, n_pre = shape[0] * down, shape[1] * across
    n_blocks = int(rng.integers(0, across * down + 1))
    if by_pre:
        keys = block_keys(n_pre, n_post, (shape[1], shape[0]), n_blocks, rng)
    else:
        keys = block_keys(n_post, n_pre, shape, n_blocks, rng)
    assert keys.size == n_blocks * shape[0] * shape[1]
    signs = rng.choice([-1, 1], keys.size).astype(np.int8)
    weights = (signs * rng.random(keys.size)).astype(np.float32)
    view = layer_of(n_post, n_pre, keys, weights, signs, by_pre=by_pre)
    area = shape[0] * shape[1]
    scheme = block_rewiring(shape, share=share, every=1)
    for step in range(4):
        assert all(len(members) == area for members in slow_blocks(view, shape).values())
        assert len(slow_blocks(view, shape)) == n_blocks
        (rewiring,) = scheme.step([view], Context(step, rng))
        view = move(view, rewiring)
        check_layer(view)
        view = dataclasses.replace(
            view, weights=(view.signs * rng.random(view.n_active)).astype(np.float32)
        )


def test_blocks_grow_uniformly_and_not_across_forbidden_autapses() -> None:
    rng = np.random.default_rng(0)
    # 6 x 6 in blocks of 2 x 3: three blocks touch the diagonal on each... as the reference finds
    none = np.zeros(0, np.int64)
    view = layer_of(6, 6, none, np.zeros(0, np.float32), np.zeros(0, np.int8), autapses=False)
    touching = {(i // 2, i // 3) for i in range(6)}
    free = [(a, b) for a in range(3) for b in range(2) if (a, b) not in touching]
    counts = dict.fromkeys(free, 0)
    for _ in range(600):
        keys = UniformBlocks((2, 3))(view, none, 6, rng)
        assert keys.size == 6
        counts[int(keys[0] // 6 // 2), int(keys[0] % 6 // 3)] += 1
    expected = 600 / len(free)
    assert all(abs(n - expected) < 5 * np.sqrt(expected) for n in counts.values())
    with pytest.raises(ParameterError, match=r"n_grow: got 3 blocks; only 2 of 6 hold no synapse"):
        UniformBlocks((2, 3))(view, none, 18, rng)


def test_every_set_of_blocks_is_equally_likely() -> None:
    rng = np.random.default_rng(0)
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(1500):
        drawn = tuple(block_keys(4, 4, (2, 2), 2, rng).tolist())
        counts[drawn] = counts.get(drawn, 0) + 1
    assert len(counts) == 6
    assert all(abs(n - 250) < 5 * np.sqrt(250) for n in counts.values())


def test_what_blocks_refuse() -> None:
    rng = np.random.default_rng(0)
    view = make_layer(10, 784, 100, rng)
    none = np.zeros(0, np.int64)
    ragged = "shape: blocks of 4 x 4 do not divide a layer of 10 x 784; allowed is what divides"
    with pytest.raises(ShapeError, match=ragged):
        Blocks((4, 4), 0.5)([view], context())
    with pytest.raises(ShapeError, match=ragged):
        UniformBlocks((4, 4))(view, none, 16, rng)
    with pytest.raises(ShapeError, match=ragged):
        block_keys(10, 784, (4, 4), 3, rng)
    with pytest.raises(ParameterError, match="shape: got 2 shapes for 1 layers"):
        Blocks([(2, 2), (5, 4)], 0.5)([view], context())
    with pytest.raises(ParameterError, match=r"shape: got \(4,\); expected \(rows, col"):
        UniformBlocks((4,))  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="shape: got 0; allowed is a whole number >= 1"):
        Blocks((0, 4), 0.5)
    with pytest.raises(ParameterError, match="amount: got 2"):
        Blocks((1, 4), 2)
    with pytest.raises(ParameterError, match="n_grow: got 5; allowed is a multiple of 4, a block"):
        UniformBlocks((2, 2))(view, none, 5, rng)
    with pytest.raises(ParameterError, match="n_blocks: got 999999; allowed is a whole number, 0"):
        block_keys(10, 784, (2, 4), 999999, rng)


# ---------------------------------------------------------------------- recipes


def full_stack(sizes: Sequence[int], seed: int) -> list[LayerView]:
    rng = np.random.default_rng(seed)
    return [make_layer(n, m, n * m, rng) for m, n in itertools.pairwise(sizes)]


def run(scheme: Scheme, views: list[LayerView], n_steps: int) -> list[list[int]]:
    rng = np.random.default_rng(1)
    history = []
    for step in range(n_steps):
        views = [
            move(view, rewiring)
            for view, rewiring in zip(views, scheme.step(views, Context(step, rng)), strict=True)
        ]
        for view in views:
            view.weights += rng.normal(0, 0.01, view.n_active).astype(np.float32)
        history.append([view.n_active for view in views])
    return history


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


def test_block_pruning_ends_with_whole_blocks_within_its_number() -> None:
    views = full_stack([16, 12, 8], 0)
    scheme = block_pruning([50, 20], (2, 4), start=0, stop=10, every=2)
    history = run(scheme, views, 12)
    assert history[-1] == [48, 16]
    assert all(a[0] >= b[0] and a[1] >= b[1] for a, b in itertools.pairwise(history))
    assert all(n % 8 == 0 for counts in history for n in counts)


def test_recipes_say_what_they_are() -> None:
    assert neuron_pruning(0.1, start=0, stop=10).name == "neuron_pruning"
    assert block_pruning(0.1, (1, 1), start=0, stop=10).name == "block_pruning"
    scheme = block_rewiring((2, 2), share=0.2, every=10, stop=20)
    assert isinstance(scheme.budget, LayerBudget)
    assert [step for step in range(40) if scheme.schedule.due(step)] == [9, 19]
    last = neuron_pruning(0.1, start=3, stop=10, every=4, score="gradient")
    assert last.needs == {"gradient"}
    assert [step for step in range(40) if last.schedule.due(step)] == [6, 10]
