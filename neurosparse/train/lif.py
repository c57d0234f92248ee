"""A layer of LIF neurons over time, with a surrogate gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.jit import threads_for
from neurosparse.network import LIF
from neurosparse.train.lif_kernels import lif_backward, lif_forward
from neurosparse.train.surrogate import Surrogate, derivative, fast_sigmoid

__all__ = ["LIFLayer"]

_OPERATIONS = 8  # per neuron and step, forward or backward


class LIFLayer(nn.Module):
    """``size`` LIF neurons, run over all steps at once.

    Parameters
    ----------
    size : int
        Number of neurons.
    neuron : LIF
        Dynamics; see `neurosparse.LIF` for the equations. One receptor, no refractory period.
    surrogate : callable, optional
        ``x -> spikes``; ours or snnTorch's. Default ``fast_sigmoid(10)``.

    Raises
    ------
    ParameterError
        If the neuron has several receptors or a refractory period.

    Notes
    -----
    Input of shape (n_steps, batch, size): what arrives at every step; output of the same shape:
    spikes as 0 and 1. State starts at rest. The reset is not differentiated.
    """

    def __init__(self, size: int, neuron: LIF, surrogate: Surrogate | None = None) -> None:
        super().__init__()
        if neuron.n_receptors != 1 or neuron.refractory:
            raise ParameterError(
                f"neuron: {neuron.n_receptors} receptors, refractory {neuron.refractory}; "
                "training supports one receptor and no refractory period"
            )
        neuron.check_size("neuron", size)
        self.size = size
        self.neuron = neuron
        self.surrogate = surrogate or fast_sigmoid()

    def forward(self, arriving: Tensor) -> Tensor:
        """Return spikes of shape (n_steps, batch, size).

        Raises
        ------
        ShapeError
            If the input has another shape, or its numbers are not float32 or float64.
        """
        if arriving.ndim != 3 or arriving.shape[-1] != self.size:
            raise ShapeError(
                f"arriving: got shape {tuple(arriving.shape)}; expected (n_steps, batch, "
                f"{self.size})"
            )
        if arriving.dtype not in (torch.float32, torch.float64):
            raise ShapeError(f"arriving: got {arriving.dtype}; expected float32 or float64")
        major = arriving.movedim(-1, 0)
        spikes: Tensor = _LIFOverTime.apply(major, self)  # type: ignore[no-untyped-call]
        return spikes.movedim(0, -1)

    def constants(self, dtype: Any) -> tuple[Any, ...]:
        """Return ``keep_u, keep_v, vth, bias, v_reset, subtract`` for the kernels."""
        neuron = self.neuron

        def vector(value: Any) -> NDArray[Any]:
            return np.broadcast_to(np.asarray(value, np.float64), self.size).astype(dtype)

        # 1 - d in float64 first, as the simulator and Lava compute it
        return (
            np.dtype(dtype).type(1 - neuron.decays_u[0]),
            vector(1 - np.asarray(neuron.dv)),
            vector(neuron.vth),
            vector(neuron.bias),
            vector(neuron.v_reset),
            neuron.reset == "subtract",
        )

    def extra_repr(self) -> str:
        """Describe the layer."""
        return f"{self.size}, {self.neuron}"


class _LIFOverTime(torch.autograd.Function):
    """Spikes of neuron-major input (n, n_steps, batch)."""

    @staticmethod
    def forward(ctx: Any, arriving: Tensor, layer: LIFLayer) -> Tensor:
        array = arriving.detach().contiguous().numpy()
        keep_u, keep_v, vth, bias, v_reset, subtract = layer.constants(array.dtype)
        spikes, membrane = np.empty_like(array), np.empty_like(array)
        with threads_for(_OPERATIONS * array.size):
            lif_forward(array, keep_u, keep_v, vth, bias, v_reset, subtract, spikes, membrane)
        ctx.layer, ctx.decays = layer, (keep_u, keep_v, subtract)
        membrane -= vth[:, None, None]
        out = torch.from_numpy(spikes)
        ctx.save_for_backward(torch.from_numpy(membrane), out)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        x, spikes = ctx.saved_tensors
        slope = derivative(ctx.layer.surrogate, x).contiguous().numpy()
        grad = grads[0].contiguous().numpy()
        out = np.empty_like(grad)
        keep_u, keep_v, subtract = ctx.decays
        with threads_for(_OPERATIONS * grad.size):
            lif_backward(grad, slope, spikes.numpy(), keep_u, keep_v, subtract, out)
        return torch.from_numpy(out), None
