"""A layer: synapses, and the neurons they lead to."""

from __future__ import annotations

from typing import overload

from torch import Tensor, nn

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network.checks import check_count
from neurosparse.train.lif import LIFLayer
from neurosparse.train.packed import PackedSpikes
from neurosparse.train.sparse_linear import SparseLinear
from neurosparse.train.spiking import Source, run_neurons

__all__ = ["SpikingLayer"]


class SpikingLayer(nn.Module):
    """Synapses and the neurons they lead to, as one.

    Parameters
    ----------
    connection : SparseLinear or torch.nn.Linear
        Without bias (a constant drive is ``LIF.bias``).
    neurons : LIFLayer
        As many as the connection has outputs; may have connections of their own.
    delay : int [steps]
        Of the connection. 1 is the least everywhere: a spike of the layer before then acts in this
        layer's same step, which is one step later in the exported network.

    Raises
    ------
    ParameterError, ShapeError
        If the connection is another module, has a bias or does not fit, or the delay is below 1.

    Notes
    -----
    Input of shape (n_steps, batch, n_pre), spikes as 0 and 1, gives spikes (n_steps, batch,
    size); `PackedSpikes` give `PackedSpikes`, which is what layers in a row should hand on. With
    `SparseLinear` a pass costs one masked vector addition per synapse, step and 16 samples, and
    no array of floats over synapses and steps is ever made.
    """

    def __init__(self, connection: nn.Module, neurons: LIFLayer, *, delay: int = 1) -> None:
        super().__init__()
        if not isinstance(connection, SparseLinear | nn.Linear) or connection.bias is not None:
            raise ParameterError(
                f"connection: got {connection}; expected SparseLinear or torch.nn.Linear "
                "without bias (a constant drive is LIF.bias)"
            )
        if connection.out_features != neurons.size:
            raise ShapeError(f"{connection}: leads to a layer of {neurons.size}")
        self.connection: SparseLinear | nn.Linear = connection
        self.neurons = neurons
        self.delay = check_count("delay", delay, least=1)

    @overload
    def forward(self, x: PackedSpikes) -> PackedSpikes: ...
    @overload
    def forward(self, x: Tensor) -> Tensor: ...
    def forward(self, x: PackedSpikes | Tensor) -> PackedSpikes | Tensor:
        """Return the spikes of the neurons, in the form in which the input came.

        Raises
        ------
        ShapeError, ParameterError
            If the input has another shape, or a tensor holds anything but 0 and 1.
        """
        if isinstance(x, Tensor):
            return self._spikes(PackedSpikes.from_tensor(x)).to_tensor(self.connection.weight.dtype)
        return self._spikes(x)

    def _spikes(self, x: PackedSpikes) -> PackedSpikes:
        if x.size != self.connection.in_features:
            raise ShapeError(
                f"x: got spikes of {x.size} neurons; expected {self.connection.in_features}"
            )
        if isinstance(self.connection, SparseLinear):
            source = Source(x, self.connection, self.delay - 1)
            return run_neurons(self.neurons, x.n_steps, x.batch, source=source)
        arriving: Tensor = self.connection(x.to_tensor(self.connection.weight.dtype))
        if self.delay > 1:
            late = min(self.delay - 1, x.n_steps)
            arriving = nn.functional.pad(arriving[: x.n_steps - late], (0, 0, 0, 0, late, 0))
        return self.neurons.spikes(arriving)

    def extra_repr(self) -> str:
        """Describe the layer."""
        return f"delay={self.delay}"
