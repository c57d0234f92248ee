"""Our layers and snnTorch's in one network: the gradients of a dense masked twin, and training."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from neurosparse.network import LIF
from neurosparse.sparsify import deep_r
from neurosparse.train import LIFLayer, Rewirer, SparseLinear, SpikingLayer, atan
from tests.interop.snntorch_nets import random_spikes, snn
from tests.train.agreement import TOLERANCE, dense_of

N_STEPS, BATCH, SIZES = 14, 6, (12, 16, 5)
TARGETS = torch.arange(BATCH) % SIZES[2]
NEURON = LIF(du=1, dv=0.25, vth=0.75)


class Mixed(nn.Module):
    """Two connections, and two layers of neurons.

    ``ours`` says which are `LIFLayer`, run over all steps at once; the others are ``snn.Leaky``,
    run step by step.
    """

    def __init__(self, connections: list[nn.Module], ours: tuple[bool, bool]) -> None:
        super().__init__()
        self.connections = nn.ModuleList(connections)
        neurons: list[nn.Module] = []
        for connection, mine in zip(connections, ours, strict=True):
            layer = LIFLayer(connection.out_features, NEURON, atan())  # type: ignore[arg-type]
            # in time, "zero" of snn.Leaky is ours, late as it is, and not differentiated
            theirs = snn.Leaky(0.75, threshold=0.75, spike_grad=atan(), reset_mechanism="zero")
            neurons.append(layer if mine else theirs.to(connection.weight.dtype))  # type: ignore[arg-type]
        self.neurons = nn.ModuleList(neurons)

    def forward(self, x: Tensor) -> Tensor:
        for connection, neurons in zip(self.connections, self.neurons, strict=True):
            if isinstance(neurons, LIFLayer):
                x = neurons(connection(x))
                continue
            spikes, membrane = [], neurons.init_leaky()  # type: ignore[operator]
            for step in x:
                spike, membrane = neurons(connection(step), membrane)
                spikes.append(spike)
            x = torch.stack(spikes)
        return x


def rate_loss(spikes: Tensor) -> Tensor:
    return nn.functional.cross_entropy(10 * spikes.mean(dim=0), TARGETS)


def latency_loss(spikes: Tensor) -> Tensor:
    """A loss of one's own, that weighs spikes by when they come."""
    late = torch.linspace(0, 1, len(spikes), dtype=spikes.dtype)[:, None, None]
    wanted = nn.functional.one_hot(TARGETS, SIZES[2]).to(spikes.dtype)
    return ((1 - late) * (spikes - wanted) ** 2).mean() + 0.01 * spikes.pow(2).sum()


def functional_loss(spikes: Tensor) -> Tensor:
    from snntorch import functional

    loss: Tensor = functional.ce_rate_loss()(spikes, TARGETS)
    return loss


LOSSES = [rate_loss, latency_loss, functional_loss]
WHICH = {
    "snn.Leaky after SparseLinear": (False, False),
    "LIFLayer, then snn.Leaky": (True, False),
    "snn.Leaky, then LIFLayer": (False, True),
    "LIFLayer": (True, True),
}


def sparse_connections() -> list[SparseLinear]:
    return [
        SparseLinear(n_pre, n_post, density=0.4, gain=2, rng=seed)
        for seed, (n_pre, n_post) in enumerate(itertools.pairwise(SIZES))
    ]


def masked_twin(layer: SparseLinear) -> nn.Linear:
    """Return the dense layer of the same weights, whose zeros stay."""
    dense = nn.Linear(layer.in_features, layer.out_features, bias=False).to(layer.weight.dtype)
    dense.weight.data = dense_of(layer)
    mask = (dense.weight.data != 0).to(layer.weight.dtype)
    prune.custom_from_mask(dense, "weight", mask)
    return dense


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("ours", WHICH.values(), ids=WHICH.keys())
def test_gradients_of_the_dense_masked_twin(
    ours: tuple[bool, bool], loss: Callable[[Tensor], Tensor]
) -> None:
    connections = [layer.double() for layer in sparse_connections()]
    mixed = Mixed(connections, ours)
    twins = [masked_twin(layer) for layer in connections]
    dense = Mixed(twins, (False, False))
    x = random_spikes((N_STEPS, BATCH, SIZES[0]), seed=1)
    one, two = mixed(x), dense(x)
    assert torch.equal(one, two)
    assert 0.02 < one.mean() < 0.9
    loss(one).backward()
    loss(two).backward()
    rtol, atol = TOLERANCE[torch.float64]
    for sparse, twin in zip(connections, twins, strict=True):
        theirs = twin.weight_orig.grad.flatten()[sparse.keys()]
        assert theirs.abs().max() > 1e-6
        torch.testing.assert_close(sparse.weight.grad, theirs, rtol=rtol, atol=atol)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("ours", WHICH.values(), ids=WHICH.keys())
def test_a_few_steps_of_training(ours: tuple[bool, bool], loss: Callable[[Tensor], Tensor]) -> None:
    connections = sparse_connections()
    mixed = Mixed(connections, ours)
    optimizer = torch.optim.Adam(mixed.parameters(), lr=0.02)
    x = random_spikes((N_STEPS, BATCH, SIZES[0]), seed=1).float()
    keys = [layer.keys().tolist() for layer in connections]
    losses = train(mixed, optimizer, loss, x)
    assert losses[-1] < 0.98 * losses[0]
    assert [layer.keys().tolist() for layer in connections] == keys


def test_rewiring_among_neurons_of_snntorch() -> None:
    connections = sparse_connections()
    mixed = Mixed(connections, (False, False))
    optimizer = torch.optim.Adam(mixed.parameters(), lr=0.02)
    Rewirer(deep_r(l1=0.05, temperature=0), mixed, optimizer)
    x = random_spikes((N_STEPS, BATCH, SIZES[0]), seed=1).float()
    before = [layer.keys().tolist() for layer in connections]
    losses = train(mixed, optimizer, rate_loss, x)
    assert losses[-1] < 0.98 * losses[0]
    after = [layer.keys().tolist() for layer in connections]
    assert after != before
    assert [len(keys) for keys in after] == [len(keys) for keys in before]


def train(
    model: nn.Module, optimizer: torch.optim.Optimizer, loss: Callable[[Tensor], Tensor], x: Tensor
) -> list[float]:
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        value = loss(model(x))
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


def test_a_spiking_layer_between_layers_of_snntorch() -> None:
    """`SpikingLayer` takes the spikes that snn.Leaky gives; gradients pass through all three."""
    torch.manual_seed(0)
    first, last = nn.Linear(12, 10).double(), nn.Linear(8, 3).double()
    sparse = SparseLinear(10, 8, density=0.5, gain=2, rng=0).double()
    options: dict[str, Any] = {"spike_grad": atan(), "reset_mechanism": "zero", "threshold": 0.75}
    leaky = [snn.Leaky(0.75, **options).double() for _ in range(3)]
    x = random_spikes((N_STEPS, 4, 12), seed=3)
    weights = torch.rand(N_STEPS, 4, 3, generator=torch.Generator().manual_seed(2)).double()

    def stepped(connection: nn.Module, neurons: Any, spikes: Tensor) -> Tensor:
        membrane, out = neurons.init_leaky(), []
        for step in spikes:
            spike, membrane = neurons(connection(step), membrane)
            out.append(spike)
        return torch.stack(out)

    grads = []
    for middle in (
        SpikingLayer(sparse, LIFLayer(8, NEURON, atan())),
        lambda spikes: stepped(sparse, leaky[1], spikes),
    ):
        for layer in (first, sparse, last):
            layer.zero_grad()
        hidden = middle(stepped(first, leaky[0], x))
        (stepped(last, leaky[2], hidden) * weights).sum().backward()
        grads.append([layer.weight.grad.clone() for layer in (first, sparse, last)])
    for mine, theirs in zip(*grads, strict=True):
        assert theirs.abs().max() > 1e-6
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)
