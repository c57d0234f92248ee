"""Making classifiers: shapes, seeds, what is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import nn

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import LIF
from neurosparse.train import (
    LIFLayer,
    PackedSpikes,
    SparseLinear,
    SpikingClassifier,
    SpikingLayer,
    dense_ann,
    dense_classifier,
    sparse_classifier,
)
from tests.train.agreement import assert_same_state


def test_shapes_and_counts() -> None:
    model = sparse_classifier([8, 6, 3], neuron=LIF(), density=0.25)
    assert model.sizes == (8, 6, 3)
    assert [layer.connection.n_active for layer in model.layers] == [12, 4]
    x = torch.ones(5, 2, 8)
    assert [train.shape for train in model.spikes(x)] == [(5, 2, 8), (5, 2, 6), (5, 2, 3)]
    assert model(x).shape == (2, 3)
    exact = sparse_classifier([8, 6, 3], neuron=LIF(), n_active=[7, 18])
    assert [layer.connection.n_active for layer in exact.layers] == [7, 18]
    ann = dense_ann([8, 6, 3])
    assert ann(torch.ones(2, 8)).shape == (2, 3)
    assert [layer.bias is not None for layer in ann if isinstance(layer, nn.Linear)] == [True, True]


def test_logits_are_ten_times_the_rate() -> None:
    model = sparse_classifier([3, 2], neuron=LIF(du=1, dv=1, vth=0.5), density=1)
    with torch.no_grad():
        model.layers[0].connection.weight[:] = torch.tensor([1.0, 1, 1, -1, -1, -1])
    x = torch.zeros(4, 1, 3)
    x[1] = 1
    assert model(x).tolist() == [[2.5, 0.0]]


@pytest.mark.parametrize("make", [sparse_classifier, dense_classifier, dense_ann])
def test_same_seed_same_model(make: Any) -> None:
    options: dict[str, Any] = {} if make is dense_ann else {"neuron": LIF()}
    if make is sparse_classifier:
        options["density"] = 0.3
    one, two, other = (make([9, 8, 4], rng=seed, **options).state_dict() for seed in (1, 1, 2))
    assert_same_state(one, two)
    assert any(not torch.equal(one[name], other[name]) for name in one if "weight" in name)


BAD: list[tuple[Sequence[int], dict[str, Any], str]] = [
    ([8], {"density": 0.5}, "sizes: got [8]; expected at least two, every one >= 1"),
    ([8, 0], {"density": 0.5}, "sizes: got [8, 0]; expected at least two"),
    ([8, 3], {"density": 0}, "density: got 0; allowed is 0 < value <= 1"),
    ([8, 3], {"density": 1.5}, "density: got 1.5; allowed is 0 < value <= 1"),
    ([8, 3], {"density": float("nan")}, "density: got nan; allowed is 0 < value <= 1"),
    ([8, 3], {"n_active": [25]}, "n_active: got 25; allowed is a whole number, 1 to 24"),
    ([8, 3], {"n_active": [5, 5]}, "n_active: got 2 numbers for 1 layers"),
    ([8, 3], {}, "density, n_active: give exactly one of them"),
    ([8, 3], {"n_active": [5], "density": 0.1}, "density, n_active: give exactly one of them"),
]


@pytest.mark.parametrize(("sizes", "options", "message"), BAD, ids=lambda value: str(value)[:25])
def test_bad_arguments(sizes: Sequence[int], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        sparse_classifier(sizes, neuron=LIF(), **options)


def layer(n_pre: int, n_post: int) -> SpikingLayer:
    return SpikingLayer(SparseLinear(n_pre, n_post, density=0.5), LIFLayer(n_post, LIF()))


def test_layers_that_do_not_fit() -> None:
    with pytest.raises(ParameterError, match="layers: got none; expected at least one"):
        SpikingClassifier([])
    with pytest.raises(ParameterError, match=r"layers: got Linear.* expected SpikingLayer"):
        SpikingClassifier([nn.Linear(4, 3)])  # type: ignore[list-item]
    with pytest.raises(ShapeError, match="follows a layer of 3"):
        SpikingClassifier([layer(4, 3), layer(2, 2)])
    with pytest.raises(ShapeError, match="follows a layer of 5"):
        SpikingClassifier([layer(4, 3)], input_neurons=LIFLayer(5, LIF()))


def test_input_neurons_stand_alone() -> None:
    own = LIFLayer(4, LIF(), recurrent=SparseLinear(4, 4, density=0.5))
    with pytest.raises(ParameterError, match="input_neurons: have connections of their own"):
        SpikingClassifier([layer(4, 3)], input_neurons=own)


def test_currents_and_spikes_are_not_confused() -> None:
    currents = SpikingClassifier([layer(4, 3)], input_neurons=LIFLayer(4, LIF()))
    with pytest.raises(ParameterError, match="this network's input neurons want currents"):
        currents(PackedSpikes.from_tensor(torch.ones(2, 1, 4)))
    with pytest.raises(ParameterError, match="got numbers other than 0 and 1; graded input"):
        SpikingClassifier([layer(4, 3)])(torch.full((2, 1, 4), 0.5))


def test_recurrent_layers_reach_the_network() -> None:
    model = sparse_classifier([6, 8, 7, 3], neuron=LIF(), density=0.5, recurrent_density=0.25)
    net = model.to_network()
    assert [(p.source, p.target, p.synapses.n_active) for p in net.projections] == [
        ("input", "hidden1", 24),
        ("hidden1", "hidden1", 16),
        ("hidden1", "hidden2", 28),
        ("hidden2", "hidden2", 12),
        ("hidden2", "output", 10),
    ]
