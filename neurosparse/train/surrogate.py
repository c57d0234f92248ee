"""Surrogate gradients: a step forward, a smooth derivative backward.

A surrogate is a callable ``x -> spikes`` with ``x = v - vth``: it returns 1 where ``x > 0`` and
defines what autograd sees. snnTorch's (``snntorch.surrogate.fast_sigmoid()`` and the others)
have the same form and are accepted wherever ours are; ours are evaluated inside the kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from neurosparse.errors import ParameterError
from neurosparse.train.surrogate_kernels import (
    ATAN,
    BOXCAR,
    FAST_SIGMOID,
    GIVEN,
    TRIANGLE,
    Slope,
)

__all__ = ["Surrogate", "atan", "boxcar", "derivative", "fast_sigmoid", "slope_of", "triangle"]

Surrogate = Callable[[Tensor], Tensor]

# derivative at height 1 and scale 1; the kernels have the same on lanes
_SHAPES: dict[int, Callable[[Tensor], Tensor]] = {
    FAST_SIGMOID: lambda z: 1 / (z.abs() + 1) ** 2,
    ATAN: lambda z: 1 / (z**2 + 1),
    TRIANGLE: lambda z: (1 - z.abs()).clamp(min=0),
    BOXCAR: lambda z: (z.abs() < 1).to(z.dtype),
}


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
    def __init__(self, kind: int, height: float, scale: float) -> None:
        self.kind, self.height, self.scale = kind, height, scale

    def slope(self, x: Tensor) -> Tensor:
        return _SHAPES[self.kind](x * self.scale) * self.height

    def __call__(self, x: Tensor) -> Tensor:
        spikes: Tensor = _Step.apply(x, self.slope)  # type: ignore[no-untyped-call]
        return spikes


def _positive(name: str, value: float) -> float:
    if not 0 < value < float("inf"):
        raise ParameterError(f"{name}: got {value!r}; allowed is > 0")
    return float(value)


def fast_sigmoid(slope: float = 10.0) -> Surrogate:
    """Return the surrogate with derivative ``1 / (slope |x| + 1)^2`` (Zenke & Ganguli 2018)."""
    return _Surrogate(FAST_SIGMOID, 1.0, _positive("slope", slope))


def atan(alpha: float = 2.0) -> Surrogate:
    """Return the surrogate with derivative ``alpha / 2 / (1 + (pi x alpha / 2)^2)`` (Fang 2021)."""
    half = _positive("alpha", alpha) / 2
    return _Surrogate(ATAN, half, torch.pi * half)


def triangle(width: float = 1.0) -> Surrogate:
    """Return the surrogate with derivative ``max(0, 1 - |x| / width)`` (Bellec et al. 2018).

    Compact support: neurons further than ``width`` from threshold pass no gradient.
    """
    return _Surrogate(TRIANGLE, 1.0, 1 / _positive("width", width))


def boxcar(width: float = 0.5) -> Surrogate:
    """Return the surrogate with derivative ``1 / (2 width)`` where ``|x| < width``, else 0.

    Compact support, as in Perez-Nieves & Goodman 2021 (sparse spiking gradient descent).
    """
    width = _positive("width", width)
    return _Surrogate(BOXCAR, 1 / (2 * width), 1 / width)


def slope_of(surrogate: Surrogate, dtype: Any) -> Slope:
    """Return what the kernels need to know of a surrogate; of a foreign one, that it is given."""
    if isinstance(surrogate, _Surrogate):
        return Slope(surrogate.kind, dtype(surrogate.height), dtype(surrogate.scale))
    return Slope(GIVEN, dtype(1), dtype(1))


def derivative(surrogate: Surrogate, x: Tensor) -> Tensor:
    """Return what ``surrogate`` gives autograd as ``ds/dx`` at ``x``, elementwise."""
    if isinstance(surrogate, _Surrogate):
        return surrogate.slope(x)
    with torch.enable_grad():
        probe = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(surrogate(probe).sum(), probe)
    return slope
