"""ReLU networks: the dense ANN of the comparison, and sparse ones for the published results."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from neurosparse.errors import ParameterError
from neurosparse.train.sparse_linear import SparseLinear

__all__ = ["dense_ann", "dense_linear", "layer_pairs", "sparse_ann"]


def layer_pairs(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Return ``(n_pre, n_post)`` of every layer.

    Raises
    ------
    ParameterError
        If there are fewer than two sizes, or one is below 1.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ParameterError(f"sizes: got {list(sizes)}; expected at least two, every one >= 1")
    return list(itertools.pairwise(sizes))


def dense_linear(
    n_pre: int, n_post: int, gain: float, rng: np.random.Generator, *, bias: bool = False
) -> nn.Linear:
    """Make a full layer with weights of ``gain N(0, 1) / sqrt(n_pre)``."""
    layer = nn.Linear(n_pre, n_post, bias=bias)
    values = gain / np.sqrt(n_pre) * rng.standard_normal((n_post, n_pre))
    layer.weight.data = torch.from_numpy(values.astype(np.float32))
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


def dense_ann(sizes: Sequence[int], *, rng: np.random.Generator | int = 0) -> nn.Sequential:
    """Make the dense ReLU network of the same shape, with biases and He initialisation."""
    rng = np.random.default_rng(rng)
    pairs = layer_pairs(sizes)
    layers: list[nn.Module] = []
    for index, (n_pre, n_post) in enumerate(pairs):
        layers.append(dense_linear(n_pre, n_post, np.sqrt(2), rng, bias=True))
        if index < len(pairs) - 1:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def sparse_ann(
    sizes: Sequence[int],
    *,
    n_active: Sequence[int],
    bias: bool = True,
    rng: np.random.Generator | int = 0,
) -> nn.Sequential:
    """Make a ReLU network of `SparseLinear` layers, with He initialisation by fan-in.

    Parameters
    ----------
    sizes : sequence of int
        Width of every layer, input and output included.
    n_active : sequence of int
        Synapses of every layer.
    bias : bool
        Whether layers have biases, which are dense and not counted as synapses.
    rng : numpy.random.Generator or int
        Source of topology and weights.

    Returns
    -------
    torch.nn.Sequential
        Takes (batch, n_inputs), answers with logits.

    Raises
    ------
    ParameterError
        If sizes or numbers are out of range.
    """
    rng = np.random.default_rng(rng)
    pairs = layer_pairs(sizes)
    if len(n_active) != len(pairs):
        raise ParameterError(f"n_active: got {len(n_active)} numbers for {len(pairs)} layers")
    layers: list[nn.Module] = []
    for (n_pre, n_post), k in zip(pairs, n_active, strict=True):
        layers += [
            SparseLinear(n_pre, n_post, n_active=k, bias=bias, gain=np.sqrt(2), rng=rng),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers[:-1])
