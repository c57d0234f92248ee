"""Evaluation over a test set against a slow reference, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.compare import evaluate
from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import LIF, FixedPointLIF, Network, Population, Projection, Synapses
from neurosparse.simulate import simulate
from tests.compare.reference import evaluate_densely
from tests.strategies.exact import feed_forward_networks, recurrent_networks

N_STEPS = 6


def chain(delays=(1, 1), sizes=(3, 4, 2), bias=0.0):
    rng = np.random.default_rng(6)  # some spikes reach the end of every chain
    populations = {"in": Population(sizes[0])}
    projections = []
    names = ["in", *(f"l{i}" for i in range(1, len(sizes)))]
    for i, (name, size) in enumerate(zip(names[1:], sizes[1:], strict=True)):
        populations[name] = Population(size, LIF(du=0.5, dv=0.5, vth=1.0, bias=bias))
        synapses = Synapses.random(
            sizes[i], size, density=0.7, weights=lambda r, n: r.integers(-8, 17, n) / 8, rng=rng
        )
        projections.append(Projection(names[i], name, synapses, delay=delays[i]))
    return Network(populations, projections)


@st.composite
def tasks(draw, networks):
    network = draw(networks)
    n_samples = draw(st.integers(1, 7))
    n_in = network.populations[network.inputs[0]].size
    n_out = network.populations[network.outputs[0]].size
    bits = draw(st.lists(st.booleans(), min_size=1, max_size=64))
    encoded = np.resize(np.array(bits, dtype=np.uint8), (N_STEPS, n_samples, n_in))
    labels = draw(st.lists(st.integers(0, n_out - 1), min_size=n_samples, max_size=n_samples))
    return network, encoded, np.array(labels)


@given(tasks(feed_forward_networks()), st.integers(1, 8))
def test_all_counts_equal_a_dense_recount(task, batch):
    network, encoded, labels = task
    got = evaluate(network, encoded, labels, batch=batch, dtype=np.float64)
    expected = evaluate_densely(network, encoded)
    np.testing.assert_array_equal(got.counts, expected.counts)
    assert got.activity.spikes == expected.spikes
    assert got.activity.synaptic_events == expected.synaptic_events
    n_samples = len(labels)
    assert (got.n_samples, got.n_steps) == (n_samples, N_STEPS)
    assert got.activity.n_steps == N_STEPS * n_samples
    assert got.activity.neuron_updates == {
        name: population.size * N_STEPS * n_samples
        for name, population in network.populations.items()
        if population.neuron is not None
    }
    first_most = [row.tolist().index(row.max()) for row in expected.counts]
    assert got.predictions.tolist() == first_most
    assert got.accuracy == pytest.approx(np.mean(np.array(first_most) == labels))
    assert got.n_silent == sum(not row.any() for row in expected.counts)


@pytest.mark.parametrize("delays", [(1, 1, 1), (3, 1, 2), (5, 9, 7)])
@pytest.mark.parametrize("bias", [0.0, 0.75])
def test_long_delays_and_biases_leak_into_no_other_sample(delays, bias, rng):
    # with these biases neurons spike by themselves in every step that nobody should count
    network = chain(delays, (3, 4, 5, 2), bias)
    encoded = (rng.random((4, 9, 3)) < 0.5).astype(np.uint8)
    expected = evaluate_densely(network, encoded)
    for batch in (1, 4, 128):
        got = evaluate(network, encoded, np.zeros(9, int), batch=batch)
        np.testing.assert_array_equal(got.counts, expected.counts)
        assert got.activity.synaptic_events == expected.synaptic_events
        assert got.activity.spikes == expected.spikes
    assert expected.spikes["l3"] > 0


def test_the_raw_run_counts_more_which_is_why_windows_are_needed():
    network = chain(bias=1.5)
    encoded = np.ones((4, 3, 3), dtype=np.uint8)
    stream = encoded.swapaxes(0, 1).reshape(12, 3)
    raw = simulate(network, {"in": stream}, 12 + network.latency, reset_every=4).activity
    own = evaluate(network, encoded, np.zeros(3, int)).activity
    assert own.total_synaptic_events < raw.total_synaptic_events
    assert own.total_neuron_updates < raw.total_neuron_updates


@given(tasks(recurrent_networks(max_delay=3)), st.integers(1, 8))
def test_networks_that_cannot_stream_run_sample_by_sample(task, batch):
    network, encoded, labels = task
    got = evaluate(network, encoded, labels, batch=batch, dtype=np.float64)
    depths = network.depths
    for sample in range(len(labels)):
        run = simulate(
            network,
            {"in": encoded[:, sample]},
            N_STEPS + max(depths.values()),
            dtype=np.float64,
            reset_every=N_STEPS,
        )
        out = network.outputs[0]
        window = run.spikes[out].raster()[depths[out] : depths[out] + N_STEPS]
        np.testing.assert_array_equal(got.counts[sample], window.sum(axis=0))
    alone = [evaluate(network, encoded[:, [k]], labels[[k]]) for k in range(len(labels))]
    for name in got.activity.synaptic_events:
        total = sum(one.activity.synaptic_events[name] for one in alone)
        assert got.activity.synaptic_events[name] == total


def test_currents_drive_an_input_of_neurons(rng):
    populations = {
        "in": Population(3, LIF(du=1.0, dv=0.0, vth=1.0, reset="subtract")),
        "out": Population(3, LIF(du=1.0, dv=0.0, vth=0.5)),
    }
    one_to_one = Synapses.from_edges(range(3), range(3), 1.0, n_pre=3, n_post=3)
    network = Network(populations, [Projection("in", "out", one_to_one)])
    labels = rng.integers(0, 3, 10)
    currents = np.tile(np.eye(3, dtype=np.float32)[labels] * 0.75, (8, 1, 1))
    got = evaluate(network, currents, labels, batch=3)
    expected = evaluate_densely(network, currents)
    np.testing.assert_array_equal(got.counts, expected.counts)
    assert got.activity.spikes == expected.spikes
    assert got.accuracy == 1.0
    assert got.activity.neuron_updates == {"in": 240, "out": 240}


def test_integer_networks_are_evaluated_too():
    lif = FixedPointLIF(du=4095, dv=0, vth=10)
    synapses = Synapses.from_edges([0, 1], [0, 1], 20, n_pre=2, n_post=2, dtype=np.int16)
    network = Network(
        {"in": Population(2), "out": Population(2, lif)}, [Projection("in", "out", synapses)]
    )
    encoded = np.zeros((3, 2, 2), dtype=np.uint8)
    encoded[:, 0, 1] = encoded[:, 1, 0] = 1
    got = evaluate(network, encoded, [1, 0])
    assert got.accuracy == 1.0
    assert got.activity.synaptic_events == {"in->out": 6}


def test_ties_and_silence_go_to_the_lowest_class():
    network = chain()
    got = evaluate(network, np.zeros((4, 2, 3), dtype=np.uint8), [0, 1])
    assert got.predictions.tolist() == [0, 0]
    assert (got.accuracy, got.n_silent) == (0.5, 2)


@pytest.mark.parametrize(
    ("encoded", "labels", "options", "error", "match"),
    [
        (
            np.zeros((4, 2, 5)),
            [0, 0],
            {},
            ShapeError,
            r"encoded: got shape \(4, 2, 5\); expected .*3\)",
        ),
        (np.zeros((4, 3)), [0], {}, ShapeError, r"encoded: got shape \(4, 3\)"),
        (np.zeros((4, 0, 3)), [], {}, ShapeError, "none of them 0"),
        (np.zeros((4, 2, 3)), [0], {}, ShapeError, r"labels: got shape \(1,\)"),
        (np.zeros((4, 2, 3)), [0.0, 1.0], {}, ShapeError, "whole numbers, one per sample"),
        (np.zeros((4, 2, 3)), [0, 2], {}, ParameterError, "labels: got 0 to 2; allowed is 0 to 1"),
        (np.zeros((4, 2, 3)), [-1, 0], {}, ParameterError, "labels: got -1 to 0"),
        (np.zeros((4, 2, 3)), [0, 0], {"batch": 0}, ParameterError, "batch: got 0"),
        (np.full((4, 2, 3), 0.5), [0, 0], {}, ParameterError, "zeros and ones"),
    ],
)
def test_what_does_not_fit_is_named(encoded, labels, options, error, match):
    with pytest.raises(error, match=match):
        evaluate(chain(), encoded, labels, **options)


def test_one_input_and_one_output_are_needed():
    network = chain()
    two = Network(network.populations, network.projections, outputs=["l1", "l2"])
    with pytest.raises(
        ParameterError, match=r"outputs are \['l1', 'l2'\]; evaluate needs exactly one"
    ):
        evaluate(two, np.zeros((4, 2, 3)), [0, 0])
