"""Layers in a row, and steps that a structured scheme takes on them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from neurosparse.sparsify import Context, LayerView, Scheme
from tests.sparsify.layers import make_layer, move

__all__ = ["context", "ends", "full_stack", "run"]


def context(seed: int = 0, step: int = 0) -> Context:
    return Context(step, np.random.default_rng(seed))


def ends(view: LayerView, k: int) -> tuple[int, int]:
    """Return source and target of a synapse, by its key."""
    row, column = divmod(int(view.keys[k]), view.n_columns)
    return (row, column) if view.by_pre else (column, row)


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
