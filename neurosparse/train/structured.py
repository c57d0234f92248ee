"""Neurons and blocks of a model: who is connected, how active they are, pruning at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_fraction
from neurosparse.sparsify import Context, LayerView, rows_of
from neurosparse.sparsify.structure.blocks import BlockShape, block_keys
from neurosparse.sparsify.structure.neurons import Neurons, NeuronScore
from neurosparse.train.classifier import SpikingClassifier
from neurosparse.train.cutting import Linear
from neurosparse.train.masked_linear import MaskedLinear
from neurosparse.train.packed import PackedSpikes
from neurosparse.train.sparse_linear import SparseLinear
from neurosparse.train.spiking_layer import SpikingLayer

__all__ = ["arrange_in_blocks", "firing_rates", "prune_neurons", "wiring_of"]


def wiring_of(model: SpikingClassifier | nn.Sequential) -> list[tuple[int, int]]:
    """Return which layers of neurons every `SparseLinear` connects, for `Neurons`.

    Parameters
    ----------
    model : SpikingClassifier or torch.nn.Sequential
        Layers of neurons are numbered from the input's, 0.

    Returns
    -------
    list of (int, int)
        Source and target, in the order of ``model.modules()``, as schemes have their layers;
        ``torch.nn.Linear`` is left out.

    Raises
    ------
    ParameterError
        If the model is of another kind.

    Examples
    --------
    >>> from neurosparse import LIF
    >>> from neurosparse.train import sparse_classifier
    >>> wiring_of(sparse_classifier([8, 5, 3], neuron=LIF(), density=0.5, recurrent_density=0.5))
    [(0, 1), (1, 1), (1, 2)]
    """
    return [ends for layer, ends in _connections(model) if isinstance(layer, SparseLinear)]


def _check_model(model: nn.Module) -> None:
    if not isinstance(model, SpikingClassifier | nn.Sequential):
        raise ParameterError(
            f"model: got a {type(model).__name__}; allowed is SpikingClassifier or "
            "torch.nn.Sequential"
        )


def _connections(
    model: SpikingClassifier | nn.Sequential,
) -> Iterator[tuple[nn.Module, tuple[int, int]]]:
    _check_model(model)
    if isinstance(model, nn.Sequential):
        linears = [module for module in model if isinstance(module, Linear)]
        yield from ((layer, (number, number + 1)) for number, layer in enumerate(linears))
        return
    layer: SpikingLayer
    for number, layer in enumerate(model.layers):  # type: ignore[assignment]
        yield layer.connection, (number, number + 1)
        if layer.neurons.recurrent is not None:
            yield layer.neurons.recurrent, (number + 1, number + 1)


def firing_rates(
    model: SpikingClassifier | nn.Sequential, x: Tensor | PackedSpikes
) -> dict[int, NDArray[np.float64]]:
    """Measure how active the hidden neurons are on samples.

    Parameters
    ----------
    model : SpikingClassifier or torch.nn.Sequential
        Run in evaluation mode, without gradients.
    x : Tensor or PackedSpikes
        Samples, as the model takes them.

    Returns
    -------
    dict of int to (size,) float64
        Of every hidden layer, numbered as in `wiring_of`. Spiking neurons: spikes per step. ReLU
        units: share of the samples to which they answer above 0.

    Raises
    ------
    ParameterError
        If the model is of another kind.
    """
    _check_model(model)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            if isinstance(model, SpikingClassifier):
                return _spiking_rates(model, x)
            return _relu_rates(model, x)
    finally:
        model.train(was_training)


def _spiking_rates(
    model: SpikingClassifier, x: Tensor | PackedSpikes
) -> dict[int, NDArray[np.float64]]:
    return {
        number: (spikes.counts.double().mean(dim=0) / spikes.n_steps).numpy()
        for number, spikes in enumerate(model.spikes(x)[1:-1], 1)
    }


def _relu_rates(model: nn.Sequential, x: Tensor | PackedSpikes) -> dict[int, NDArray[np.float64]]:
    rates, number, answer = {}, 0, x
    for module in model:
        answer = module(answer)
        number += isinstance(module, Linear)
        if isinstance(module, nn.ReLU):
            rates[number] = torch.sign(answer).double().mean(dim=0).numpy()
    return rates


def prune_neurons(
    model: SpikingClassifier | nn.Sequential,
    share: float,
    score: NeuronScore = "fan_in",
    *,
    samples: Tensor | PackedSpikes | None = None,
    rng: np.random.Generator | int = 0,
) -> None:
    """Take the synapses of the lowest-scored hidden neurons out of a model, at once.

    For pruning bit by bit while training, `neurosparse.sparsify.neuron_pruning`.

    Parameters
    ----------
    model : SpikingClassifier or torch.nn.Sequential
        Of `SparseLinear` layers; changed in place, so make the optimiser later. Its size stays:
        `compact_model` makes a smaller one.
    share : float
        ``0 < share <= 1`` of every hidden layer's neurons that have synapses; one stays.
    score : {"fan_in", "fan_out", "rate", "gradient"}
        As of `Neurons`; "gradient" takes the gradients that the weights hold.
    samples : Tensor or PackedSpikes, optional
        For ``score="rate"``, as the model takes them.
    rng : numpy.random.Generator or int
        Decides among equals.

    Raises
    ------
    ParameterError
        If an argument is out of range, samples or gradients are missing, or a layer is no
        `SparseLinear`.
    """
    if (samples is not None) != (score == "rate"):
        raise ParameterError(
            f"samples: {'missing' if samples is None else 'given'} with score={score!r}; "
            "score='rate' needs them, the others do not"
        )
    layers = _sparse_layers(model)
    rule = Neurons(
        check_fraction("share", share),
        score,
        wiring=wiring_of(model),
        rates=None if samples is None else lambda: firing_rates(model, samples),
    )
    views = [_view_of(layer) for layer in layers]
    chosen = rule(views, Context(0, np.random.default_rng(rng)))
    for layer, view, dropped in zip(layers, views, chosen, strict=True):
        keys = np.delete(view.keys, dropped)
        layer.set_weights(torch.from_numpy(np.delete(view.weights, dropped)))
        layer.set_topology(*rows_of(keys, *_shape(layer)), np.delete(view.signs, dropped))


def _shape(layer: SparseLinear) -> tuple[int, int]:
    return layer.out_features, layer.in_features


def _sparse_layers(model: SpikingClassifier | nn.Sequential) -> list[SparseLinear]:
    layers = []
    for layer, _ in _connections(model):
        if not isinstance(layer, SparseLinear) or isinstance(layer, MaskedLinear):
            raise ParameterError(
                f"model: holds {layer}; expected SparseLinear everywhere (density=1 is a full one, "
                "unmask_layers takes masks out)"
            )
        layers.append(layer)
    return layers


def _view_of(layer: SparseLinear) -> LayerView:
    grad = layer.weight.grad
    return LayerView(
        layer.out_features,
        layer.in_features,
        layer.indptr.numpy(),
        layer.indices.numpy(),
        layer.weight.detach().numpy(),
        layer.signs.numpy(),
        learning_rate=0.0,
        gradient=None if grad is None else grad.numpy(),
    )


def arrange_in_blocks(
    layers: nn.Module | Sequence[SparseLinear],
    shape: BlockShape,
    rng: np.random.Generator | int = 0,
) -> None:
    """Draw the topology of layers anew, as whole blocks, for `neurosparse.sparsify.block_rewiring`.

    Parameters
    ----------
    layers : torch.nn.Module or sequence of SparseLinear
        Of a module, all its `SparseLinear` layers; changed in place, so make the optimiser later.
        Each has as many blocks as come closest to its number of synapses, one at least; weights are
        those it has, in order, the first ones once more where more are needed.
    shape : (int, int)
        Postsynaptic and presynaptic neurons of a block; it has to divide every layer.
    rng : numpy.random.Generator or int
        Source of the blocks.

    Raises
    ------
    ShapeError, ParameterError
        If the shape does not divide a layer, or there is no layer.
    """
    if isinstance(layers, nn.Module):
        layers = [layer for layer in layers.modules() if isinstance(layer, SparseLinear)]
    if not layers:
        raise ParameterError("layers: no SparseLinear among them")
    rng, area = np.random.default_rng(rng), shape[0] * shape[1]
    drawn = [
        block_keys(*_shape(layer), shape, max(1, round(layer.n_active / area)), rng)
        for layer in layers
    ]
    for layer, keys in zip(layers, drawn, strict=True):
        again = torch.arange(keys.size) % layer.n_active
        signs = layer.signs[again].numpy()
        layer.set_weights(layer.weight.detach()[again])
        layer.set_topology(*rows_of(keys, *_shape(layer)), signs)
