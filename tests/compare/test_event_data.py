"""Networks on recorded events: the same counts as on their raster, whatever the pieces."""

from __future__ import annotations

import numpy as np
import pytest

from neurosparse.compare import evaluate, evaluate_dataset, measure_network
from neurosparse.data import Encoding, EventDataset
from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import LIF, Network, Population, Projection, Synapses

ENCODING = Encoding("events", n_steps=6, step_us=10)


@pytest.fixture
def data(rng: np.random.Generator) -> EventDataset:
    n, per_sample = 230, 25  # more samples than are encoded at once
    times = np.sort(rng.integers(0, 70, (n, per_sample)), axis=1).ravel()
    addresses = rng.integers(0, 24, n * per_sample)
    starts = np.arange(n + 1) * per_sample
    return EventDataset("noise", times, addresses, starts, rng.integers(0, 3, n), 3, (2, 3, 4))


def network(n_in: int = 24) -> Network:
    synapses = Synapses.random(n_in, 3, density=0.5, weights=0.4, rng=np.random.default_rng(1))
    populations = {"in": Population(n_in), "out": Population(3, LIF(dv=0.1, vth=1.0))}
    return Network(populations, [Projection("in", "out", synapses)])


def test_pieces_count_as_the_whole(data: EventDataset) -> None:
    raster = ENCODING.encode(data)
    got = evaluate_dataset(network(), data, ENCODING)
    expected = evaluate(network(), raster, data.labels)
    np.testing.assert_array_equal(got.counts, expected.counts)
    assert (got.accuracy, got.activity) == (expected.accuracy, expected.activity)
    assert got.activity.spikes["in"] == raster.sum()
    assert got.counts.any()
    cost = measure_network("snn", network(), data, ENCODING)
    assert cost.accuracy is not None
    assert cost.accuracy.value == expected.accuracy


def test_what_does_not_fit_is_named(data: EventDataset) -> None:
    with pytest.raises(ShapeError, match="encoded: got shape"):
        evaluate_dataset(network(23), data, ENCODING)
    with pytest.raises(ParameterError, match="kind 'rate' takes images"):
        evaluate_dataset(network(), data, Encoding("rate", n_steps=6))
