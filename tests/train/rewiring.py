"""A layer with something to learn, its slots, and a step that drops synapses."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from neurosparse.train import SparseLinear

__all__ = ["by_key", "layer_and_loss", "rewire_once"]


def layer_and_loss() -> tuple[SparseLinear, Callable[[], Tensor]]:
    """Return a layer with something to learn."""
    layer = SparseLinear(12, 10, n_active=40, rng=1)
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(32, 12, generator=generator)
    y = torch.randn(32, 10, generator=generator)
    return layer, lambda: ((layer(x) - y) ** 2).mean() * 10


def by_key(layer: SparseLinear, optimizer: torch.optim.Optimizer) -> dict[str, dict[int, float]]:
    """Return every slot that has one entry per synapse, by the synapse's key."""
    keys = layer.keys().tolist()
    slots = {"weight": layer.weight.detach()} | optimizer.state.get(layer.weight, {})
    return {
        name: dict(zip(keys, slot.tolist(), strict=True))
        for name, slot in slots.items()
        if isinstance(slot, Tensor) and slot.shape == layer.weight.shape
    }


def rewire_once(layer: SparseLinear, optimizer: torch.optim.Optimizer, share: float = 0.3) -> None:
    """Step with a gradient that changes nothing but drives a share of the weights across zero."""
    weight = layer.weight.detach()
    weight[torch.rand(layer.n_active, generator=torch.Generator().manual_seed(1)) < share] *= -1
    optimizer.step()
