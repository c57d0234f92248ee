"""Learn with the numbers that a network will have when it is exported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from neurosparse.errors import ParameterError
from neurosparse.network import LIF, Network
from neurosparse.train.classifier import SpikingClassifier
from neurosparse.train.lif import LIFLayer
from neurosparse.train.masked_linear import MaskedLinear
from neurosparse.train.spiking_layer import SpikingLayer

__all__ = ["NetworkGrid", "on_grid"]

# a float network -> the same synapses and populations with every number on the grid, in floats
NetworkGrid = Callable[[Network], Network]


@contextmanager
def on_grid(model: nn.Module, grid: NetworkGrid) -> Iterator[None]:
    """Let a model compute with the numbers on a grid; it has its own again afterwards.

    Inside the block weights, thresholds, biases and decays are those that ``grid`` gives for
    ``model.to_network()``. Gradients of a backward pass inside belong to the weights on the grid;
    a step of the optimiser, after the block, applies them to the weights that were rounded (the
    straight-through estimator).

    Parameters
    ----------
    model : SpikingClassifier
        Sparse or dense, also with masks or connections within layers.
    grid : callable
        ``Network -> Network``, for example `neurosparse.loihi.IntegerGrid`. Must keep populations
        and synapses; weights may become 0.

    Raises
    ------
    ParameterError
        If the model is no `SpikingClassifier`, or the grid returns other synapses.
    NeurosparseError
        What the grid raises.

    Notes
    -----
    Costs a copy of the network and what ``grid`` takes for it. Neurons learn no parameters of their
    own, but their integers follow the scale that the weights ask for.

    References
    ----------
    Bengio, Leonard, Courville 2013 (arXiv 1308.3432), section 4, straight-through estimator.
    """
    if not isinstance(model, SpikingClassifier):
        raise ParameterError(
            f"grid: needs a SpikingClassifier, which has a network to round; got "
            f"{type(model).__name__}"
        )
    network = model.to_network()
    rounded = grid(network)
    weights, neurons = _weights(model), _neurons(model)
    before = [(weight, weight.detach().clone()) for weight, _ in weights]
    own = [(layer, layer.neuron) for layer in neurons]
    try:
        with torch.no_grad():
            for (weight, places), mine, theirs in zip(
                weights, network.projections, rounded.projections, strict=True
            ):
                if mine.synapses.n_active != theirs.synapses.n_active:
                    raise ParameterError(
                        f"grid: gave {theirs.synapses.n_active} synapses for the "
                        f"{mine.synapses.n_active} of {mine.name!r}; it must keep them"
                    )
                weight.view(-1)[places] = torch.from_numpy(theirs.synapses.weights.copy()).to(
                    weight.dtype
                )
        named = [p.neuron for p in rounded.populations.values() if isinstance(p.neuron, LIF)]
        for layer, neuron in zip(neurons, named, strict=True):
            layer.neuron = neuron
        yield
    finally:
        with torch.no_grad():
            for weight, values in before:
                weight.copy_(values)
        for layer, neuron in own:
            layer.neuron = neuron


def _weights(model: SpikingClassifier) -> list[tuple[Tensor, Tensor | slice]]:
    """Return weights and where the synapses stand in them, in the order of the projections."""
    found: list[tuple[Tensor, Tensor | slice]] = []
    for layer in _layers(model):
        for connection in (layer.connection, layer.neurons.recurrent):
            if isinstance(connection, MaskedLinear):
                found.append((connection.weight, connection.mask))
            elif connection is not None:
                found.append((connection.weight, slice(None)))
    return found


def _neurons(model: SpikingClassifier) -> list[LIFLayer]:
    """Return the layers of neurons, in the order of the populations."""
    first = [] if model.input_neurons is None else [model.input_neurons]
    return [*first, *(layer.neurons for layer in _layers(model))]


def _layers(model: SpikingClassifier) -> list[SpikingLayer]:
    return list(model.layers)  # type: ignore[arg-type]
