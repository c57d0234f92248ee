"""Spiking layers unrolled step by step in plain torch: the reference for kernels and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosparse.network import LIF
from neurosparse.train import Surrogate

__all__ = ["SmoothAtan", "unrolled"]


def unrolled(
    arriving: Tensor,
    neuron: LIF,
    surrogate: Surrogate,
    *,
    recurrent: Tensor | None = None,
    recurrent_delay: int = 1,
) -> Tensor:
    """Run step by step, in the open; autograd finds the gradient. The reset is detached.

    ``arriving`` is (n_steps, batch, size), ``recurrent`` a dense (size, size) matrix.
    """
    dtype = arriving.dtype

    def constant(value: Any) -> Tensor:
        return torch.tensor(np.asarray(value, dtype=np.float64).tolist(), dtype=dtype)

    keep_u, keep_v = constant(1 - neuron.decays_u[0]), constant(1 - np.asarray(neuron.dv))
    vth, bias, v_reset = constant(neuron.vth), constant(neuron.bias), constant(neuron.v_reset)
    u = v = torch.zeros_like(arriving[0])
    spikes: list[Tensor] = []
    for t, arrived in enumerate(arriving):
        u = u * keep_u + arrived
        if recurrent is not None and t >= recurrent_delay:
            u = u + spikes[t - recurrent_delay] @ recurrent.T
        v = v * keep_v + u + bias
        spike = surrogate(v - vth)
        fired = v.detach() > vth
        v = torch.where(fired, v - vth if neuron.reset == "subtract" else v_reset, v)
        spikes.append(spike)
    return torch.stack(spikes)


class SmoothAtan:
    """A spike that really is smooth: the integral of the derivative that ``atan(alpha)`` has."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def __call__(self, x: Tensor) -> Tensor:
        return torch.atan(torch.pi * x * self.alpha / 2) / torch.pi + 0.5
