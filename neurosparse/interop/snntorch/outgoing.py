"""A sparse network as dense modules of snnTorch, whose masks keep it sparse."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import prune, skip_init

from neurosparse.errors import ParameterError
from neurosparse.interop.refusal import refuse
from neurosparse.train import LIFLayer, SparseLinear, SpikingClassifier
from neurosparse.train.masked_linear import MaskedLinear
from neurosparse.train.snntorch_twin import load_snntorch, neuron_options

__all__ = ["to_snntorch"]


class _Layer(NamedTuple):
    """A layer, its number in names (0 is that of neurons which currents drive), and its dtype."""

    number: int
    connection: nn.Module | None
    delay: int
    neurons: LIFLayer
    dtype: torch.dtype


def to_snntorch(model: SpikingClassifier) -> nn.Sequential:
    """Make the dense snnTorch network that gives the same spikes.

    Parameters
    ----------
    model : SpikingClassifier
        Of any layers; delays of one step. It is read only.

    Returns
    -------
    torch.nn.Sequential
        ``fc1``, ``lif1``, ``fc2``, ...: ``nn.Linear`` with zeros where there is no synapse, and
        ``snn.Leaky``, ``snn.Synaptic`` or, with connections of their own, ``snn.RLeaky``. Takes a
        step, (batch, n_inputs), and gives its spikes, (batch, n_classes); neurons keep their
        states (``init_hidden=True``) until ``snntorch.utils.reset``. Input neurons are ``lif0``.

    Raises
    ------
    ParameterError
        With every setting, named, that has no equivalent: ``v_reset`` other than 0, delays above
        1, a bias with ``du < 1`` or of input neurons, neurons with ``du < 1`` that feed one
        another (``snn.RSynaptic`` of snnTorch 1.0 never resets in time).
    BackendMissingError
        If snnTorch is not installed.

    Notes
    -----
    Weights of `SparseLinear` get the mask of ``torch.nn.utils.prune``, so that training keeps them
    sparse; ``prune.remove(net.fc1, "weight")`` makes the zeros permanent. `from_snntorch` is the
    inverse: weights and topology come back bit for bit, ``dv``, ``du`` and ``vth`` as float32.
    ``LIF.bias`` becomes the bias of the linear layer, which can be learned.

    Where snnTorch resets one step late in the same way as we do in time (``snn.Leaky`` with "zero",
    any neuron without leak with "subtract"), that is what is made: its reset is not
    differentiated, like ours, and gradients are the same. Elsewhere ``reset_delay=False``, which
    differentiates the reset, and subtracts twice from a membrane above twice the threshold; see
    `neurosparse.interop.snntorch.neurons`. No random number is drawn.

    Examples
    --------
    >>> from neurosparse import LIF
    >>> from neurosparse.train import sparse_classifier
    >>> net = to_snntorch(sparse_classifier([4, 3], neuron=LIF(), n_active=[5]))
    >>> int(net.fc1.weight.count_nonzero()), int(net.fc1.weight_mask.sum())
    (5, 5)
    """
    load_snntorch()
    if not isinstance(model, SpikingClassifier):
        raise ParameterError(f"model: got a {type(model).__name__}; expected SpikingClassifier")
    layers = list(_layers(model))
    refuse("model", [text for layer in layers for text in _problems(layer)])
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    with torch.random.fork_rng(devices=[]):  # snnTorch draws recurrent weights that we replace
        for layer in layers:
            if layer.connection is not None:
                modules[f"fc{layer.number}"] = _linear(
                    layer.connection, bias=layer.neurons.neuron.bias
                )
            modules[f"lif{layer.number}"] = _neurons(layer)
    return nn.Sequential(modules)


def _layers(model: SpikingClassifier) -> Iterator[_Layer]:
    first: Any = model.layers[0].connection
    if model.input_neurons is not None:
        yield _Layer(0, None, 1, model.input_neurons, first.weight.dtype)
    for number, layer in enumerate(model.layers, start=1):
        made: Any = layer
        dtype = made.connection.weight.dtype
        yield _Layer(number, made.connection, made.delay, made.neurons, dtype)


def _problems(layer: _Layer) -> Iterator[str]:
    neurons, neuron = layer.neurons, layer.neurons.neuron
    name = f"layers[{layer.number - 1}]" if layer.number else "input_neurons"
    if np.any(np.asarray(neuron.v_reset) != 0):
        yield f"{name}: v_reset={neuron.v_reset}; snnTorch resets to 0"
    if layer.delay != 1:
        yield f"{name}: delay={layer.delay}; snnTorch has no delays, allowed is 1"
    if neurons.recurrent is not None and neurons.recurrent_delay != 1:
        yield (
            f"{name}: recurrent_delay={neurons.recurrent_delay}; snnTorch has no delays, "
            "allowed is 1"
        )
    if np.any(np.asarray(neuron.bias) != 0) and layer.connection is None:
        yield f"{name}: bias={neuron.bias}; snnTorch has it in linear layers only; add it to inputs"
    elif np.any(np.asarray(neuron.bias) != 0) and neuron.du != 1:
        yield (
            f"{name}: bias={neuron.bias} with du={neuron.du}; that of a linear layer would pass "
            "the synaptic filter of snn.Synaptic; allowed is 0, or du=1"
        )
    if neurons.recurrent is not None and neuron.du != 1 and not _late_is_the_same(neurons):
        yield (
            f"{name}: recurrent with du={neuron.du}; snn.RSynaptic resets one step late, whatever "
            "its reset_delay (snnTorch 1.0); allowed is du=1"
        )


def _late_is_the_same(neurons: LIFLayer) -> bool:
    """Whether a reset one step late (and not differentiated) does what ours does."""
    neuron = neurons.neuron
    if neuron.reset == "zero":
        return neuron.du == 1 and neurons.recurrent is None
    return not np.any(neuron.dv)


def _neurons(layer: _Layer) -> nn.Module:
    snn = load_snntorch()
    neurons = layer.neurons
    options = neuron_options(neurons.neuron, neurons.surrogate, layer.dtype)
    options |= {"init_hidden": True, "reset_delay": _late_is_the_same(neurons)}
    synaptic = "alpha" in options
    if neurons.recurrent is None:
        made: nn.Module = (snn.Synaptic if synaptic else snn.Leaky)(**options)
        return made
    made = (snn.RSynaptic if synaptic else snn.RLeaky)(**options, linear_features=neurons.size)
    made.recurrent = _linear(neurons.recurrent)
    return made


def _linear(connection: nn.Module, *, bias: Any = 0.0) -> nn.Linear:
    """Return a dense copy, masked if the connection is sparse."""
    source: Any = connection
    n_pre, n_post = source.in_features, source.out_features
    dtype = source.weight.dtype
    values, has_bias = np.asarray(bias), bool(np.any(np.asarray(bias) != 0))
    made: nn.Linear = skip_init(  # type: ignore[no-untyped-call]
        nn.Linear, n_pre, n_post, bias=has_bias, dtype=dtype
    )
    if has_bias:
        made.bias.data = torch.from_numpy(np.broadcast_to(values, n_post).copy()).to(dtype)
    if not isinstance(connection, SparseLinear):
        made.weight.data = source.weight.detach().clone()
        return made
    if isinstance(connection, MaskedLinear):
        connection = connection.to_sparse()
    made.weight.data = _scattered(connection, connection.weight.detach())
    mask = _scattered(connection, torch.ones_like(connection.weight.detach()))
    prune.custom_from_mask(made, "weight", mask)  # type: ignore[no-untyped-call]
    return made


def _scattered(layer: SparseLinear, values: Tensor) -> Tensor:
    dense = torch.zeros(layer.out_features, layer.in_features, dtype=values.dtype)
    dense.view(-1)[torch.from_numpy(layer.keys())] = values
    return dense
