"""How silent a dense ANN is."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

__all__ = ["ann_sizes", "share_of_zeros"]


def ann_sizes(ann: nn.Sequential) -> tuple[int, ...]:
    """Return the width of every layer, inputs and outputs included."""
    layers = [layer for layer in ann if isinstance(layer, nn.Linear)]
    return (layers[0].in_features, *(layer.out_features for layer in layers))


def share_of_zeros(ann: nn.Sequential, images: Any) -> float:
    """Return the share of zeros among the activations of all ReLU layers.

    Parameters
    ----------
    ann : torch.nn.Sequential
        From `dense_ann`.
    images : (n, n_pixels) float32
        What it is shown.

    Returns
    -------
    float
        Between 0 and 1; 0 without hidden layers.
    """
    x = torch.from_numpy(np.array(images))
    zeros = total = 0
    with torch.no_grad():
        for layer in ann:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                zeros += int((x == 0).sum())
                total += x.numel()
    return zeros / max(1, total)
