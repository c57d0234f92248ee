"""Tolerances by dtype and comparisons that several tests use."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from neurosparse.data import ImageDataset, load_digits
from neurosparse.train import SparseLinear

__all__ = ["TOLERANCE", "assert_same_state", "dense_of", "digits", "topology"]

# relative and absolute: sums of some hundred terms of order 1, in another order
TOLERANCE = {torch.float32: (1e-5, 1e-5), torch.float64: (1e-12, 1e-12)}


def digits(n_train: int, n_valid: int) -> tuple[ImageDataset, ImageDataset]:
    """Return the first images of the digits' own training and test sets."""
    train, test = load_digits(seed=0)
    return train.take(range(n_train)), test.take(range(n_valid))


def dense_of(layer: SparseLinear) -> Tensor:
    """Write the weights into a dense matrix, one by one."""
    dense = torch.zeros(layer.out_features, layer.in_features, dtype=layer.weight.dtype)
    for k, key in enumerate(layer.keys().tolist()):
        dense[key // layer.in_features, key % layer.in_features] = layer.weight[k].detach()
    return dense


def topology(model: nn.Module) -> list[list[int]]:
    """Return the keys of all sparse layers."""
    return [layer.keys().tolist() for layer in model.modules() if isinstance(layer, SparseLinear)]


def assert_same_state(one: dict[str, Any], two: dict[str, Any]) -> None:
    """Every tensor of two state dicts is the same, bit for bit."""
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert value.dtype == two[name].dtype, name
        assert torch.equal(value, two[name]), name
