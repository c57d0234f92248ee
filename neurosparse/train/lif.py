"""A layer of LIF neurons over time, with a surrogate gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import LIF
from neurosparse.network.checks import check_count
from neurosparse.train.packed import PackedSpikes, lanes_of, to_lanes
from neurosparse.train.sparse_linear import SparseLinear
from neurosparse.train.spiking import run_neurons
from neurosparse.train.spiking_kernels import Cells
from neurosparse.train.surrogate import Surrogate, fast_sigmoid, slope_of
from neurosparse.train.surrogate_kernels import GIVEN

__all__ = ["LIFLayer"]


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
    recurrent : SparseLinear, optional
        Connections of the neurons to one another, ``size`` to ``size``, without bias.
    recurrent_delay : int [steps]
        Their delay, >= 1.
    checkpoint_steps : int, optional
        Gradient checkpointing over time: instead of every membrane, keep the state of every so many
        steps and go through the steps between once more on the way back. Same gradients, less
        memory, one more forward pass. Needs one of our surrogates.

    Raises
    ------
    ParameterError
        If the neuron has several receptors or a refractory period, a number is out of range, the
        connections have a bias, or the surrogate cannot be evaluated twice.
    ShapeError
        If the connections are not ``size`` to ``size``.

    Notes
    -----
    Input of shape (n_steps, batch, size): what arrives at every step; output of the same shape:
    spikes as 0 and 1. State starts at rest. The reset is not differentiated.
    """

    def __init__(
        self,
        size: int,
        neuron: LIF,
        surrogate: Surrogate | None = None,
        *,
        recurrent: SparseLinear | None = None,
        recurrent_delay: int = 1,
        checkpoint_steps: int | None = None,
    ) -> None:
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
        self.recurrent = None if recurrent is None else _check_recurrent(recurrent, size)
        self.recurrent_delay = check_count("recurrent_delay", recurrent_delay, least=1)
        self.checkpoint_steps = checkpoint_steps
        self._cells: dict[Any, tuple[LIF, Cells]] = {}
        if checkpoint_steps is not None:
            check_count("checkpoint_steps", checkpoint_steps, least=1)
            if slope_of(self.surrogate, float).kind == GIVEN:
                raise ParameterError(
                    "checkpoint_steps: needs one of the surrogates of neurosparse.train, whose "
                    f"derivative the kernels know; got {self.surrogate!r}"
                )

    def forward(self, arriving: Tensor) -> Tensor:
        """Return spikes of shape (n_steps, batch, size).

        Raises
        ------
        ShapeError
            If the input has another shape, is empty, or its numbers are not float32 or float64.
        """
        return self.spikes(arriving).to_tensor(arriving.dtype)

    def spikes(self, arriving: Tensor) -> PackedSpikes:
        """Return what `forward` does, packed; for another layer, or to count them."""
        if arriving.ndim != 3 or arriving.shape[-1] != self.size or not arriving.numel():
            raise ShapeError(
                f"arriving: got shape {tuple(arriving.shape)}; expected (n_steps, batch, "
                f"{self.size}), none of them 0"
            )
        if arriving.dtype not in (torch.float32, torch.float64):
            raise ShapeError(f"arriving: got {arriving.dtype}; expected float32 or float64")
        if self.recurrent is not None and self.recurrent.weight.dtype != arriving.dtype:
            raise ShapeError(
                f"arriving: got {arriving.dtype}; the recurrent weights are "
                f"{self.recurrent.weight.dtype}"
            )
        n_steps, batch, _ = arriving.shape
        lanes = lanes_of(batch)
        drive = to_lanes(arriving, -(-batch // lanes) * lanes)
        return run_neurons(self, n_steps, batch, drive=drive)

    def cells(self, dtype: Any) -> Cells:
        """Return the constants of the neurons for the kernels."""
        made_of, cells = self._cells.get(dtype, (None, None))
        if made_of is not self.neuron or cells is None:
            cells = _cells(self.neuron, self.size, dtype)
            self._cells[dtype] = (self.neuron, cells)
        return cells

    def extra_repr(self) -> str:
        """Describe the layer."""
        delay = "" if self.recurrent is None else f", recurrent_delay={self.recurrent_delay}"
        return f"{self.size}, {self.neuron}{delay}"


def _cells(neuron: LIF, size: int, dtype: Any) -> Cells:
    def vector(value: Any) -> NDArray[Any]:
        return np.broadcast_to(np.asarray(value, np.float64), size).astype(dtype)

    # 1 - d in float64 first, as the simulator and Lava compute it
    return Cells(
        np.dtype(dtype).type(1 - neuron.decays_u[0]),
        vector(1 - np.asarray(neuron.dv)),
        vector(neuron.vth),
        vector(neuron.bias),
        vector(neuron.v_reset),
        neuron.reset == "subtract",
        np.dtype(dtype) == np.float64,
    )


def _check_recurrent(recurrent: nn.Module, size: int) -> SparseLinear:
    if not isinstance(recurrent, SparseLinear) or recurrent.bias is not None:
        raise ParameterError(f"recurrent: got {recurrent}; expected SparseLinear without bias")
    if (recurrent.out_features, recurrent.in_features) != (size, size):
        raise ShapeError(f"recurrent: got {recurrent}; expected {size} to {size}")
    return recurrent
