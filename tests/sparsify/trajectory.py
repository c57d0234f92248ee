"""Layers that gradients move and a scheme rewires, step by step, as dictionaries show them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import sample_distinct
from neurosparse.sparsify import Context, LayerView, Rewiring, Scheme
from tests.sparsify.layers import layer_of, move

__all__ = ["RATE", "Step", "check_order", "gradients", "moved", "start", "walk", "weights_of"]

RATE = 0.1

Dense = list[dict[int, float]]


@dataclass
class Step:
    """What a scheme was shown in a step, what it decided, and what there is then.

    ``before`` are the weights by key of every layer, after the optimiser's step; ``gradient`` is
    that of every potential synapse.
    """

    number: int
    before: list[dict[int, float]]
    gradient: Dense
    rewirings: list[Rewiring | None]
    layers: list[LayerView]

    @property
    def after(self) -> list[dict[int, float]]:
        return [weights_of(layer) for layer in self.layers]

    @property
    def dropped(self) -> list[set[int]]:
        """Keys that went."""
        return [
            set()
            if rewiring is None
            else {list(before)[position] for position in rewiring.dropped.tolist()}
            for before, rewiring in zip(self.before, self.rewirings, strict=True)
        ]

    @property
    def born(self) -> list[set[int]]:
        """Keys that came."""
        return [set() if own is None else set(own.born.tolist()) for own in self.rewirings]


def start(
    shapes: Sequence[tuple[int, int]], counts: Sequence[int] | None, rng: np.random.Generator
) -> list[LayerView]:
    """Return layers ``(n_post, n_pre)`` of random float64 weights; without counts full ones."""
    layers = []
    for index, (n_post, n_pre) in enumerate(shapes):
        n = n_post * n_pre if counts is None else counts[index]
        keys = sample_distinct(rng, n_post * n_pre, n)
        weights = rng.standard_normal(n)
        signs = np.where(weights < 0, -1, 1).astype(np.int8)
        layers.append(layer_of(n_post, n_pre, keys, weights, signs, learning_rate=RATE))
    return layers


def weights_of(layer: LayerView) -> dict[int, float]:
    """Return weights by key, in order."""
    return dict(zip(layer.keys.tolist(), layer.weights.tolist(), strict=True))


def gradients(layers: Sequence[LayerView], n_steps: int, seed: int) -> list[Dense]:
    """Return for every step and layer a gradient of every potential synapse."""
    rng = np.random.default_rng(seed)
    return [
        [dict(enumerate(rng.standard_normal(layer.n_potential).tolist())) for layer in layers]
        for _ in range(n_steps)
    ]


def moved(weights: dict[int, float], gradient: dict[int, float]) -> dict[int, float]:
    """Return weights after the optimiser's step."""
    return {key: w - RATE * gradient[key] for key, w in weights.items()}


def walk(
    scheme: Scheme,
    layers: list[LayerView],
    n_steps: int,
    seed: int,
    context: Context | None = None,
    prepare: Callable[[int, list[LayerView], Context], None] | None = None,
) -> Iterator[Step]:
    """Take steps along random gradients (those `gradients` gives for the seed)."""
    context = context or Context(0, np.random.default_rng(seed + 1))
    for number, dense in enumerate(gradients(layers, n_steps, seed)):
        layers = [replace(layer) for layer in layers]  # a step's layers stay as they were
        for layer, gradient in zip(layers, dense, strict=True):
            weights = moved(weights_of(layer), gradient)
            layer.weights = np.array(list(weights.values()))
            show_gradient(layer, gradient)
        context.step = number
        if prepare is not None:
            prepare(number, layers, context)
        before = [weights_of(layer) for layer in layers]
        rewirings = scheme.step(layers, context)
        layers = [
            with_births(move(layer, rewiring), rewiring)
            for layer, rewiring in zip(layers, rewirings, strict=True)
        ]
        for layer in layers:
            check_order(layer)
        yield Step(number, before, dense, rewirings, layers)


def show_gradient(layer: LayerView, gradient: dict[int, float]) -> None:
    """Show what training shows: the gradient of synapses, and the largest of the dormant."""
    keys = layer.keys.tolist()
    layer.gradient = np.array([gradient[key] for key in keys])
    dormant = sorted(gradient.keys() - set(keys), key=lambda key: -abs(gradient[key]))
    best = np.array(dormant[: layer.n_active], dtype=np.int64)
    layer.candidates = best, np.array([abs(gradient[key]) for key in best.tolist()])


def with_births(layer: LayerView, rewiring: Rewiring | None) -> LayerView:
    """Return the layer with the first weights of its newborns."""
    if rewiring is None or rewiring.weights is None:
        return layer
    weights: NDArray[np.floating] = layer.weights.copy()
    weights[rewiring.places] = rewiring.weights
    return replace(layer, weights=weights)


def check_order(layer: LayerView) -> None:
    """Keys ascend without doubles inside the matrix, and arrays are aligned."""
    keys = layer.keys.tolist()
    assert sorted(set(keys)) == keys
    assert not keys or (keys[0] >= 0 and keys[-1] < layer.n_post * layer.n_pre)
    assert layer.weights.size == layer.signs.size == layer.n_active == layer.indptr[-1]
