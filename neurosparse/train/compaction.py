"""Models without what is dead: fewer neurons and synapses, the same answers."""

from __future__ import annotations

import copy
from typing import Any, cast, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neurosparse.errors import ParameterError
from neurosparse.network import Network
from neurosparse.sparsify.structure.compact import neurons_at
from neurosparse.sparsify.structure.paths import beginnings, chosen_neurons, live_marks
from neurosparse.train.classifier import SpikingClassifier
from neurosparse.train.cutting import Edges, Linear, cut_layer, edges_of
from neurosparse.train.lif import LIFLayer
from neurosparse.train.sparse_linear import SparseLinear
from neurosparse.train.spiking_layer import SpikingLayer

__all__ = ["compact_model"]


@overload
def compact_model(model: SpikingClassifier) -> SpikingClassifier: ...
@overload
def compact_model(model: nn.Sequential) -> nn.Sequential: ...
def compact_model(model: SpikingClassifier | nn.Sequential) -> SpikingClassifier | nn.Sequential:
    """Return a smaller model that answers the same: no dead synapses, no neurons without any.

    Parameters
    ----------
    model : SpikingClassifier, or torch.nn.Sequential of linear layers and ReLU
        Stays as it is. Linear layers are `SparseLinear`, `MaskedLinear` or ``torch.nn.Linear``;
        of the last, weights of exactly 0 are no synapses. A Sequential may hold ``Dropout`` and
        ``Identity`` too.

    Returns
    -------
    SpikingClassifier or torch.nn.Sequential
        Of new layers with copies of the parameters; inputs and outputs keep their number, and a
        hidden layer of which nothing is left keeps one neuron. A `MaskedLinear` becomes a
        `SparseLinear`; dropout of a classifier (`add_dropout`) is left out.

    Raises
    ------
    ParameterError
        If the model is of another kind.

    Notes
    -----
    Of a spiking network the spikes of the outputs are the same, bit for bit. A neuron that nothing
    reaches stays if its bias makes it fire, as in `neurosparse.sparsify.compact`.

    A ReLU unit that nothing reaches answers ``relu(bias)`` to everything: that is folded into
    the biases of the next layer (which gets some if it had none), and the unit goes. Answers
    are the same up to rounding.

    Examples
    --------
    >>> from neurosparse import LIF
    >>> from neurosparse.train import sparse_classifier
    >>> model = sparse_classifier([64, 50, 10], neuron=LIF(), n_active=[60, 20])
    >>> small = compact_model(model)
    >>> small.sizes[1] < 25, small.sizes[0], small.sizes[2]
    (True, 64, 10)
    """
    if isinstance(model, SpikingClassifier):
        return _compact_classifier(model)
    if isinstance(model, nn.Sequential):
        return _compact_sequential(model)
    raise ParameterError(
        f"model: got a {type(model).__name__}; allowed is SpikingClassifier or "
        "torch.nn.Sequential of linear layers and ReLU"
    )


# ---------------------------------------------------------------------- spiking


def _compact_classifier(model: SpikingClassifier) -> SpikingClassifier:
    network = _without_zeros(model)
    marks = live_marks(network, beginnings(network))
    reached, needed = (list(own.values()) for own in marks)  # by layer, the input's first
    stay = [
        own if own.size else np.zeros(1, dtype=np.int64)  # a layer cannot be empty
        for own in chosen_neurons(network, marks).values()
    ]

    def cut(connection: Linear, source: int, target: int) -> Linear:
        edges = edges_of(connection)
        keep = reached[source][edges.pre] & needed[target][edges.post]
        return cut_layer(connection, stay[target], stay[source], keep)

    layers = []
    layer: SpikingLayer
    for number, layer in enumerate(model.layers, 1):  # type: ignore[assignment]
        neurons = layer.neurons
        own = neurons.recurrent
        fewer = LIFLayer(
            stay[number].size,
            neurons_at(neurons.neuron, stay[number]),
            neurons.surrogate,
            recurrent=None if own is None else cast(SparseLinear, cut(own, number, number)),
            recurrent_delay=neurons.recurrent_delay,
            checkpoint_steps=neurons.checkpoint_steps,
        )
        connection = cut(layer.connection, number - 1, number)
        layers.append(SpikingLayer(connection, fewer, delay=layer.delay))
    small = SpikingClassifier(layers, input_neurons=copy.deepcopy(model.input_neurons))
    return small.train(model.training)


def _without_zeros(model: SpikingClassifier) -> Network:
    """Return the network of a classifier, where the zeros of dense layers are no synapses."""
    network = model.to_network()
    feed_forward = [p for p in network.projections if p.source != p.target]
    return network.with_synapses(
        {
            p.name: p.synapses.without_zeros()
            for p, layer in zip(feed_forward, model.layers, strict=True)
            if isinstance(layer.connection, nn.Linear)
        }
    )


# ---------------------------------------------------------------------- ReLU


def _compact_sequential(model: nn.Sequential) -> nn.Sequential:
    chain = _Chain(model)
    chain.go_forward()
    chain.go_backward()
    cuts = iter(chain.cut())
    modules = [next(cuts) if isinstance(m, Linear) else copy.deepcopy(m) for m in model]
    return nn.Sequential(*modules).train(model.training)


class _Chain:
    """Linear layers in a row, and what is known of their units."""

    def __init__(self, model: nn.Sequential) -> None:
        self.linears: list[Linear] = []
        self.rectified: list[bool] = []  # whether a ReLU follows
        for module in model:
            if isinstance(module, Linear):
                self.linears.append(module)
                self.rectified.append(False)
            elif isinstance(module, nn.ReLU) and self.linears:
                self.rectified[-1] = True
            elif not isinstance(module, nn.Dropout | nn.Identity):
                raise ParameterError(
                    f"model: holds {module}; allowed are SparseLinear, torch.nn.Linear, ReLU after "
                    "one of them, Dropout, Identity"
                )
        if not self.linears:
            raise ParameterError("model: no linear layer in it")
        sizes = [self.linears[0].in_features, *(each.out_features for each in self.linears)]
        self.edges: list[Edges] = [edges_of(layer) for layer in self.linears]
        self.biases = [_bias(layer) for layer in self.linears]
        self.reached = [np.zeros(size, dtype=bool) for size in sizes]
        self.needed = [np.zeros(size, dtype=bool) for size in sizes]

    def go_forward(self) -> None:
        """Find the units that input reaches, and fold the others, which are constant."""
        self.reached[0][:] = True
        for number, (pre, post, weights) in enumerate(self.edges):
            constant = ~self.reached[number][pre]
            if number and constant.any():
                value = self.biases[number - 1]
                if self.rectified[number - 1]:
                    value = np.maximum(value, 0)
                drive = weights[constant].astype(np.float64) * value[pre[constant]]
                size = self.biases[number].size
                self.biases[number] = self.biases[number] + np.bincount(post[constant], drive, size)
            self.reached[number + 1][post[~constant]] = True

    def go_backward(self) -> None:
        """Find the units from which a synapse of a reached unit leads on to the output."""
        self.needed[-1][:] = True
        for number in reversed(range(len(self.edges))):
            self.needed[number][self.edges[number].pre[self._live(number)]] = True

    def _live(self, number: int) -> NDArray[np.bool_]:
        pre, post, _ = self.edges[number]
        live: NDArray[np.bool_] = self.reached[number][pre] & self.needed[number + 1][post]
        return live

    def cut(self) -> list[Linear]:
        """Return the smaller layers."""
        chosen = [
            np.flatnonzero(reached & needed)
            for reached, needed in zip(self.reached, self.needed, strict=True)
        ]
        chosen[0], chosen[-1] = (np.arange(self.reached[i].size) for i in (0, -1))
        chosen = [own if own.size else np.zeros(1, np.int64) for own in chosen]
        cuts = []
        for number, (layer, bias) in enumerate(zip(self.linears, self.biases, strict=True)):
            folded = layer.bias is not None or bias.any()
            cuts.append(
                cut_layer(
                    layer,
                    chosen[number + 1],
                    chosen[number],
                    self._live(number),
                    bias=bias if folded else None,
                )
            )
        return cuts


def _bias(layer: Linear) -> NDArray[np.float64]:
    if layer.bias is None:
        return np.zeros(layer.out_features)
    bias: Any = layer.bias.detach().to(torch.float64).numpy()
    return cast("NDArray[np.float64]", bias)
