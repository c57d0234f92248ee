"""snnTorch networks, dense or pruned, as sparse ones: to train on, or to run and export."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from torch import nn

from neurosparse.errors import ParameterError
from neurosparse.interop.refusal import refuse
from neurosparse.interop.snntorch.modules import Stage, find_stages
from neurosparse.interop.snntorch.neurons import Neurons, read_neurons
from neurosparse.interop.snntorch.weights import read_connection
from neurosparse.network import LIF, Network, Population, Projection, Synapses
from neurosparse.train import (
    LIFLayer,
    SparseLinear,
    SpikingClassifier,
    SpikingLayer,
    Surrogate,
)

__all__ = ["from_snntorch", "network_from_snntorch"]

LateReset = Literal["keep", "drop"]


class _Layer(NamedTuple):
    """A stage in our terms."""

    size: int
    synapses: Synapses | None  # that lead to it; the first stage may have none
    neurons: Neurons


def from_snntorch(
    module: nn.Module,
    *,
    surrogate: Surrogate | None = None,
    reset_delay: LateReset = "keep",
) -> SpikingClassifier:
    r"""Make a sparse network that gives the same spikes as one of snnTorch, to go on training.

    ``beta = 1 - dv``, ``alpha = 1 - du``, ``threshold = vth``; the equations of both, and where
    they agree, stand in `neurosparse.interop.snntorch.neurons`.

    Parameters
    ----------
    module : torch.nn.Module
        ``nn.Linear`` (or `SparseLinear`) and ``snn.Leaky``, ``Synaptic``, ``RLeaky`` or
        ``RSynaptic`` in turn: an ``nn.Sequential``, or any module that has registered them in the
        order in which it runs them. With neurons first, these are driven by currents. It is read
        only.
    surrogate : callable, optional
        Of all layers. Without it, each takes up the ``spike_grad`` it has; ours are faster.
    reset_delay : {"keep", "drop"}
        What to do where snnTorch resets one step late (``reset_delay=True``, its default). "keep"
        gives the same spikes: with "subtract" each neuron gets a synapse onto itself of weight
        ``-(1 - beta) threshold``; what has no equivalent is refused. "drop" resets in the step of
        the spike, as everywhere here, and warns where that changes spikes.

    Returns
    -------
    SpikingClassifier
        Layers of `SparseLinear`; every weight is a copy, float32, and can be learned. A weight of 0
        is no synapse; where ``torch.nn.utils.prune`` has left its mask, that says which are.
        ``to_network`` makes the Network.

    Raises
    ------
    ParameterError
        With every setting, named, that has no equivalent.
    BackendMissingError
        If snnTorch is not installed.

    Warns
    -----
    UserWarning
        If ``reset_delay="drop"`` changes spikes, with the layers.

    Notes
    -----
    Spikes are the same up to rounding (sums are added in another order), and, where
    ``reset_delay=False`` with "subtract", as long as no membrane passes twice the threshold.
    Learnable ``beta``, ``alpha`` and ``threshold`` are taken as they are now, and are constants
    from here on; so is the bias of linear layers, which becomes ``LIF.bias``. A synapse that makes
    up for a late reset can be learned, and passes gradients, which snnTorch's reset does not.
    Dropout is left out. States start at rest. ``init_hidden`` and ``output`` concern the calling of
    a module only.

    Examples
    --------
    >>> import snntorch as snn
    >>> from torch.nn.utils import prune
    >>> net = nn.Sequential(nn.Linear(4, 3, bias=False), snn.Leaky(0.9, reset_mechanism="zero"))
    >>> _ = prune.l1_unstructured(net[0], "weight", amount=8)
    >>> from_snntorch(net).layers[0].connection.n_active
    4
    """
    if reset_delay not in ("keep", "drop"):
        raise ParameterError(f"reset_delay: got {reset_delay!r}; allowed is 'keep' or 'drop'")
    problems: list[str] = []
    layers = _read(module, problems)
    if reset_delay == "keep":
        problems += [text for layer in layers for text in _beyond_the_trainer(layer.neurons)]
    else:
        layers, changed = _without_delay(layers)
    first = [layer for layer in layers if layer.synapses is None]
    for layer in first:
        if layer.neurons.own is not None or layer.neurons.excess is not None:
            problems.append(
                f"{layer.neurons.name}: neurons that currents drive cannot have synapses onto one "
                "another (as kind of neuron, or by a late reset) in the trainer; "
                "network_from_snntorch makes a Network"
            )
    refuse("module", problems)
    if reset_delay == "drop" and changed:
        warnings.warn(
            f"reset_delay='drop': {', '.join(changed)} now reset in the step of the spike, one "
            "step earlier than in snnTorch; spikes will differ",
            stacklevel=2,
        )
    return SpikingClassifier(
        [
            SpikingLayer(SparseLinear.from_synapses(layer.synapses), _lif_layer(layer, surrogate))
            for layer in layers
            if layer.synapses is not None
        ],
        input_neurons=_lif_layer(first[0], surrogate) if first else None,
    )


def network_from_snntorch(module: nn.Module) -> Network:
    """Make a Network that gives the same spikes as a network of snnTorch.

    It takes what `from_snntorch` takes and, as a Network has refractory periods and several
    receptors, the late resets that the trainer has no equivalent of.

    Parameters
    ----------
    module : torch.nn.Module
        See `from_snntorch`.

    Returns
    -------
    Network
        Populations ``input``, ``hidden1`` ..., ``output``, as of `SpikingClassifier.to_network`. A
        layer's step ``t`` is step ``t + depth``.

    Raises
    ------
    ParameterError
        With every setting, named, that has no equivalent.
    BackendMissingError
        If snnTorch is not installed.

    Notes
    -----
    Neurons with a bias integrate from step 0 on, though input reaches them ``depth`` steps later;
    `simulate_batch`, or ``reset_every`` of `simulate`, have them start with it, as in snnTorch.

    Examples
    --------
    >>> import snntorch as snn
    >>> net = nn.Sequential(nn.Linear(4, 3, bias=False), snn.Synaptic(alpha=0.5, beta=0.9))
    >>> network_from_snntorch(net).populations["output"].neuron.n_receptors
    2
    """
    problems: list[str] = []
    layers = _read(module, problems)
    refuse("module", problems)
    driven = layers[0].synapses is None  # by currents, into the first neurons
    n_hidden = len(layers) - (2 if driven else 1)
    names = ["input", *(f"hidden{i + 1}" for i in range(n_hidden)), "output"]
    sources = ["", *names][-len(layers) - 1 : -1]
    populations: dict[str, Population] = {}
    projections: list[Projection] = []
    for source, name, (size, synapses, neurons) in zip(
        sources, names[-len(layers) :], layers, strict=True
    ):
        if synapses is not None:
            populations.setdefault(source, Population(synapses.n_pre))
            projections.append(Projection(source, name, synapses))
        populations[name] = Population(size, _whole_neuron(neurons))
        projections += _own_projections(name, neurons)
    return Network(populations, projections, inputs=["input"], outputs=["output"])


# ---------------------------------------------------------------------- reading


def _read(module: nn.Module, problems: list[str]) -> list[_Layer]:
    """Return the stages, but for those of which too little can be read."""
    if not isinstance(module, nn.Module):
        raise ParameterError(f"module: got a {type(module).__name__}; expected torch.nn.Module")
    stages = find_stages(module, problems)
    layers = []
    for index, stage in enumerate(stages):
        size = _size(stages, index)
        arriving = None if stage.linear is None else read_connection(stage.linear, problems)
        neurons = read_neurons(stage.neurons, size, arriving, problems)
        if neurons is not None and (arriving is not None or stage.linear is None):
            layers.append(_Layer(size, None if arriving is None else arriving.synapses, neurons))
    return layers


def _size(stages: list[Stage], index: int) -> int:
    """Return the number of neurons of a stage; the first, without a linear layer, feeds one."""
    linear = stages[index].linear
    if linear is not None:
        return int(linear.module.out_features)  # type: ignore[arg-type]
    following = [stage.linear for stage in stages[index + 1 :] if stage.linear is not None]
    return int(following[0].module.in_features) if following else 1  # type: ignore[arg-type]


# ---------------------------------------------------------------------- late resets


def _beyond_the_trainer(neurons: Neurons) -> Iterator[str]:
    name, kind = neurons.name, neurons.kind
    instead = (
        "pass reset_delay='drop', or take network_from_snntorch, which has an equivalent"
        if kind == "RSynaptic"
        else "make it with reset_delay=False, pass reset_delay='drop', or take "
        "network_from_snntorch, which has an equivalent"
    )
    cause = (
        "snn.RSynaptic resets one step late, whatever its reset_delay (snnTorch 1.0)"
        if kind == "RSynaptic"
        else f"reset_delay=True in snn.{kind}"
    )
    if neurons.swallows:
        yield (
            f"{name}: {cause}: with reset_mechanism='zero' what arrives in the step after a spike "
            f"is lost, which the trainer's layers do not have; {instead}"
        )
    if neurons.excess is not None and neurons.neuron.du != 1:
        yield (
            f"{name}: {cause}: with reset_mechanism='subtract' and beta < 1 that needs a synapse "
            f"past the synaptic filter, which the trainer's layers do not have; {instead}"
        )


def _without_delay(layers: list[_Layer]) -> tuple[list[_Layer], list[str]]:
    """Return the layers with resets in time, and the names of those that had not."""
    changed = [
        layer.neurons.name
        for layer in layers
        if layer.neurons.swallows or layer.neurons.excess is not None
    ]
    prompt = [
        layer._replace(neurons=layer.neurons._replace(swallows=False, excess=None))
        for layer in layers
    ]
    return prompt, changed


# ---------------------------------------------------------------------- making


def _lif_layer(layer: _Layer, surrogate: Surrogate | None) -> LIFLayer:
    neurons = layer.neurons
    own = _joined(neurons.own, neurons.excess)
    return LIFLayer(
        layer.size,
        neurons.neuron,
        neurons.surrogate if surrogate is None else surrogate,
        recurrent=None if own is None else SparseLinear.from_synapses(own),
    )


def _whole_neuron(neurons: Neurons) -> LIF:
    """Return the neuron with what the trainer does not have."""
    neuron = dataclasses.replace(neurons.neuron, refractory=int(neurons.swallows))
    if neurons.excess is None or neuron.du == 1:
        return neuron
    return dataclasses.replace(neuron, du=(*neuron.decays_u, 1.0))


def _own_projections(name: str, neurons: Neurons) -> Iterator[Projection]:
    if neurons.neuron.du == 1:
        own = _joined(neurons.own, neurons.excess)
        if own is not None:
            yield Projection(name, name, own)
        return
    if neurons.own is not None:
        yield Projection(name, name, neurons.own)
    if neurons.excess is not None:
        yield Projection(name, name, neurons.excess, receptor=1, name=f"{name}->{name} reset")


def _joined(one: Synapses | None, two: Synapses | None) -> Synapses | None:
    """Return both as one, weights of a pair added."""
    if one is None or two is None:
        return two if one is None else one
    pre, post, weights = (
        np.concatenate(parts)
        for parts in (
            (one.indices, two.indices),
            (one.post, two.post),
            (one.weights, two.weights),
        )
    )
    return Synapses.from_edges(
        pre, post, weights, n_pre=one.n_pre, n_post=one.n_post, multapses=True
    ).merged()
