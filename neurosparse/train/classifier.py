"""Classifiers: sparse and dense spiking networks of one shape, and the ANN beside them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import LIF, Network, Population, Projection, Synapses
from neurosparse.sparsify import uniform_budget
from neurosparse.train.lif import LIFLayer
from neurosparse.train.sparse_linear import SparseLinear
from neurosparse.train.surrogate import Surrogate

__all__ = ["SpikingClassifier", "dense_ann", "dense_classifier", "sparse_classifier"]

READOUT_SCALE = 10.0  # logit of an output neuron that spikes in every step; our choice


class SpikingClassifier(nn.Module):
    """Feed-forward spiking network that answers with the spike counts of its output neurons.

    Parameters
    ----------
    connections : sequence of SparseLinear or torch.nn.Linear
        Without bias, one per layer.
    neurons : sequence of LIFLayer
        One per layer.
    input_neurons : LIFLayer, optional
        Neurons driven by currents (direct current encoding); without them the input is spikes.

    Raises
    ------
    ParameterError, ShapeError
        If the layers do not fit together, or a connection has a bias.

    Notes
    -----
    Layers run one after the other, each over its own ``n_steps`` steps; a layer's step ``t`` is
    step ``t + depth`` of the exported network, where every projection takes one step.
    """

    def __init__(
        self,
        connections: Sequence[nn.Module],
        neurons: Sequence[LIFLayer],
        *,
        input_neurons: LIFLayer | None = None,
    ) -> None:
        super().__init__()
        if len(connections) != len(neurons) or not connections:
            raise ParameterError(
                f"connections, neurons: got {len(connections)} and {len(neurons)}; "
                "expected as many, at least one"
            )
        width = None if input_neurons is None else input_neurons.size
        for connection, layer in zip(connections, neurons, strict=True):
            if not isinstance(connection, SparseLinear | nn.Linear) or connection.bias is not None:
                raise ParameterError(
                    f"connections: got {connection}; expected SparseLinear or torch.nn.Linear "
                    "without bias (a constant drive is LIF.bias)"
                )
            if width not in (None, connection.in_features):
                raise ShapeError(f"{connection}: follows a layer of {width}")
            if connection.out_features != layer.size:
                raise ShapeError(f"{connection}: leads to a layer of {layer.size}")
            width = layer.size
        self.input_neurons = input_neurons
        self.connections = nn.ModuleList(connections)
        self.neurons = nn.ModuleList(neurons)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width of every layer, input and output included."""
        widths = [self.connections[0].in_features, *(layer.size for layer in self.neurons)]
        return tuple(int(width) for width in widths)  # type: ignore[arg-type]

    def spikes(self, x: Tensor) -> list[Tensor]:
        """Return the spikes of every layer, each (n_steps, batch, size), the input's first."""
        trains = [x if self.input_neurons is None else self.input_neurons(x)]
        for connection, layer in zip(self.connections, self.neurons, strict=True):
            trains.append(layer(connection(trains[-1])))
        return trains

    def forward(self, x: Tensor) -> Tensor:
        """Return logits.

        Parameters
        ----------
        x : (n_steps, batch, n_pixels) float
            Spikes as 0 and 1, or currents where there are input neurons.

        Returns
        -------
        (batch, n_classes)
            Output spikes per step, times 10.
        """
        return self.spikes(x)[-1].mean(dim=0) * READOUT_SCALE

    def to_network(self) -> Network:
        """Return the network that gives the same spikes, population ``input`` to ``output``.

        Returns
        -------
        Network
            Populations ``input``, ``hidden1`` ..., ``output``; weights copied as float32.
        """
        names = ["input", *(f"hidden{i + 1}" for i in range(len(self.neurons) - 1)), "output"]
        first = None if self.input_neurons is None else self.input_neurons.neuron
        populations = {names[0]: Population(self.sizes[0], first)}
        projections = []
        for index, (connection, layer) in enumerate(
            zip(self.connections, self.neurons, strict=True)
        ):
            assert isinstance(layer, LIFLayer)  # noqa: S101 -- for the type checker
            populations[names[index + 1]] = Population(layer.size, layer.neuron)
            synapses = (
                connection.to_synapses()
                if isinstance(connection, SparseLinear)
                else Synapses.all_to_all(connection.weight.detach().numpy().copy())  # type: ignore[operator]
            )
            projections.append(Projection(names[index], names[index + 1], synapses))
        return Network(populations, projections, inputs=["input"], outputs=["output"])


def _check_sizes(sizes: Sequence[int]) -> list[tuple[int, int]]:
    if len(sizes) < 2 or min(sizes) < 1:
        raise ParameterError(f"sizes: got {list(sizes)}; expected at least two, every one >= 1")
    return list(itertools.pairwise(sizes))


def sparse_classifier(
    sizes: Sequence[int],
    *,
    neuron: LIF,
    density: float | None = None,
    n_active: Sequence[int] | None = None,
    input_neuron: LIF | None = None,
    surrogate: Surrogate | None = None,
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
    input_neuron : LIF, optional
        For direct current encoding.
    surrogate : callable, optional
        See `neurosparse.train.surrogate`.
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
    pairs = _check_sizes(sizes)
    if (density is None) == (n_active is None):
        raise ParameterError("density, n_active: give exactly one of them")
    if n_active is None:
        assert density is not None  # noqa: S101 -- for the type checker
        n_active = uniform_budget([(n_post, n_pre) for n_pre, n_post in pairs], density)
    if len(n_active) != len(pairs):
        raise ParameterError(f"n_active: got {len(n_active)} numbers for {len(pairs)} layers")
    rng = np.random.default_rng(rng)
    connections = [
        SparseLinear(n_pre, n_post, n_active=k, gain=gain, rng=rng)
        for (n_pre, n_post), k in zip(pairs, n_active, strict=True)
    ]
    return _classifier(sizes, connections, neuron, input_neuron, surrogate)


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
    connections = [_dense_linear(n_pre, n_post, gain, rng) for n_pre, n_post in _check_sizes(sizes)]
    return _classifier(sizes, connections, neuron, input_neuron, surrogate)


def _classifier(
    sizes: Sequence[int],
    connections: Sequence[nn.Module],
    neuron: LIF,
    input_neuron: LIF | None,
    surrogate: Surrogate | None,
) -> SpikingClassifier:
    first = None if input_neuron is None else LIFLayer(sizes[0], input_neuron, surrogate)
    layers = [LIFLayer(size, neuron, surrogate) for size in sizes[1:]]
    return SpikingClassifier(connections, layers, input_neurons=first)


def _dense_linear(
    n_pre: int, n_post: int, gain: float, rng: np.random.Generator, *, bias: bool = False
) -> nn.Linear:
    layer = nn.Linear(n_pre, n_post, bias=bias)
    values = gain / np.sqrt(n_pre) * rng.standard_normal((n_post, n_pre))
    layer.weight.data = torch.from_numpy(values.astype(np.float32))
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


def dense_ann(sizes: Sequence[int], *, rng: np.random.Generator | int = 0) -> nn.Sequential:
    """Make the dense ReLU network of the same shape, with biases and He initialisation."""
    rng = np.random.default_rng(rng)
    pairs = _check_sizes(sizes)
    layers: list[nn.Module] = []
    for index, (n_pre, n_post) in enumerate(pairs):
        layers.append(_dense_linear(n_pre, n_post, np.sqrt(2), rng, bias=True))
        if index < len(pairs) - 1:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)
