"""Layers of fewer neurons, cut out of layers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosparse.network.rows import row_pointers
from neurosparse.train.masked_linear import MaskedLinear
from neurosparse.train.sparse_linear import SparseLinear

__all__ = ["Edges", "Linear", "cut_layer", "edges_of"]

Linear = SparseLinear | nn.Linear


class Edges(NamedTuple):
    """The synapses of a layer, one by one: ``pre`` and ``post`` int64, ``weights``."""

    pre: NDArray[np.int64]
    post: NDArray[np.int64]
    weights: NDArray[Any]


def edges_of(layer: Linear) -> Edges:
    """Return the synapses of a layer; of a dense one those that are not exactly 0."""
    if isinstance(layer, SparseLinear):
        values = layer.values().detach().numpy()
        if isinstance(layer, MaskedLinear):
            values = values[layer.mask.numpy()]
        post, pre = np.divmod(layer.keys(), layer.in_features)
        return Edges(pre, post, values)
    weight = layer.weight.detach().numpy()
    post, pre = np.nonzero(weight)
    return Edges(pre, post, weight[post, pre])


def cut_layer(
    layer: Linear,
    post: NDArray[np.int64],
    pre: NDArray[np.int64],
    keep: NDArray[np.bool_],
    *,
    bias: NDArray[np.float64] | None = None,
) -> Linear:
    """Return a new layer between the neurons ``post`` and ``pre`` with the synapses marked.

    Parameters
    ----------
    layer : SparseLinear or torch.nn.Linear
        Stays as it is; a `MaskedLinear` becomes a `SparseLinear`.
    post, pre : (n,) int64
        Neurons that stay, ascending.
    keep : (n_active,) bool
        Aligned with `edges_of`; the synapses lie between neurons that stay.
    bias : (n_post,) float64, optional
        Of all neurons of the old layer; default its own.

    Returns
    -------
    SparseLinear or torch.nn.Linear
        Signs, dtype, ``requires_grad`` and the mode of training are those of ``layer``.
    """
    before = edges_of(layer)
    own = None if layer.bias is None else layer.bias.detach()
    if bias is not None:
        own = torch.from_numpy(bias).to(layer.weight.dtype)
    made: Linear
    if isinstance(layer, SparseLinear):
        made = SparseLinear(pre.size, post.size, n_active=1, bias=own is not None)
        numbers = np.zeros((2, max(layer.in_features, layer.out_features)), dtype=np.int64)
        numbers[0, pre], numbers[1, post] = np.arange(pre.size), np.arange(post.size)
        columns = numbers[0, before.pre[keep]].astype(np.int32)
        counts = np.bincount(numbers[1, before.post[keep]], minlength=post.size)
        signs = layer.signs.numpy()
        if isinstance(layer, MaskedLinear):
            signs = signs[layer.mask.numpy()]
        made.set_weights(torch.from_numpy(before.weights[keep]))
        made.set_topology(row_pointers(counts), columns, signs[keep])
    else:
        made = nn.Linear(pre.size, post.size, bias=own is not None)
        full = torch.zeros_like(layer.weight)
        at = before.post[keep], before.pre[keep]
        full[at] = layer.weight.detach()[at]
        made.weight.data = full[post][:, pre]
    made.weight.requires_grad_(layer.weight.requires_grad)
    if made.bias is not None and own is not None:
        made.bias.data = own[post].clone()
        trained: Tensor = layer.weight if layer.bias is None else layer.bias
        made.bias.requires_grad_(trained.requires_grad)
    made.train(layer.training)
    return made
