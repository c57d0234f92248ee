"""Surrogate gradients: a step forward, a smooth derivative backward.

A surrogate is a callable ``x -> spikes`` with ``x = v - vth``: it returns 1 where ``x > 0`` and
defines what autograd sees. snnTorch's (``snntorch.surrogate.fast_sigmoid()`` and the others)
have the same form and are accepted wherever ours are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from neurosparse.errors import ParameterError

__all__ = ["Surrogate", "atan", "derivative", "fast_sigmoid", "triangle"]

Surrogate = Callable[[Tensor], Tensor]


class _Step(torch.autograd.Function):
    """Heaviside step whose derivative is given by a function of ``x``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.save_for_backward(x)
        ctx.slope = slope
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return grads[0] * ctx.slope(x), None


class _Surrogate:
    def __init__(self, name: str, value: float, slope: Callable[[Tensor], Tensor]) -> None:
        if not value > 0:
            raise ParameterError(f"{name}: got {value!r}; allowed is > 0")
        self.slope = slope

    def __call__(self, x: Tensor) -> Tensor:
        spikes: Tensor = _Step.apply(x, self.slope)  # type: ignore[no-untyped-call]
        return spikes


def fast_sigmoid(slope: float = 10.0) -> Surrogate:
    """Return the surrogate with derivative ``1 / (slope |x| + 1)^2`` (Zenke & Ganguli 2018)."""
    return _Surrogate("slope", slope, lambda x: 1 / (slope * x.abs() + 1) ** 2)


def atan(alpha: float = 2.0) -> Surrogate:
    """Return the surrogate with derivative ``alpha / 2 / (1 + (pi x alpha / 2)^2)`` (Fang 2021)."""
    return _Surrogate("alpha", alpha, lambda x: alpha / 2 / (1 + (torch.pi * x * alpha / 2) ** 2))


def triangle(width: float = 1.0) -> Surrogate:
    """Return the surrogate with derivative ``max(0, 1 - |x| / width)`` (Bellec et al. 2018).

    Compact support: neurons further than ``width`` from threshold pass no gradient.
    """
    return _Surrogate("width", width, lambda x: (1 - x.abs() / width).clamp(min=0))


def derivative(surrogate: Surrogate, x: Tensor) -> Tensor:
    """Return what ``surrogate`` gives autograd as ``ds/dx`` at ``x``, elementwise."""
    if isinstance(surrogate, _Surrogate):
        return surrogate.slope(x)
    with torch.enable_grad():
        probe = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(surrogate(probe).sum(), probe)
    return slope
