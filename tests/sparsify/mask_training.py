"""Layers with dense state, and their training under a scheme, as the trainer does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.sparsify import Context
from neurosparse.sparsify.masks.scheme import MaskScheme, MaskView
from neurosparse.sparsify.recipes.masks import dnw, dpf, lc, snfs, soft_deep_r

__all__ = [
    "ETA",
    "FINAL",
    "MAKES",
    "SHAPES",
    "as_lists",
    "compare",
    "full_layers",
    "goals",
    "snfs_layers",
    "train",
]

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


def snfs_layers(seed: int) -> list[MaskView]:
    """Return sparse layers, one of which is nearly full."""
    layers = full_layers(seed)
    rng = np.random.default_rng(seed + 10)
    for layer, n in zip(layers, (6, 5, 14), strict=True):
        layer.mask[:] = False
        layer.mask[rng.permutation(layer.n_potential)[:n]] = True
        layer.weights[~layer.mask] = 0
    return layers


MAKES: dict[str, Callable[[], MaskScheme]] = {
    "soft_deep_r": lambda: soft_deep_r(FINAL, l1=0.1, temperature=0.01),
    "snfs": lambda: snfs(FINAL, n_steps=24, every=4),
    "dpf": lambda: dpf(FINAL, n_steps=24, every=4),
    "dnw": lambda: dnw(FINAL),
    "lc": lambda: lc(FINAL, n_steps=24, n_stages=5),
}
