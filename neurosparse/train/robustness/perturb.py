"""Disturbances that no adversary chose: noise on images, synapses that fail."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neurosparse.data import ImageDataset
from neurosparse.data.labelled import check_rng
from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_fraction
from neurosparse.sparsify import rows_of
from neurosparse.train.masked_linear import MaskedLinear
from neurosparse.train.sparse_linear import SparseLinear

__all__ = ["add_noise", "lose_synapses"]

Model = TypeVar("Model", bound=nn.Module)


def add_noise(data: ImageDataset, std: float, rng: np.random.Generator) -> ImageDataset:
    """Add independent Gaussian noise to every pixel, ``clip(x + std N(0, 1), 0, 1)``.

    Parameters
    ----------
    data : ImageDataset
        Left as it is.
    std : float [1]
        Standard deviation before clipping, >= 0; white is 1.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    ImageDataset
        The same labels, other images.

    Raises
    ------
    ParameterError
        If the data are no images, or ``std`` is out of range.
    """
    if not isinstance(data, ImageDataset):
        raise ParameterError(f"data: got {data!r}; noise is added to pixels, of an ImageDataset")
    if not 0 <= std < math.inf:
        raise ParameterError(f"std: got {std!r}; allowed is >= 0, finite")
    noise = check_rng(rng).standard_normal(data.images.shape, dtype=np.float32)
    noise *= np.float32(std)
    noise += data.images
    return replace(data, images=np.clip(noise, 0, 1, out=noise))


def lose_synapses(model: Model, share: float, rng: np.random.Generator) -> Model:
    """Return a copy of a model that has lost a share of its synapses.

    Parameters
    ----------
    model : torch.nn.Module
        Of `SparseLinear` or ``torch.nn.Linear`` layers; left as it is.
    share : float
        ``round(share n_active)`` synapses of all layers together are lost, each as likely as any
        other; ``0 <= share <= 1``. Weights of exactly 0 in dense layers are no synapses. Biases
        stay.
    rng : numpy.random.Generator
        Who is lost.

    Returns
    -------
    torch.nn.Module
        In `SparseLinear` layers the synapses are gone, in `MaskedLinear` ones masked, in dense ones
        0.

    Raises
    ------
    ParameterError
        If there is no such layer, or the share is out of range.

    Notes
    -----
    Cost O(n_active), or O(n_potential) for dense layers, like their forward pass.
    """
    share = check_fraction("share", share, open_below=False)
    damaged = copy.deepcopy(model)
    layers: list[Any] = [
        layer for layer in damaged.modules() if isinstance(layer, SparseLinear | nn.Linear)
    ]
    if not layers:
        raise ParameterError("model: no SparseLinear or torch.nn.Linear layers in it")
    active = [_active(layer) for layer in layers]
    ends = np.cumsum([positions.size for positions in active])
    n_lost = round(share * int(ends[-1]))
    lost = np.zeros(ends[-1], dtype=np.bool_)
    lost[check_rng(rng).choice(lost.size, n_lost, replace=False)] = True
    for layer, positions, gone in zip(layers, active, np.split(lost, ends[:-1]), strict=True):
        _delete(layer, positions[gone])
    return damaged


def _active(layer: SparseLinear | nn.Linear) -> NDArray[np.int64]:
    """Return where the weights of existing synapses stand."""
    if isinstance(layer, MaskedLinear):
        return layer.keys()
    if isinstance(layer, SparseLinear):
        return np.arange(layer.n_active)
    return np.flatnonzero(layer.weight.detach().numpy())


def _delete(layer: SparseLinear | nn.Linear, positions: NDArray[np.int64]) -> None:
    if isinstance(layer, MaskedLinear):
        layer.mask[torch.from_numpy(positions)] = False
    elif isinstance(layer, SparseLinear):
        keep = np.ones(layer.n_active, dtype=np.bool_)
        keep[positions] = False
        rows = rows_of(layer.keys()[keep], layer.out_features, layer.in_features)
        signs = layer.signs.numpy()[keep]
        layer.set_weights(layer.weight.detach()[torch.from_numpy(keep)])
        layer.set_topology(*rows, signs)
    else:
        layer.weight.data.view(-1)[torch.from_numpy(positions)] = 0
