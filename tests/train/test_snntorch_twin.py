"""The dense twin in plain snnTorch: the same weights give the same spikes."""

from __future__ import annotations

import re
import sys

import pytest
import torch
from torch import nn

from neurosparse.errors import BackendMissingError, ParameterError
from neurosparse.network import LIF
from neurosparse.train import SnnTorchClassifier, SpikingClassifier, dense_classifier

SIZES = (12, 9, 5)
NEURONS = {
    "Leaky, zero": LIF(du=1, dv=0.25, vth=1),
    "Leaky, subtract": LIF(du=1, dv=0.25, vth=1, reset="subtract"),
    "Leaky, no leak": LIF(du=1, dv=0, vth=1.5),
    "Synaptic, zero": LIF(du=0.5, dv=0.25, vth=1),
    "Synaptic, subtract": LIF(du=0.5, dv=0.25, vth=1, reset="subtract"),
}


def twins(neuron: LIF) -> tuple[SpikingClassifier, SnnTorchClassifier]:
    """Return both with the same weights.

    These are multiples of 1/256, so that no product with spikes is rounded, and no membrane passes
    twice the threshold (see `SnnTorchClassifier` for why that matters): what arrives in a step is
    at most the threshold, or half of it where the synaptic current keeps half of itself.
    """
    ours = dense_classifier(SIZES, neuron=neuron, rng=3)
    theirs = SnnTorchClassifier(SIZES, neuron)
    most = neuron.vth * neuron.decays_u[0]
    for layer, other in zip(ours.layers, theirs.linears, strict=True):
        mine = layer.connection
        assert isinstance(mine, nn.Linear)
        assert isinstance(other, nn.Linear)
        excitation = mine.weight.data.clamp(min=0)
        inhibition = mine.weight.data.clamp(max=0) / 4
        weights = most * (excitation + inhibition) / excitation.sum(dim=1, keepdim=True)
        mine.weight.data = torch.floor(256 * weights) / 256
        other.weight.data = mine.weight.data.clone()
    return ours, theirs


@pytest.mark.parametrize("neuron", NEURONS.values(), ids=NEURONS.keys())
def test_same_weights_same_spikes(neuron: LIF) -> None:
    pytest.importorskip("snntorch")
    ours, theirs = twins(neuron)
    x = (torch.rand(20, 6, SIZES[0], generator=torch.Generator().manual_seed(1)) < 0.8).float()
    mine, other = ours.spikes(x)[-1].to_tensor(), theirs.spikes(x)
    assert torch.equal(mine, other)
    assert 0.03 < mine.mean() < 0.8
    assert torch.equal(ours(x), theirs(x))


@pytest.mark.parametrize(
    ("reset", "ours", "theirs"),
    [("zero", [1, 0, 0, 0], [1, 0, 0, 0]), ("subtract", [1, 1, 1, 0], [1, 1, 0, 0])],
)
def test_where_the_conventions_part(reset: str, ours: list[int], theirs: list[int]) -> None:
    """One jump far past twice the threshold; holds down what the docstring says of snnTorch."""
    pytest.importorskip("snntorch")
    neuron = LIF(du=1, dv=0, vth=1, reset=reset)  # type: ignore[arg-type]
    models = dense_classifier([1, 1], neuron=neuron), SnnTorchClassifier([1, 1], neuron)
    x = torch.tensor([1.0, 0, 0, 0]).reshape(4, 1, 1)
    for model in models:
        for parameter in model.parameters():
            parameter.data[:] = 3.5
    assert models[0].spikes(x)[-1].to_tensor().flatten().tolist() == ours
    assert models[1].spikes(x).flatten().tolist() == theirs


@pytest.mark.parametrize(
    ("neuron", "message"),
    [
        (LIF(bias=0.1), "snnTorch has no bias and resets to 0"),
        (LIF(v_reset=-1), "snnTorch has no bias and resets to 0"),
        (LIF(refractory=1), "no refractory period"),
        (LIF(du=(0.5, 0.5)), "snnTorch twins have one receptor"),
        (LIF(dv=[0.1] * 5), "shared parameters"),
    ],
)
def test_what_snntorch_does_not_have(neuron: LIF, message: str) -> None:
    pytest.importorskip("snntorch")
    with pytest.raises(ParameterError, match=message):
        SnnTorchClassifier(SIZES, neuron)


def test_missing_snntorch_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snntorch", None)
    with pytest.raises(BackendMissingError, match=re.escape("pip install 'neurosparse[interop]'")):
        SnnTorchClassifier(SIZES, LIF())
