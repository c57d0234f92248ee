"""Classifiers: sparse and dense spiking networks of one shape. `ann` has the ANN beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import LIF, Network, Population, Projection, Synapses
from neurosparse.sparsify import uniform_budget
from neurosparse.train.ann import dense_linear, layer_pairs
from neurosparse.train.lif import LIFLayer
from neurosparse.train.packed import PackedSpikes
from neurosparse.train.sparse_linear import SparseLinear
from neurosparse.train.spiking_layer import SpikingLayer
from neurosparse.train.surrogate import Surrogate

__all__ = ["SpikingClassifier", "dense_classifier", "sparse_classifier"]

READOUT_SCALE = 10.0  # logit of an output neuron that spikes in every step; our choice


class SpikingClassifier(nn.Module):
    """Spiking network of layers in a row that answers with the spike counts of its last neurons.

    Parameters
    ----------
    layers : sequence of SpikingLayer
        Each fed by the one before.
    input_neurons : LIFLayer, optional
        Neurons driven by currents (direct current encoding); without them the input is spikes.

    Raises
    ------
    ParameterError, ShapeError
        If there is no layer, or they do not fit together.

    Notes
    -----
    Layers run one after the other, each over its own ``n_steps`` steps; a layer's step ``t`` is
    step ``t + depth`` of the exported network, where every projection takes one step.
    """

    def __init__(
        self, layers: Sequence[SpikingLayer], *, input_neurons: LIFLayer | None = None
    ) -> None:
        super().__init__()
        if not layers:
            raise ParameterError("layers: got none; expected at least one SpikingLayer")
        if input_neurons is not None and input_neurons.recurrent is not None:
            raise ParameterError("input_neurons: have connections of their own; make them a layer")
        width = None if input_neurons is None else input_neurons.size
        for layer in layers:
            if not isinstance(layer, SpikingLayer):
                raise ParameterError(f"layers: got {layer}; expected SpikingLayer")
            if width not in (None, layer.connection.in_features):
                raise ShapeError(f"{layer.connection}: follows a layer of {width}")
            width = layer.neurons.size
        self.input_neurons = input_neurons
        self.layers = nn.ModuleList(layers)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width of every layer, input and output included."""
        layers = self._layers()
        first: Any = layers[0].connection.in_features
        return int(first), *(layer.neurons.size for layer in layers)

    def _layers(self) -> list[SpikingLayer]:
        return list(self.layers)  # type: ignore[arg-type]

    def spikes(self, x: Tensor | PackedSpikes) -> list[PackedSpikes]:
        """Return the spikes of every layer, the input's first; ``x`` as for `forward`.

        Their ``counts`` are what regularisers of activity and measurements of cost want.
        """
        if self.input_neurons is None:
            trains = [x if isinstance(x, PackedSpikes) else PackedSpikes.from_tensor(x)]
        elif isinstance(x, Tensor):
            trains = [self.input_neurons.spikes(x)]
        else:
            raise ParameterError("x: got spikes; this network's input neurons want currents")
        for layer in self.layers:
            trains.append(layer(trains[-1]))
        return trains

    def forward(
        self, x: Tensor | PackedSpikes, *, into: list[PackedSpikes] | None = None
    ) -> Tensor:
        """Return logits.

        Parameters
        ----------
        x : (n_steps, batch, n_inputs) float, or PackedSpikes
            Spikes as 0 and 1, or currents where there are input neurons.
        into : list, optional
            Takes up the spikes of every layer, as `spikes` returns them.

        Returns
        -------
        (batch, n_classes)
            Output spikes per step, times 10.
        """
        trains = self.spikes(x)
        if into is not None:
            into.extend(trains)
        logits: Tensor = trains[-1].counts * (READOUT_SCALE / trains[-1].n_steps)
        return logits

    def to_network(self) -> Network:
        """Return the network that gives the same spikes, population ``input`` to ``output``.

        Returns
        -------
        Network
            Populations ``input``, ``hidden1`` ..., ``output``; weights copied as float32.
        """
        layers = self._layers()
        names = ["input", *(f"hidden{i + 1}" for i in range(len(layers) - 1)), "output"]
        first = None if self.input_neurons is None else self.input_neurons.neuron
        populations = {names[0]: Population(self.sizes[0], first)}
        projections = []
        for layer, source, target in zip(layers, names, names[1:], strict=False):
            neurons = layer.neurons
            populations[target] = Population(neurons.size, neurons.neuron)
            projections.append(
                Projection(source, target, _synapses_of(layer.connection), delay=layer.delay)
            )
            if neurons.recurrent is not None:
                synapses = neurons.recurrent.to_synapses()
                projections.append(
                    Projection(target, target, synapses, delay=neurons.recurrent_delay)
                )
        return Network(populations, projections, inputs=["input"], outputs=["output"])


def _synapses_of(connection: nn.Module) -> Synapses:
    if isinstance(connection, SparseLinear):
        return connection.to_synapses()
    weight: Any = connection.weight
    return Synapses.all_to_all(weight.detach().numpy().copy())


def sparse_classifier(
    sizes: Sequence[int],
    *,
    neuron: LIF,
    density: float | None = None,
    n_active: Sequence[int] | None = None,
    recurrent_density: float | None = None,
    input_neuron: LIF | None = None,
    surrogate: Surrogate | None = None,
    checkpoint_steps: int | None = None,
    gain: float = 1.0,
    rng: np.random.Generator | int = 0,
) -> SpikingClassifier:
    """Make a spiking classifier of `SparseLinear` layers.

    Parameters
    ----------
    sizes : sequence of int
        Width of every layer, input and output included.
    neuron : LIF
        Of all layers.
    density : float, optional
        The same share of synapses in every layer. Give this or ``n_active``.
    n_active : sequence of int, optional
        Synapses of every layer.
    recurrent_density : float, optional
        Connects the neurons of every hidden layer to one another, with this share of synapses.
    input_neuron : LIF, optional
        For direct current encoding.
    surrogate : callable, optional
        See `neurosparse.train.surrogate`.
    checkpoint_steps : int, optional
        See `LIFLayer`.
    gain : float
        Scale of the first weights; see `SparseLinear`.
    rng : numpy.random.Generator or int
        Source of topology and weights.

    Returns
    -------
    SpikingClassifier

    Raises
    ------
    ParameterError
        If sizes, density or counts are out of range.
    """
    pairs = layer_pairs(sizes)
    if (density is None) == (n_active is None):
        raise ParameterError("density, n_active: give exactly one of them")
    if n_active is None:
        assert density is not None  # noqa: S101 -- for the type checker
        n_active = uniform_budget([(n_post, n_pre) for n_pre, n_post in pairs], density)
    if len(n_active) != len(pairs):
        raise ParameterError(f"n_active: got {len(n_active)} numbers for {len(pairs)} layers")
    rng = np.random.default_rng(rng)
    layers: list[SpikingLayer] = []
    for (n_pre, n_post), k in zip(pairs, n_active, strict=True):
        connection = SparseLinear(n_pre, n_post, n_active=k, gain=gain, rng=rng)
        hidden = len(layers) < len(pairs) - 1
        recurrent = (
            SparseLinear(n_post, n_post, density=recurrent_density, gain=gain, rng=rng)
            if hidden and recurrent_density is not None
            else None
        )
        neurons = LIFLayer(
            n_post, neuron, surrogate, recurrent=recurrent, checkpoint_steps=checkpoint_steps
        )
        layers.append(SpikingLayer(connection, neurons))
    return _classifier(layers, input_neuron, surrogate)


def dense_classifier(
    sizes: Sequence[int],
    *,
    neuron: LIF,
    input_neuron: LIF | None = None,
    surrogate: Surrogate | None = None,
    gain: float = 1.0,
    rng: np.random.Generator | int = 0,
) -> SpikingClassifier:
    """Make the dense twin of `sparse_classifier`, of ``torch.nn.Linear`` layers."""
    rng = np.random.default_rng(rng)
    layers = [
        SpikingLayer(dense_linear(n_pre, n_post, gain, rng), LIFLayer(n_post, neuron, surrogate))
        for n_pre, n_post in layer_pairs(sizes)
    ]
    return _classifier(layers, input_neuron, surrogate)


def _classifier(
    layers: Sequence[SpikingLayer], input_neuron: LIF | None, surrogate: Surrogate | None
) -> SpikingClassifier:
    if input_neuron is None:
        return SpikingClassifier(layers)
    size = layers[0].connection.in_features
    first = LIFLayer(size, input_neuron, surrogate)
    return SpikingClassifier(layers, input_neurons=first)
