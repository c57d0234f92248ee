"""Activity while training: events are counted as the simulator counts them, rates can be drawn."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

from neurosparse.errors import ParameterError
from neurosparse.network import LIF
from neurosparse.simulate import simulate
from neurosparse.train import (
    PackedSpikes,
    RateTarget,
    SpikingClassifier,
    dense_classifier,
    fit,
    sparse_classifier,
    synaptic_events,
)
from tests.train.agreement import digits
from tests.train.short_runs import RATE, adam, small_model


def spikes_of(model: SpikingClassifier, x: torch.Tensor) -> list[PackedSpikes]:
    trains: list[PackedSpikes] = []
    with torch.no_grad():
        model(x, into=trains)
    return trains


@pytest.mark.parametrize("recurrent_density", [None, 0.2])
def test_events_are_those_of_the_simulator(recurrent_density: float | None) -> None:
    model = sparse_classifier(
        [20, 30, 5], neuron=LIF(), density=0.3, recurrent_density=recurrent_density, gain=2
    )
    x = (torch.rand(9, 1, 20, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    network = model.to_network()
    # layers run over their own steps: let the last spikes arrive
    padded = np.concatenate([x[:, 0].numpy(), np.zeros((1, 20), np.float32)])
    run = simulate(network, {"input": padded})
    sent = {(p.source, p.target): run.activity.synaptic_events[p.name] for p in network.projections}
    trains = spikes_of(model, x)
    expected = sent["input", "hidden1"]
    # the hidden layer's step t is the run's step t + 1
    fan_out = sum(
        np.bincount(p.synapses.to_scipy().tocoo().col, minlength=30)
        for p in network.projections
        if p.source == "hidden1"
    )
    hidden = run.spikes["hidden1"].raster()[1:10].sum(axis=0)
    expected += int(hidden @ fan_out)
    assert synaptic_events(model, trains) == expected > 0


def test_a_dense_layer_sends_every_spike_everywhere() -> None:
    model = dense_classifier([4, 6, 3], neuron=LIF(vth=0.1), gain=2)
    trains = spikes_of(model, torch.ones(2, 3, 4))
    hidden = int(trains[1].counts.sum())
    assert synaptic_events(model, trains) == 2 * 3 * 4 * 6 + hidden * 3


def test_the_penalty_by_hand() -> None:
    hidden = torch.zeros(4, 2, 3)
    hidden[:, :, 0] = 1  # rates 1, 0.25, 0
    hidden[0, :, 1] = 1
    trains = [PackedSpikes.from_tensor(t) for t in (torch.ones(4, 2, 5), hidden, hidden)]
    errors = {"both": [0.5, -0.25, -0.5], "above": [0.5, 0, 0], "below": [0, -0.25, -0.5]}
    for side, error in errors.items():
        penalty = RateTarget(0.5, 3.0, side=side)(trains)  # type: ignore[arg-type]
        assert penalty.item() == pytest.approx(3 * np.mean(np.square(error)))


def test_rates_are_drawn_to_the_target() -> None:
    """Same start with and without; only the regulariser differs."""
    train, _ = digits(320, 1)
    rates, events = [], []
    for regularizers in ([], [RateTarget(0.02, 50.0, side="above")]):
        model = small_model()
        history = fit(
            model,
            train,
            encoding=RATE,
            optimizer=adam(0.02),
            regularizers=regularizers,
            epochs=5,
            progress=False,
        )
        x = torch.from_numpy(RATE.encode(train.images, np.random.default_rng(0)))
        hidden = spikes_of(model, x)[1]
        rates.append(float(hidden.counts.mean()) / hidden.n_steps)
        assert history.epochs[-1].events_per_sample is not None
        events.append(history.epochs[-1].events_per_sample)
    assert rates[1] < 0.5 * rates[0]
    assert events[1] < events[0]


def test_without_hidden_layers_there_is_nothing_to_draw() -> None:
    spikes = PackedSpikes.from_tensor(torch.ones(2, 1, 3))
    assert RateTarget(0.5)([spikes, spikes]).item() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": -0.1}, "target: got -0.1; allowed is 0 to 1 spikes per step"),
        ({"target": float("nan")}, "target: got nan"),
        ({"target": 0.1, "strength": 0}, "strength: got 0; allowed is > 0"),
        ({"target": 0.1, "side": "left"}, "side: got 'left'; allowed is 'both', 'above' or"),
    ],
)
def test_bad_targets(options: dict[str, float], message: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        RateTarget(**options)  # type: ignore[arg-type]


def test_regularizers_need_spikes() -> None:
    train, _ = digits(10, 1)
    with pytest.raises(ParameterError, match="regularizers: need the spikes of a SpikingClass"):
        fit(nn.Linear(64, 10), train, regularizers=[RateTarget(0.1)], progress=False)
