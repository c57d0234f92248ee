"""Block rules against slow references, and what they refuse."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.sparsify import Context, LayerBudget, LayerView
from neurosparse.sparsify.recipes.structured import (
    block_pruning,
    block_rewiring,
    neuron_pruning,
)
from neurosparse.sparsify.structure.blocks import Blocks, UniformBlocks, block_keys
from neurosparse.sparsify.target import Target
from tests.sparsify.layers import check_layer, layer_of, make_layer, move
from tests.sparsify.stack import context, ends, full_stack, run


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
