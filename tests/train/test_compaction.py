"""Smaller models answer the same; pruning, rates and blocks of models."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from neurosparse import LIF
from neurosparse.errors import ParameterError, ShapeError
from neurosparse.sparsify.recipes.structured import block_rewiring, neuron_pruning
from neurosparse.train import (
    LIFLayer,
    PackedSpikes,
    Rewirer,
    SparseLinear,
    SpikingClassifier,
    SpikingLayer,
    dense_classifier,
    sparse_classifier,
)
from neurosparse.train.ann import dense_ann, sparse_ann
from neurosparse.train.compaction import compact_model
from neurosparse.train.masked_linear import mask_layers
from neurosparse.train.structured import (
    arrange_in_blocks,
    firing_rates,
    prune_neurons,
    wiring_of,
)

N_STEPS, BATCH = 12, 5


def spikes(size: int, seed: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.random((N_STEPS, BATCH, size)) < 0.4).to(dtype)


@st.composite
def classifiers(draw: st.DrawFn) -> SpikingClassifier:
    """Draw sparse layers with any delays, biases and connections of their own."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(1, 12), min_size=3, max_size=5))
    layers = []
    for number, (n_pre, n_post) in enumerate(itertools.pairwise(sizes), 2):
        neuron = LIF(
            du=draw(st.sampled_from([1.0, 0.4])),
            dv=rng.random(n_post),
            bias=rng.choice([0.0, 0.0, 0.05, 0.8, -0.2], n_post),
            vth=rng.uniform(0.3, 1, n_post),
            reset=draw(st.sampled_from(["zero", "subtract"])),
        )
        hidden = number < len(sizes)
        recurrent = hidden and draw(st.booleans())
        own = SparseLinear(n_post, n_post, density=0.1, rng=rng) if recurrent else None
        neurons = LIFLayer(n_post, neuron, recurrent=own, recurrent_delay=draw(st.integers(1, 2)))
        density = draw(st.floats(0.01, 1))
        connection = SparseLinear(n_pre, n_post, density=density, gain=2, rng=rng)
        layers.append(SpikingLayer(connection, neurons, delay=draw(st.integers(1, 2))))
    return SpikingClassifier(layers)


@given(classifiers(), st.integers(0, 99), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_compact_classifier_spikes_the_same(
    model: SpikingClassifier, seed: int, double: bool
) -> None:
    dtype = torch.float64 if double else torch.float32
    model = model.to(dtype)
    small = compact_model(model)
    x = spikes(model.sizes[0], seed, dtype)
    assert torch.equal(small(x), model(x))
    # and so do the networks, of which the smaller model's has nothing to remove
    network = small.to_network()
    assert network.outputs == ("output",)
    assert all(a <= b for a, b in zip(small.sizes, model.sizes, strict=True))
    assert (small.sizes[0], small.sizes[-1]) == (model.sizes[0], model.sizes[-1])
    again = compact_model(small)
    assert again.sizes == small.sizes
    assert [list(v.shape) for v in again.state_dict().values()] == [
        list(v.shape) for v in small.state_dict().values()
    ]


@given(classifiers(), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_gradients_of_what_stays_are_the_same(model: SpikingClassifier, seed: int) -> None:
    """Live synapses learn alike, so that training can go on in the smaller model."""
    small = compact_model(model)
    x = spikes(model.sizes[0], seed)
    for each in (model, small):
        each(x).square().sum().backward()
    for before, after in zip(model.layers, small.layers, strict=True):
        a, b = before.connection, after.connection
        kept = b.weight.detach().tolist()
        grads = dict(zip(a.weight.detach().tolist(), a.weight.grad.tolist(), strict=True))
        for value, grad in zip(kept, b.weight.grad.tolist(), strict=True):
            assert grad == pytest.approx(grads[value], rel=1e-4, abs=1e-6)


def test_signs_and_the_rest_come_along() -> None:
    model = sparse_classifier(
        [10, 20, 4], neuron=LIF(), n_active=[30, 15], recurrent_density=0.1, checkpoint_steps=3
    )
    layer: Any = model.layers[0].connection
    layer.weight.data[::3] = 0.0
    layer.signs[::3] = -1
    layer.weight.requires_grad_(False)
    model.eval()
    small = compact_model(model)
    first: Any = small.layers[0]
    signs = dict(zip(layer.weight.tolist(), layer.signs.tolist(), strict=True))
    pairs = zip(first.connection.weight.tolist(), first.connection.signs.tolist(), strict=True)
    assert all(signs[w] == s for w, s in pairs)
    assert not first.connection.weight.requires_grad
    assert first.neurons.checkpoint_steps == 3
    assert not small.training
    assert not first.training
    network = model.to_network()
    assert small.to_network().n_synapses < network.n_synapses


def test_dense_layers_lose_neurons_by_their_zeros_and_masks_go() -> None:
    model = dense_classifier([6, 5, 3], neuron=LIF(du=1, dv=0.2), gain=2)
    weight: Any = model.layers[0].connection.weight
    weight.data[1] = 0
    weight.data[3] = 0
    small = compact_model(model)
    assert small.sizes == (6, 3, 3)
    assert isinstance(small.layers[0].connection, nn.Linear)
    x = spikes(6, 0)
    assert torch.equal(small(x), model(x))
    masked = sparse_classifier([6, 9, 3], neuron=LIF(), n_active=[8, 6], gain=2)
    expected, like = masked(x), compact_model(masked)
    mask_layers(masked)
    small = compact_model(masked)
    assert torch.equal(small(x), expected)
    assert small.sizes == like.sizes
    assert type(small.layers[0].connection) is SparseLinear


def test_input_neurons_stay() -> None:
    model = sparse_classifier(
        [6, 9, 3], neuron=LIF(vth=0.5), n_active=[8, 6], input_neuron=LIF(vth=0.7), gain=2
    )
    small = compact_model(model)
    x = torch.rand(N_STEPS, BATCH, 6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(small(x), model(x))


def test_a_layer_of_which_nothing_is_left_keeps_a_neuron() -> None:
    model = sparse_classifier([3, 4, 2], neuron=LIF(), n_active=[1, 1])
    first: Any = model.layers[0].connection
    second: Any = model.layers[1].connection
    first.set_topology(np.array([0, 1, 1, 1, 1]), np.array([0], np.int32), np.ones(1, np.int8))
    second.set_topology(np.array([0, 1, 1]), np.array([2], np.int32), np.ones(1, np.int8))
    small = compact_model(model)
    assert small.sizes == (3, 1, 2)
    x = spikes(3, 0)
    assert torch.equal(small(x), model(x))
    assert not small(x).any()


# ---------------------------------------------------------------------- ReLU


@given(
    sizes=st.lists(st.integers(1, 10), min_size=3, max_size=5),
    bias=st.booleans(),
    dense=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=80, deadline=None)
def test_a_compact_relu_network_answers_the_same(
    sizes: list[int], bias: bool, dense: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    if dense:
        model = dense_ann(sizes, rng=rng)
        for layer in list(model)[::2]:
            assert isinstance(layer, nn.Linear)
            layer.weight.data *= torch.from_numpy(rng.random(layer.weight.shape) < 0.2).float()
    else:
        n_active = [int(rng.integers(1, 2 + n * m // 3)) for n, m in itertools.pairwise(sizes)]
        n_active = [
            min(k, n * m) for k, (n, m) in zip(n_active, itertools.pairwise(sizes), strict=True)
        ]
        model = sparse_ann(sizes, n_active=n_active, bias=bias, rng=rng)
    model = model.double()
    for layer in model:
        if getattr(layer, "bias", None) is not None:
            assert isinstance(layer.bias, torch.Tensor)
            layer.bias.data = torch.from_numpy(rng.normal(size=layer.bias.shape))
    small = compact_model(model)
    x = torch.from_numpy(rng.normal(size=(7, sizes[0])))
    torch.testing.assert_close(small(x), model(x), rtol=1e-10, atol=1e-10)
    # every hidden unit that is left has synapses on both sides, or is the only one
    linears: Any = [layer for layer in small if isinstance(layer, SparseLinear | nn.Linear)]
    for before, after in itertools.pairwise(linears):
        if isinstance(before, nn.Linear):
            incoming = (before.weight != 0).any(dim=1)
            outgoing = (after.weight != 0).any(dim=0)
        else:
            incoming = torch.from_numpy(np.diff(before.indptr.numpy()) > 0)
            outgoing = torch.from_numpy(after.fan_out() > 0)
        assert before.out_features == 1 or (incoming & outgoing).all()
    again = compact_model(small)
    assert [p.shape for p in again.parameters()] == [p.shape for p in small.parameters()]


def test_a_constant_unit_is_folded_by_hand() -> None:
    """Unit 1 has a bias of 2 and no synapse: 2 * 3 joins the next bias; unit 2 is silent."""
    model = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 1, bias=False))
    first, last = model[0], model[2]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    first.weight.data = torch.tensor([[1.0], [0.0], [0.0]])
    first.bias.data = torch.tensor([0.5, 2.0, -4.0])
    last.weight.data = torch.tensor([[1.0, 3.0, 5.0]])
    small = compact_model(model)
    assert small[0].weight.tolist() == [[1.0]]
    assert small[0].bias.tolist() == [0.5]
    assert small[2].weight.tolist() == [[1.0]]
    assert small[2].bias.tolist() == [6.0]
    assert first.weight.shape == (3, 1)


def test_without_relu_between_a_constant_is_the_bias_itself() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 2)).eval()
    for layer, rows in ((model[0], 1), (model[2], 2)):
        assert isinstance(layer, nn.Linear)
        layer.weight.data[rows:] = 0
    assert isinstance(model[0], nn.Linear)
    model[0].bias.data = torch.tensor([1.0, -3.0])
    small = compact_model(model)
    assert small[0].out_features == 1
    x = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(small(x), model(x))


def test_what_is_refused() -> None:
    with pytest.raises(ParameterError, match="model: got a Linear; allowed is SpikingClassifier"):
        compact_model(nn.Linear(2, 2))  # type: ignore[call-overload]
    with pytest.raises(ParameterError, match=r"model: holds Sigmoid\(\); allowed are SparseLinear"):
        compact_model(nn.Sequential(nn.Linear(2, 2), nn.Sigmoid()))
    with pytest.raises(ParameterError, match=r"model: holds ReLU\(\); allowed are"):
        compact_model(nn.Sequential(nn.ReLU(), nn.Linear(2, 2)))
    with pytest.raises(ParameterError, match="model: no linear layer in it"):
        compact_model(nn.Sequential(nn.Identity()))
    for function in (
        wiring_of,
        lambda m: firing_rates(m, torch.ones(1)),
        lambda m: prune_neurons(m, 0.5),
    ):
        with pytest.raises(ParameterError, match="model: got a Linear; allowed is Spik"):
            function(nn.Linear(2, 2))  # type: ignore[arg-type]


# ---------------------------------------------------------------------- pruning


def test_wiring_is_in_the_order_of_the_scheme() -> None:
    model = sparse_classifier([8, 6, 5, 3], neuron=LIF(), density=0.5, recurrent_density=0.3)
    layers = [layer for layer in model.modules() if isinstance(layer, SparseLinear)]
    wiring = wiring_of(model)
    assert wiring == [(0, 1), (1, 1), (1, 2), (2, 2), (2, 3)]
    for layer, (source, target) in zip(layers, wiring, strict=True):
        assert layer.in_features == model.sizes[source]
        assert layer.out_features == model.sizes[target]
    assert wiring_of(sparse_ann([4, 3, 2], n_active=[4, 3])) == [(0, 1), (1, 2)]


def test_rates_are_those_of_the_spikes() -> None:
    model = sparse_classifier([8, 6, 5, 3], neuron=LIF(dv=0.3), density=0.6, gain=3)
    x = spikes(8, 0)
    rates = firing_rates(model, x)
    trains = model.spikes(PackedSpikes.from_tensor(x))
    assert list(rates) == [1, 2]
    for number, rate in rates.items():
        raster = trains[number].to_tensor().detach().numpy()
        np.testing.assert_allclose(rate, raster.mean(axis=(0, 1)), rtol=1e-6)
    assert model.training
    relu = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).eval()
    samples = torch.randn(9, 2, generator=torch.Generator().manual_seed(0))
    expected = (relu[1](relu[0](samples)) > 0).double().mean(dim=0).numpy()
    np.testing.assert_array_equal(firing_rates(relu, samples)[1], expected)
    assert not relu.training


@pytest.mark.parametrize("score", ["fan_in", "fan_out", "rate", "gradient"])
def test_prune_then_compact(score: Any) -> None:
    model = sparse_classifier(
        [12, 20, 10, 4], neuron=LIF(dv=0.3), density=1.0, recurrent_density=0.5, gain=2
    )
    x = spikes(12, 0)
    model(x).square().sum().backward()
    prune_neurons(model, 0.5, score, samples=x if score == "rate" else None)
    small = compact_model(model)
    assert small.sizes == (12, 10, 5, 4)
    assert torch.equal(small(x), model(x))


def test_prune_neurons_takes_those_of_least_weight_out_of_a_relu_network() -> None:
    model = sparse_ann([5, 6, 2], n_active=[30, 12], rng=0)
    layer: Any = model[0]
    norms = layer.weight.detach().reshape(6, 5).norm(dim=1)
    prune_neurons(model, 0.5)
    assert sorted(norms.argsort()[3:].tolist()) == np.flatnonzero(np.diff(layer.indptr)).tolist()
    assert layer.signs.numel() == layer.weight.numel() == 15
    with pytest.raises(ParameterError, match="samples: missing with score='rate'"):
        prune_neurons(model, 0.5, "rate")
    with pytest.raises(ParameterError, match="samples: given with score='fan_in'"):
        prune_neurons(model, 0.5, samples=torch.ones(1, 5))
    with pytest.raises(ParameterError, match="model: holds Linear"):
        prune_neurons(dense_ann([3, 2, 1]), 0.5)
    with pytest.raises(ParameterError, match="share: got 0"):
        prune_neurons(model, 0)
    with pytest.raises(ParameterError, match="score: 'gradient' needs the gradients"):
        prune_neurons(model, 0.5, "gradient")


@pytest.mark.parametrize("score", ["fan_in", "gradient", "rate"])
def test_neurons_are_pruned_while_learning(score: Any) -> None:
    model = sparse_classifier(
        [12, 20, 10, 4], neuron=LIF(dv=0.3), density=1.0, recurrent_density=1.0, gain=0.5
    )
    x = spikes(12, 0)
    scheme = neuron_pruning(
        0.2,
        start=2,
        stop=12,
        every=2,
        score=score,
        wiring=wiring_of(model),
        rates=(lambda: firing_rates(model, x)) if score == "rate" else None,
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    Rewirer(scheme, model, optimizer)
    for _ in range(15):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), torch.arange(BATCH) % 4).backward()
        optimizer.step()
    n_potential = 12 * 20 + 20 * 20 + 20 * 10 + 10 * 10 + 10 * 4
    n_active = sum(p.numel() for p in model.parameters())
    assert n_active <= 0.2 * n_potential
    small = compact_model(model)
    _, first, second, _ = small.sizes
    assert sum(p.numel() for p in small.parameters()) == n_active
    full = 12 * first + first**2 + first * second + second**2 + 4 * second
    assert n_active == full  # what is left is full layers, smaller
    assert torch.equal(small(x), model(x))


# ---------------------------------------------------------------------- blocks


def test_blocks_are_exchanged_while_learning() -> None:
    model = sparse_classifier([12, 20, 4], neuron=LIF(dv=0.3), n_active=[61, 23], gain=2)
    values = [set(p.detach().tolist()) for p in model.parameters()]
    arrange_in_blocks(model, (2, 2), rng=1)
    layers = [layer for layer in model.modules() if isinstance(layer, SparseLinear)]
    assert [layer.n_active for layer in layers] == [60, 24]
    for layer, own in zip(layers, values, strict=True):
        assert set(layer.weight.detach().tolist()) <= own
        assert ((layer.weight < 0) == (layer.signs < 0)).all()
    x = spikes(12, 0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    rewirer = Rewirer(block_rewiring((2, 2), share=0.3, every=2), model, optimizer)
    before = [layer.keys() for layer in layers]
    for _ in range(8):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), torch.arange(BATCH) % 4).backward()
        optimizer.step()
        for layer, n in zip(layers, (60, 24), strict=True):
            assert layer.n_active == n
            post, pre = np.divmod(layer.keys(), layer.in_features)
            _, sizes = np.unique(post // 2 * 1000 + pre // 2, return_counts=True)
            assert (sizes == 4).all()
    assert rewirer.turnover.dropped == rewirer.turnover.grown == [64, 16]
    assert not np.array_equal(layers[0].keys(), before[0])


def test_blocks_refuse_what_does_not_fit() -> None:
    model = sparse_classifier([12, 20, 5], neuron=LIF(), n_active=[60, 20])
    state = copy.deepcopy(model.state_dict())
    with pytest.raises(ShapeError, match="shape: blocks of 2 x 2 do not divide a layer of 5 x 20"):
        arrange_in_blocks(model, (2, 2))
    assert all(
        torch.equal(a, b) for a, b in zip(state.values(), model.state_dict().values(), strict=True)
    )
    with pytest.raises(ParameterError, match="layers: no SparseLinear among them"):
        arrange_in_blocks(nn.Linear(2, 2), (1, 1))
