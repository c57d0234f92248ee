"""Activity while training: what it costs, and regularisers that hold it down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from neurosparse.errors import ParameterError
from neurosparse.train.classifier import SpikingClassifier
from neurosparse.train.packed import PackedSpikes
from neurosparse.train.sparse_linear import SparseLinear

__all__ = ["RateTarget", "Regularizer", "synaptic_events"]

# spikes of every layer, the input's first -> what is added to the loss
Regularizer = Callable[[Sequence[PackedSpikes]], Tensor]


class RateTarget:
    r"""Draw the firing rates of the hidden neurons towards a target, because events cost energy.

    Adds ``strength * mean_i (r_i - target)^2`` for every hidden layer, where ``r_i`` is the rate
    of neuron ``i`` over the batch.

    Parameters
    ----------
    target : float [spikes per step]
        ``0 <= target <= 1``.
    strength : float
        > 0.
    side : {"both", "above", "below"}
        Whether neurons on both sides of the target are drawn to it, only those above (to save
        events), or only those below (to wake silent ones).

    Raises
    ------
    ParameterError
        If a number is out of range.

    Notes
    -----
    The rates come from counts that the layers make anyway; the gradient joins that of the loss
    inside the backward kernels.

    References
    ----------
    Bellec et al. 2018 (arXiv 1803.09574), rate regularisation of LSNNs.

    Examples
    --------
    >>> spikes = PackedSpikes.from_tensor(torch.ones(4, 2, 3))
    >>> RateTarget(0.5, strength=2.0)([spikes, spikes, spikes]).item()
    0.5
    """

    def __init__(
        self,
        target: float,
        strength: float = 1.0,
        *,
        side: Literal["both", "above", "below"] = "both",
    ) -> None:
        if not 0 <= target <= 1:
            raise ParameterError(f"target: got {target!r}; allowed is 0 to 1 spikes per step")
        if not 0 < strength < float("inf"):
            raise ParameterError(f"strength: got {strength!r}; allowed is > 0")
        if side not in ("both", "above", "below"):
            raise ParameterError(f"side: got {side!r}; allowed is 'both', 'above' or 'below'")
        self.target, self.strength, self.side = float(target), float(strength), side

    def __call__(self, trains: Sequence[PackedSpikes]) -> Tensor:
        """Return the penalty of the spikes of all layers, the input's first, the output's last."""
        penalty = torch.zeros(())
        for spikes in trains[1:-1]:
            error = spikes.counts.mean(dim=0) / spikes.n_steps - self.target
            if self.side == "above":
                error = error.clamp(min=0)
            elif self.side == "below":
                error = error.clamp(max=0)
            penalty = penalty + self.strength * error.square().mean()
        return penalty

    def __repr__(self) -> str:
        return f"RateTarget({self.target}, {self.strength}, side={self.side!r})"


def synaptic_events(model: SpikingClassifier, trains: Sequence[PackedSpikes]) -> int:
    """Count the synaptic events of a batch: every spike times the fan-out of who sent it.

    Parameters
    ----------
    model : SpikingClassifier
        The network, with the connectivity of the moment.
    trains : sequence of PackedSpikes
        What ``model.spikes`` gave.

    Returns
    -------
    int
        Of all samples and projections together.
    """
    totals = [spikes.counts.detach().sum(dim=0, dtype=torch.float64).numpy() for spikes in trains]
    events = 0.0
    layer: Any
    for index, layer in enumerate(model.layers):
        sources = [(layer.connection, totals[index])]
        if layer.neurons.recurrent is not None:
            sources.append((layer.neurons.recurrent, totals[index + 1]))
        events += sum(float(_fan_out(connection) @ spikes) for connection, spikes in sources)
    return round(events)


def _fan_out(connection: nn.Module) -> Any:
    if isinstance(connection, SparseLinear):
        return connection.fan_out()
    return np.full(connection.in_features, connection.out_features)
