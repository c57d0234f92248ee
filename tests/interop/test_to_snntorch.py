"""What is made for snnTorch spikes as ours does, stays sparse in training, and comes back."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from snntorch import utils
from torch import Tensor, nn
from torch.nn.utils import prune

from neurosparse.interop import from_snntorch, to_snntorch
from neurosparse.network import LIF
from neurosparse.train import (
    LIFLayer,
    SparseLinear,
    SpikingClassifier,
    SpikingLayer,
    atan,
    dense_classifier,
    sparse_classifier,
    triangle,
)
from tests.interop.snntorch_nets import random_spikes, snn

N_STEPS = 10


def stepped(net: nn.Sequential, x: Tensor) -> Tensor:
    """Run an snnTorch network as its users do."""
    utils.reset(net)
    return torch.stack([net(step) for step in x])


@st.composite
def neurons(draw: st.DrawFn, *, recurrent: bool) -> LIF:
    """Draw neurons with numbers of few bits: nothing is rounded in float64."""
    du = 1.0 if recurrent else draw(st.sampled_from([1.0, 0.5, 0.75]))
    return LIF(
        du=du,
        dv=draw(st.sampled_from([0.0, 0.25, 0.5, 1.0])),
        vth=draw(st.sampled_from([1.0, 0.75, 1.5])),
        bias=draw(st.sampled_from([0.0, 0.125])) if du == 1 else 0.0,
        reset=draw(st.sampled_from(["zero", "subtract"])),
    )


def on_grid(layer: SparseLinear, most: float) -> SparseLinear:
    """Return the layer in float64; what arrives in a step is at most ``most``, times 2^-12."""
    values = layer.weight.detach().double()
    rows = torch.from_numpy(layer.keys() // layer.in_features)
    sums = torch.zeros(layer.out_features).double().index_add_(0, rows, values.clamp(min=0))
    scaled = torch.floor(4096 * most * values / sums.clamp(min=0.25 * most)[rows]) / 4096
    layer.set_weights(scaled)
    return layer


@st.composite
def models(draw: st.DrawFn) -> SpikingClassifier:
    """Draw networks whose membranes stay below twice the threshold."""
    layers = []
    sizes = draw(st.lists(st.integers(1, 9), min_size=2, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    density = draw(st.floats(0.1, 1))
    for n_pre, n_post in itertools.pairwise(sizes):
        recurrent = draw(st.booleans())
        neuron = draw(neurons(recurrent=recurrent))
        most = 0.5 * neuron.vth * neuron.decays_u[0] if neuron.bias else neuron.vth * neuron.du
        share = 0.5 * most if recurrent else most
        own = on_grid(SparseLinear(n_post, n_post, density=density, rng=rng), share)
        layers.append(
            SpikingLayer(
                on_grid(SparseLinear(n_pre, n_post, density=density, rng=rng), share),
                LIFLayer(n_post, neuron, atan(), recurrent=own if recurrent else None),
            )
        )
    return SpikingClassifier(layers)


@given(models())
def test_same_spikes(model: SpikingClassifier) -> None:
    x = random_spikes((N_STEPS, 3, model.sizes[0]), seed=1, rate=0.8)
    with torch.no_grad():
        theirs = stepped(to_snntorch(model), x)
        assert torch.equal(theirs, model.spikes(x)[-1].to_tensor(torch.float64))


@given(models())
def test_there_and_back(model: SpikingClassifier) -> None:
    again = from_snntorch(to_snntorch(model.float()))
    for one, two in zip(model.layers, again.layers, strict=True):
        assert one.connection.to_synapses() == two.connection.to_synapses()
        assert one.neurons.neuron == two.neurons.neuron  # their numbers are exact in float32
        assert one.neurons.surrogate is two.neurons.surrogate
        mine, theirs = one.neurons.recurrent, two.neurons.recurrent
        assert (mine is None) == (theirs is None)
        if mine is not None:
            assert mine.to_synapses() == theirs.to_synapses()


def test_synapses_of_weight_zero_come_back_too() -> None:
    """As rewiring makes them: they exist, and will learn."""
    model = sparse_classifier([8, 6], neuron=LIF(), n_active=[10])
    model.layers[0].connection.weight.data[3] = 0
    again = from_snntorch(to_snntorch(model))
    assert again.layers[0].connection.keys().tolist() == model.layers[0].connection.keys().tolist()


def test_numbers_that_are_not_round_come_back_as_float32() -> None:
    model = sparse_classifier([4, 3], neuron=LIF(du=0.3, dv=0.1, vth=0.7), density=1)
    neuron = from_snntorch(to_snntorch(model)).layers[0].neurons.neuron
    assert neuron.du == 1 - float(np.float32(0.7))
    assert neuron.dv == 1 - float(np.float32(0.9))
    assert neuron.vth == float(np.float32(0.7))
    # the kernels compute with the same float32 numbers
    one, two = (
        LIFLayer(3, each).cells(np.float32) for each in (neuron, model.layers[0].neurons.neuron)
    )
    for mine, other in zip(one, two, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_modules_their_names_and_masks() -> None:
    recurrent = sparse_classifier(
        [6, 5, 4], neuron=LIF(bias=0.25), density=0.5, recurrent_density=0.3
    )
    net = to_snntorch(recurrent)
    assert [name for name, _ in net.named_children()] == ["fc1", "lif1", "fc2", "lif2"]
    assert [type(module) for module in net] == [nn.Linear, snn.RLeaky, nn.Linear, snn.Leaky]
    assert net.fc1.bias.tolist() == [0.25] * 5
    assert net.lif1.recurrent.bias is None
    for layer, sparse in (
        (net.fc1, recurrent.layers[0].connection),
        (net.lif1.recurrent, recurrent.layers[0].neurons.recurrent),
        (net.fc2, recurrent.layers[1].connection),
    ):
        assert prune.is_pruned(layer)
        np.testing.assert_array_equal(np.flatnonzero(layer.weight_mask), sparse.keys())


def test_input_neurons_and_vectors_of_parameters() -> None:
    neuron = LIF(dv=[0.5, 0.25, 0.75], vth=[1.0, 1.5, 0.75], bias=[0.0, 0.25, 0.125])
    model = SpikingClassifier(
        [SpikingLayer(SparseLinear(4, 3, n_active=9), LIFLayer(3, neuron))],
        input_neurons=LIFLayer(4, LIF(dv=0.5, vth=0.5)),
    )
    connection = model.layers[0].connection
    connection.weight.data = torch.round(64 * connection.weight.data) / 64
    net = to_snntorch(model)
    assert [name for name, _ in net.named_children()] == ["lif0", "fc1", "lif1"]
    x = torch.randint(0, 64, (N_STEPS, 5, 4), generator=torch.Generator().manual_seed(0)) / 64
    theirs = stepped(net, x)
    assert 0.05 < theirs.mean() < 0.95
    assert torch.equal(theirs, model.spikes(x)[-1].to_tensor())
    assert from_snntorch(net).layers[0].neurons.neuron == neuron


def test_a_dense_layer_has_no_mask_and_comes_back_without_its_zeros() -> None:
    model = dense_classifier([6, 4], neuron=LIF())
    model.layers[0].connection.weight.data[0, 0] = 0
    net = to_snntorch(model)
    assert not prune.is_pruned(net)
    assert torch.equal(net.fc1.weight, model.layers[0].connection.weight)
    assert net.fc1.weight is not model.layers[0].connection.weight
    assert from_snntorch(net).layers[0].connection.n_active == 23


@pytest.mark.parametrize("late", [LIF(dv=0.5), LIF(dv=0, reset="subtract")])
def test_gradients_are_ours_where_the_late_reset_is_the_same(late: LIF) -> None:
    model = sparse_classifier(
        [10, 8, 4], neuron=late, density=0.6, gain=2, surrogate=triangle(), rng=1
    ).double()
    net = to_snntorch(model)
    x = random_spikes((N_STEPS, 5, 10), seed=2)
    weights = torch.rand(N_STEPS, 5, 4, generator=torch.Generator().manual_seed(1)).double()
    ((model.spikes(x)[-1].to_tensor(torch.float64)) * weights).sum().backward()
    (stepped(net, x) * weights).sum().backward()
    for sparse, dense in zip(model.layers, (net.fc1, net.fc2), strict=True):
        theirs = dense.weight_orig.grad.flatten()[sparse.connection.keys()]
        assert theirs.abs().max() > 0
        torch.testing.assert_close(sparse.connection.weight.grad, theirs, rtol=1e-10, atol=1e-12)


def test_training_keeps_it_sparse_and_the_result_comes_back() -> None:
    model = sparse_classifier([10, 20, 3], neuron=LIF(dv=0.25), density=0.3, gain=2, rng=0)
    keys = [layer.connection.keys().tolist() for layer in model.layers]
    net = to_snntorch(model)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    x, labels = random_spikes((N_STEPS, 12, 10), seed=0).float(), torch.arange(12) % 3
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(10 * stepped(net, x).mean(dim=0), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    again = from_snntorch(net)
    assert [layer.connection.keys().tolist() for layer in again.layers] == keys
    assert not torch.equal(again.layers[0].connection.weight, model.layers[0].connection.weight)
    with torch.no_grad():
        assert torch.equal(stepped(net, x), again.spikes(x)[-1].to_tensor())


def test_no_random_number_is_drawn_and_nothing_is_shared() -> None:
    model = sparse_classifier([6, 5, 4], neuron=LIF(), density=0.5, recurrent_density=0.5)
    before = pickle.dumps(model.state_dict())
    torch.manual_seed(0)
    net = to_snntorch(model)
    drawn = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(drawn, torch.rand(3))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 1
    assert pickle.dumps(model.state_dict()) == before


def test_recurrent_synaptic_neurons_without_leak() -> None:
    """The one case in which snn.RSynaptic, late as it is, does what we do."""
    recurrent = SparseLinear(5, 5, n_active=8, rng=1)
    neurons = LIFLayer(5, LIF(du=0.5, dv=0, reset="subtract"), atan(), recurrent=recurrent)
    model = SpikingClassifier([SpikingLayer(SparseLinear(6, 5, n_active=15), neurons)])
    for layer in (model.layers[0].connection, recurrent):
        layer.weight.data = torch.round(64 * layer.weight.data) / 64
    x: Any = random_spikes((N_STEPS, 4, 6), seed=3).float()
    net = to_snntorch(model)
    assert type(net.lif1) is snn.RSynaptic
    theirs = stepped(net, x)
    assert 0.05 < theirs.mean() < 0.95
    assert torch.equal(theirs, model.spikes(x)[-1].to_tensor())
