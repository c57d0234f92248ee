"""Layers to rewire, and what their owner does after a step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from neurosparse.network import sample_distinct
from neurosparse.sparsify import LayerView, Rewiring, rows_of

__all__ = ["check_layer", "layer_of", "layers", "make_layer", "move"]


def layer_of(
    n_post: int,
    n_pre: int,
    keys: NDArray[np.int64],
    weights: NDArray[np.floating],
    signs: NDArray[np.int8],
    *,
    learning_rate: float = 0.1,
    by_pre: bool = False,
    autapses: bool = True,
) -> LayerView:
    """Return the layer with synapses at ``keys``."""
    shape = (n_pre, n_post) if by_pre else (n_post, n_pre)
    indptr, indices = rows_of(keys, *shape)
    return LayerView(
        n_post, n_pre, indptr, indices, weights, signs, learning_rate, by_pre, autapses
    )


def make_layer(
    n_post: int,
    n_pre: int,
    n_active: int,
    rng: np.random.Generator,
    *,
    learning_rate: float = 0.1,
    scale: float = 1.0,
    by_pre: bool = False,
    autapses: bool = True,
) -> LayerView:
    """Draw a topology and weights; signs are those of the weights."""
    keys = sample_distinct(rng, n_post * n_pre, n_active)
    weights = (scale * rng.standard_normal(n_active)).astype(np.float32)
    signs = np.where(weights < 0, -1, 1).astype(np.int8)
    return layer_of(
        n_post,
        n_pre,
        keys,
        weights,
        signs,
        learning_rate=learning_rate,
        by_pre=by_pre,
        autapses=autapses,
    )


@st.composite
def layers(draw: st.DrawFn, max_side: int = 8) -> LayerView:
    """Draw a layer with any number of synapses from none to all."""
    n_post, n_pre = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    n_active = draw(st.integers(0, n_post * n_pre))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return make_layer(n_post, n_pre, n_active, rng, by_pre=draw(st.booleans()))


def move(layer: LayerView, rewiring: Rewiring | None) -> LayerView:
    """Return the layer after the exchange; its weights one by one, as the contract says it."""
    if rewiring is None:
        return layer
    weights = [layer.weights[i] if i >= 0 else 0 for i in rewiring.origin]
    return replace(
        layer,
        indptr=rewiring.indptr,
        indices=rewiring.moved(layer.indices, rewiring.columns),
        weights=np.array(weights, dtype=layer.weights.dtype),
        signs=rewiring.moved(layer.signs, rewiring.signs),
    )


def check_layer(layer: LayerView) -> None:
    """Keys ascend without doubles inside the matrix; everything is aligned; no weight is across."""
    assert layer.indptr.dtype == np.int64
    assert layer.indptr.size == layer.n_rows + 1
    assert layer.indptr[0] == 0
    assert layer.indptr[-1] == layer.n_active
    assert layer.indices.dtype == np.int32
    assert ((layer.indices >= 0) & (layer.indices < layer.n_columns)).all()
    assert (np.diff(layer.keys) > 0).all()
    assert layer.weights.shape == layer.signs.shape == layer.indices.shape
    assert layer.signs.dtype == np.int8
    assert np.isin(layer.signs, (-1, 1)).all()
    assert (layer.weights * layer.signs >= 0).all()
