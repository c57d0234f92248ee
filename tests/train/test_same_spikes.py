"""Contract 1: what a trained classifier spikes, the event-driven simulator spikes, exactly."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from neurosparse.network import LIF
from neurosparse.simulate import simulate
from neurosparse.sparsify import deep_r
from neurosparse.train import (
    LIFLayer,
    Rewirer,
    SparseLinear,
    SpikingClassifier,
    SpikingLayer,
    dense_classifier,
    sparse_classifier,
)
from tests.train.neurons import neurons

N_STEPS, BATCH = 12, 5


def simulated(model: SpikingClassifier, x: Tensor) -> list[Tensor]:
    """Run all samples back to back and cut every layer's spikes into (n_steps, batch, size)."""
    network = model.to_network()
    n_steps, batch, width = x.shape
    flat = x.movedim(1, 0).reshape(batch * n_steps, width).numpy()
    padded = np.concatenate([flat, np.zeros((network.latency, width), flat.dtype)])
    run = simulate(network, {"input": padded}, reset_every=n_steps)
    trains = []
    for name, depth in network.depths.items():
        raster = run.spikes[name].raster()[depth : depth + batch * n_steps]
        trains.append(torch.from_numpy(raster.reshape(batch, n_steps, -1)).movedim(1, 0).float())
    return trains


def trained(model: SpikingClassifier, x: Tensor) -> list[Tensor]:
    """Run the trainer's forward pass; the sample's ``t`` is the run's ``t + depth``."""
    with torch.no_grad():
        return [train.to_tensor() for train in model.spikes(x)]


def same(ours: list[Tensor], theirs: list[Tensor]) -> bool:
    """Whether every spike of every layer is there, at its step."""
    return all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@given(
    neurons(),
    st.lists(st.integers(2, 20), min_size=2, max_size=4),
    st.floats(0.2, 1.0),
    st.integers(0, 2**31),
)
def test_spike_input(neuron: LIF, sizes: list[int], density: float, seed: int) -> None:
    model = sparse_classifier(sizes, neuron=neuron, density=density, gain=2.0, rng=seed)
    generator = torch.Generator().manual_seed(seed)
    x = (torch.rand(N_STEPS, BATCH, sizes[0], generator=generator) < 0.3).float()
    assert same(trained(model, x), simulated(model, x))


@given(
    neurons(),
    st.floats(0.1, 1.0),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 2**31),
)
def test_recurrent_layers_and_delays(
    neuron: LIF, density: float, delay: int, own_delay: int, seed: int
) -> None:
    """The simulator adds every spike as it arrives, and so do we: no sum may round differently."""
    # before a sample reaches a population, only its bias acts; here the sample is all there is
    neuron = dataclasses.replace(neuron, bias=0.0)
    rng = np.random.default_rng(seed)
    layers = []
    for n_pre, n_post in ((12, 15), (15, 8)):
        recurrent = SparseLinear(n_post, n_post, density=density, gain=1.5, rng=rng)
        neurons = LIFLayer(n_post, neuron, recurrent=recurrent, recurrent_delay=own_delay)
        connection = SparseLinear(n_pre, n_post, density=density, gain=2, rng=rng)
        layers.append(SpikingLayer(connection, neurons, delay=delay))
    model = SpikingClassifier(layers)
    generator = torch.Generator().manual_seed(seed)
    x = (torch.rand(N_STEPS, BATCH, 12, generator=generator) < 0.3).float()
    trains = trained(model, x)
    network = model.to_network()
    for b in range(BATCH):
        # one by one: with delays a sample would reach into the next
        padded = np.concatenate([x[:, b].numpy(), np.zeros((network.latency, 12), np.float32)])
        run = simulate(network, {"input": padded})
        for index, name in enumerate(network.populations):
            raster = run.spikes[name].raster()[index : index + N_STEPS]
            np.testing.assert_array_equal(raster, trains[index][:, b].numpy())


@given(neurons(), neurons(), st.integers(0, 2**31))
def test_current_input(first: LIF, neuron: LIF, seed: int) -> None:
    model = sparse_classifier(
        [15, 20, 6], neuron=neuron, input_neuron=first, density=0.4, gain=2.0, rng=seed
    )
    x = torch.rand(N_STEPS, BATCH, 15, generator=torch.Generator().manual_seed(seed))
    assert same(trained(model, x), simulated(model, x))


def test_a_busy_network_of_some_size() -> None:
    model = sparse_classifier(
        [64, 256, 128, 10],
        neuron=LIF(du=1, dv=0.1, vth=1),
        input_neuron=LIF(du=1, dv=0, vth=1),
        n_active=[1700, 2900, 440],
        gain=2,
        rng=1,
    )
    x = 0.5 * torch.rand(25, 1, 64, generator=torch.Generator().manual_seed(2)).expand(-1, 10, -1)
    x = x.contiguous()
    trains = trained(model, x)
    assert same(trains, simulated(model, x))
    for train in trains:
        assert 0.01 < train.mean() < 0.9


def test_after_training_with_rewiring() -> None:
    model = sparse_classifier([10, 14, 4], neuron=LIF(du=0.4, dv=0.1), density=0.4, gain=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    Rewirer(deep_r(l1=0.1, temperature=1e-3), model, optimizer)
    x = (torch.rand(N_STEPS, BATCH, 10, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    before = model.to_network()
    for _ in range(20):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), torch.arange(BATCH) % 4).backward()
        optimizer.step()
    assert same(trained(model, x), simulated(model, x))
    after = model.to_network()
    assert any(
        not np.array_equal(a.synapses.indices, b.synapses.indices)
        for a, b in zip(before.projections, after.projections, strict=True)
    )


def test_the_dense_twin() -> None:
    """torch may add in any order: weights are multiples of 1/64, so that no sum is rounded."""
    model = dense_classifier([20, 15, 6], neuron=LIF(du=0.5, dv=0.5), gain=2.0)
    for layer in model.layers:
        layer.connection.weight.data = torch.round(64 * layer.connection.weight.data) / 64
    x = (torch.rand(6, BATCH, 20, generator=torch.Generator().manual_seed(1)) < 0.4).float()
    trains = trained(model, x)
    assert same(trains, simulated(model, x))
    assert 0.05 < trains[-1].mean() < 0.9


@pytest.mark.parametrize("make", [sparse_classifier, dense_classifier])
def test_the_exported_network_is_a_copy(make: object) -> None:
    assert callable(make)
    options = {"density": 0.5} if make is sparse_classifier else {}
    model = make([4, 5, 3], neuron=LIF(), **options)
    network = model.to_network()
    before = [projection.synapses.weights.copy() for projection in network.projections]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1
    for weights, projection in zip(before, network.projections, strict=True):
        np.testing.assert_array_equal(projection.synapses.weights, weights)
