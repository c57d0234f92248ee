"""Counts of ANN and SNN, and bytes."""

import numpy as np
import pytest
from hypothesis import given

from neurosparse.compare import count_ann, count_snn, network_bytes
from neurosparse.errors import ParameterError
from neurosparse.network import (
    LIF,
    Activity,
    FixedPointLIF,
    Network,
    Population,
    Projection,
    Synapses,
)
from tests.strategies.exact import feed_forward_networks


def two_layers(weights=1.0, dtype=np.float32, neuron=None):
    neuron = neuron or LIF()
    first = Synapses.from_edges([0, 1, 3], [0, 0, 1], weights, n_pre=4, n_post=2, dtype=dtype)
    second = Synapses.all_to_all(np.ones((3, 2)), dtype=dtype)
    return Network(
        {"in": Population(4), "hidden": Population(2, neuron), "out": Population(3, neuron)},
        [Projection("in", "hidden", first), Projection("hidden", "out", second)],
    )


def activity(**changes):
    fields = {
        "n_steps": 50,
        "spikes": {"in": 80, "hidden": 10, "out": 15},
        "synaptic_events": {"in->hidden": 60, "hidden->out": 30},
        "neuron_updates": {"hidden": 100, "out": 150},
    }
    return Activity(**{**fields, **changes})


def test_an_snn_by_hand():
    cost = count_snn("s", two_layers(), activity(), n_samples=5, accuracy=0.8)
    assert cost.kind == "snn"
    assert cost.accuracy.value == 0.8
    assert (cost.synapses.value, cost.potential_synapses.value) == (9, 14)
    assert cost.connection_sparsity.value == pytest.approx(5 / 14)
    assert cost.synaptic_events_per_inference.value == 18
    assert cost.neuron_updates_per_inference.value == 50
    assert cost.macs_per_inference.value == 0
    # 25 of 5 neurons x 50 steps; 80 of 4 lines x 50 steps
    assert cost.activity_sparsity.value == pytest.approx(1 - 25 / 250)
    assert cost.input_sparsity.value == pytest.approx(1 - 80 / 200)
    marks = {
        name: getattr(cost, name).mark
        for name in ("accuracy", "synapses", "synaptic_events_per_inference", "parameter_bytes")
    }
    assert marks == {
        "accuracy": "measured",
        "synapses": "counted",
        "synaptic_events_per_inference": "counted",
        "parameter_bytes": "counted",
    }
    assert cost.energy_joule is None


def test_a_network_driven_by_currents_has_no_input_sparsity():
    synapses = Synapses.all_to_all(np.ones((2, 2)))
    network = Network(
        {"in": Population(2, LIF()), "out": Population(2, LIF())},
        [Projection("in", "out", synapses)],
    )
    seen = Activity(10, {"in": 4, "out": 2}, {"in->out": 8}, {"in": 20, "out": 20})
    cost = count_snn("s", network, seen, n_samples=1, accuracy=1)
    assert cost.input_sparsity is None
    assert cost.activity_sparsity.value == pytest.approx(1 - 6 / 40)


def test_several_synapses_of_a_pair_are_one_connection():
    # 0 -> 0 three times and 1 -> 1 once, of 4 pairs
    edges = [0, 0, 0, 1], [0, 0, 0, 1], [1.0, 2.0, 3.0, 4.0]
    synapses = Synapses.from_edges(*edges, n_pre=2, n_post=2, multapses=True)
    network = Network(
        {"in": Population(2), "out": Population(2, LIF())}, [Projection("in", "out", synapses)]
    )
    seen = Activity(10, {"in": 4, "out": 2}, {"in->out": 8}, {"out": 20})
    cost = count_snn("s", network, seen, n_samples=1, accuracy=1)
    assert (cost.synapses.value, cost.potential_synapses.value) == (4, 4)
    assert cost.connection_sparsity.value == 0.5
    # 3 row pointers of 8, 4 targets of 2, 4 weights of 4; a full matrix of 16 cannot hold them
    assert cost.parameter_bytes.value == 24 + 8 + 16


def test_bytes_by_hand():
    # sparse: 3 row pointers of 8, 3 indices of 4, 3 weights of 4 = 48, but a full 2x4 takes 32
    # full: 3x2 weights of 4 = 24
    assert network_bytes(two_layers()) == 32 + 24
    assert network_bytes(two_layers(2, np.int16, FixedPointLIF())) == 16 + 12
    with_vectors = two_layers()
    vector = LIF(vth=np.ones(2), bias=np.zeros(2))
    populations = {**with_vectors.populations, "hidden": Population(2, vector)}
    assert network_bytes(Network(populations, with_vectors.projections)) == 32 + 24 + 2 * 2 * 4
    big = Synapses.random(1000, 100, density=0.01, rng=np.random.default_rng(0))
    network = Network(
        {"in": Population(1000), "out": Population(100, LIF())}, [Projection("in", "out", big)]
    )
    assert network_bytes(network) == 1001 * 8 + 1000 * 2 + 4  # by presynaptic row, one weight


@given(feed_forward_networks(max_delay=3))
def test_bytes_never_exceed_either_layout(network):
    stored = network_bytes(network)
    vectors = 4 * sum(
        np.size(value)
        for population in network.populations.values()
        if population.neuron is not None
        for value in vars(population.neuron).values()
        if isinstance(value, np.ndarray)
    )
    assert stored <= network.n_bytes + vectors
    assert stored <= 5 * network.n_potential_synapses + vectors


def test_an_ann_by_hand():
    cost = count_ann("a", [64, 100, 10], accuracy=0.97, activation_zeros=0.4)
    assert cost.macs_per_inference.value == cost.synapses.value == 64 * 100 + 100 * 10
    assert cost.potential_synapses == cost.synapses
    assert cost.connection_sparsity.value == 0
    assert cost.parameter_bytes.value == 4 * (7400 + 110)
    assert cost.synaptic_events_per_inference.value == 0
    assert cost.neuron_updates_per_inference.value == 0
    assert (cost.activity_sparsity.value, cost.activity_sparsity.mark) == (0.4, "measured")
    assert count_ann("a", [2, 2], accuracy=1).activity_sparsity is None
    assert count_ann("a", [2, 2], accuracy=1, n_bytes=7).parameter_bytes.value == 7


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"layer_sizes": [3]}, r"layer_sizes: got \[3\]; expected at least inputs and classes"),
        ({"layer_sizes": [3, 0]}, "layer_sizes: got 0"),
        ({"accuracy": 1.1}, "accuracy: got 1.1"),
        ({"accuracy": float("nan")}, "accuracy: got nan"),
        ({"n_bytes": -1}, "n_bytes: got -1"),
        ({"activation_zeros": 2}, "activation_zeros: got 2"),
        ({"name": ""}, "name: got none"),
    ],
)
def test_bad_ann_numbers_are_named(arguments, match):
    with pytest.raises(ParameterError, match=match):
        count_ann(**{"name": "a", "layer_sizes": [3, 2], "accuracy": 0.5, **arguments})


def test_bad_snn_numbers_are_named():
    network = two_layers()
    with pytest.raises(ParameterError, match="n_samples: got 0"):
        count_snn("s", network, activity(), n_samples=0, accuracy=0.5)
    with pytest.raises(ParameterError, match="accuracy: got 97"):
        count_snn("s", network, activity(), n_samples=1, accuracy=97)
    foreign = activity(spikes={"in": 1, "x": 2})
    with pytest.raises(ParameterError, match="activity: counted on another network"):
        count_snn("s", network, foreign, n_samples=1, accuracy=0.5)
