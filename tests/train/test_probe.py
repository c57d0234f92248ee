"""Gradients of dormant synapses: the largest of the dense gradient, whatever the layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import neurosparse.train.probe as probe_module
from neurosparse import LIF
from neurosparse.errors import ParameterError
from neurosparse.sparsify import rigl
from neurosparse.train import LIFLayer, Rewirer, SparseLinear, SpikingLayer, atan
from neurosparse.train.probe import GradientProbe


def filled(layer: SparseLinear) -> SparseLinear:
    """Return the full layer that computes the same: dormant synapses have weight 0."""
    full = SparseLinear(layer.in_features, layer.out_features, density=1.0)
    weights = torch.zeros(layer.n_potential)
    weights[layer.keys()] = layer.weight.detach()
    full.set_weights(weights)
    return full


def largest_dormant(full: SparseLinear, layer: SparseLinear, n: int) -> NDArray[Any]:
    """Return sizes of the largest gradients outside the layer's synapses, descending."""
    assert full.weight.grad is not None
    sizes = np.delete(full.weight.grad.abs().numpy(), layer.keys())
    return -np.sort(-sizes)[:n]


def differences(
    probe: GradientProbe, full: SparseLinear, layer: SparseLinear, n: int
) -> dict[str, Any]:
    """Return where the probe's find differs from the dense gradient by more than rounding."""
    found = probe.found()
    if found is None:
        return {"found": None}
    keys, sizes = found
    expected = largest_dormant(full, layer, n)
    if not keys.shape == sizes.shape == expected.shape:
        return {"shapes": (keys.shape, sizes.shape, expected.shape)}
    assert full.weight.grad is not None
    own = full.weight.grad.abs().numpy()[keys]
    unique, counts = np.unique(keys, return_counts=True)
    descending = -np.sort(-sizes)
    differing = {
        "not dormant": keys[np.isin(keys, layer.keys())],
        "found twice": unique[counts > 1],
        "not the largest": (descending - expected)[apart(descending, expected)],
        "not the key's own": (sizes - own)[apart(sizes, own)],
    }
    return {name: values for name, values in differing.items() if values.size}


def apart(found: NDArray[Any], expected: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where numbers differ by more than rounding."""
    return ~np.isclose(found, expected, rtol=1e-4, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("block", [1, 37, 1 << 18])
@pytest.mark.parametrize(("density", "n"), [(0.1, 5), (0.1, 500), (0.9, 7)])
def test_a_linear_layer(
    monkeypatch: pytest.MonkeyPatch, block: int, density: float, n: int
) -> None:
    monkeypatch.setattr(probe_module, "_BLOCK", block)
    layer = SparseLinear(12, 9, density=density, rng=1)
    full = filled(layer)
    x = torch.randn(20, 12, generator=torch.Generator().manual_seed(0))
    y = torch.randn(20, 9, generator=torch.Generator().manual_seed(1))
    layer.probe = GradientProbe(n)
    for module in (layer, full):
        ((module(x) - y) ** 2).mean().backward()
    assert not differences(layer.probe, full, layer, n)


@pytest.mark.parametrize("n_passes", [1, 3])
def test_a_layer_used_in_a_loop_over_time(n_passes: int) -> None:
    """The gradient is the sum over uses and over backward passes, as ``weight.grad`` is."""
    layer = SparseLinear(12, 9, density=0.2, rng=1)
    full = filled(layer)
    generator = torch.Generator().manual_seed(0)
    xs = torch.randn(n_passes, 5, 8, 12, generator=generator)
    y = torch.randn(8, 9, generator=generator)
    layer.probe = GradientProbe(20)
    for module in (layer, full):
        for x in xs:
            state = torch.zeros(8, 9)
            for step in x:
                state = torch.tanh(0.5 * state + module(step))
            ((state - y) ** 2).mean().backward()
    assert not differences(layer.probe, full, layer, 20)


def test_a_probe_can_be_asked_again() -> None:
    layer = SparseLinear(12, 9, density=0.2, rng=1)
    layer.probe = GradientProbe(20)
    assert layer.probe.found() is None
    layer(torch.ones(2, 12)).sum().backward()
    first, again = layer.probe.found(), layer.probe.found()
    assert first is not None
    assert again is not None
    assert first[0].tolist() == again[0].tolist()
    assert first[1].tolist() == again[1].tolist()


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("checkpoint_steps", [None, 3])
def test_spiking_layers(*, recurrent: bool, checkpoint_steps: int | None) -> None:
    """Of the connection and of the neurons' own, delays included."""
    connection = SparseLinear(14, 10, density=0.2, gain=3.0, rng=1)
    own = SparseLinear(10, 10, density=0.3, gain=1.0, rng=2) if recurrent else None
    x = (torch.rand(12, 5, 14, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    target = torch.rand(12, 5, 10, generator=torch.Generator().manual_seed(1))

    def run(first: SparseLinear, second: SparseLinear | None) -> None:
        neurons = LIFLayer(
            10,
            LIF(du=0.5, dv=0.2),
            atan(2.0),
            recurrent=second,
            recurrent_delay=2,
            checkpoint_steps=checkpoint_steps,
        )
        (SpikingLayer(first, neurons, delay=2)(x) * target).sum().backward()

    full = filled(connection)
    full_own = None if own is None else filled(own)
    run(full, full_own)
    pairs = [(connection, full), *([(own, full_own)] if own and full_own else [])]
    for layer, _ in pairs:
        layer.probe = GradientProbe(8)
    run(connection, own)
    for layer, twin in pairs:
        assert layer.probe is not None
        assert not differences(layer.probe, twin, layer, 8)


def test_a_probe_is_there_only_when_an_exchange_is_due() -> None:
    layer = SparseLinear(12, 9, density=0.2, rng=1)
    optimizer = torch.optim.SGD([layer.weight], lr=0.1)
    rewirer = Rewirer(rigl(n_steps=20, every=3, until=0.5), layer, optimizer)
    there = []
    for _ in range(14):
        there.append(layer.probe is not None)
        optimizer.zero_grad()
        (layer(torch.ones(4, 12)) ** 2).sum().backward()
        optimizer.step()
    assert np.flatnonzero(there).tolist() == [2, 5, 8]  # every third, in the first ten steps
    layer.probe = GradientProbe(1)
    rewirer.remove()
    assert layer.probe is None


def test_growth_needs_a_backward_pass() -> None:
    layer = SparseLinear(12, 9, density=0.2, rng=1)
    optimizer = torch.optim.SGD([layer.weight], lr=0.1)
    Rewirer(rigl(n_steps=10, every=1, share=0.5), layer, optimizer)
    layer.weight.grad = torch.zeros_like(layer.weight)
    with pytest.raises(ParameterError, match="grow: LargestGradient needs the gradients of dorm"):
        optimizer.step()
