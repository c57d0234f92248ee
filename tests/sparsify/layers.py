"""Layers to rewire, and what their owner does after a step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from neurosparse.network import sample_distinct
from neurosparse.sparsify import LayerView, Rewiring

__all__ = ["check_layer", "layers", "make_layer", "move"]


def make_layer(
    n_post: int,
    n_pre: int,
    n_active: int,
    rng: np.random.Generator,
    *,
    learning_rate: float = 0.1,
    scale: float = 1.0,
) -> LayerView:
    """Draw a topology and weights; signs are those of the weights."""
    keys = sample_distinct(rng, n_post * n_pre, n_active)
    weights = (scale * rng.standard_normal(n_active)).astype(np.float32)
    signs = np.where(weights < 0, -1, 1).astype(np.int8)
    return LayerView(n_post, n_pre, keys, weights, signs, learning_rate)


@st.composite
def layers(draw: st.DrawFn, max_side: int = 8) -> LayerView:
    """Draw a layer with any number of synapses from none to all."""
    n_post, n_pre = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    n_active = draw(st.integers(0, n_post * n_pre))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return make_layer(n_post, n_pre, n_active, rng)


def gathered(values: NDArray[np.float32], origin: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return what stood at ``origin``, zero for newborns; one by one, as the contract says it."""
    return np.array([values[i] if i >= 0 else 0 for i in origin], dtype=values.dtype)


def move(layer: LayerView, rewiring: Rewiring | None) -> LayerView:
    """Return the layer after the exchange."""
    if rewiring is None:
        return layer
    weights = gathered(layer.weights, rewiring.origin)
    return replace(layer, keys=rewiring.keys, weights=weights, signs=rewiring.signs)


def check_layer(layer: LayerView) -> None:
    """Keys ascend without doubles inside the matrix; everything is aligned; no weight is across."""
    assert layer.keys.dtype == np.int64
    assert (np.diff(layer.keys) > 0).all()
    assert ((layer.keys >= 0) & (layer.keys < layer.n_potential)).all()
    assert layer.weights.shape == layer.signs.shape == layer.keys.shape
    assert layer.signs.dtype == np.int8
    assert np.isin(layer.signs, (-1, 1)).all()
    assert (layer.weights * layer.signs >= 0).all()
