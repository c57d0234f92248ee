"""Calibration against a slow count, and the choice of options by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neurosparse.data import Encoding, ImageDataset
from neurosparse.errors import ExportLimitError, ParameterError, ShapeError
from neurosparse.loihi import (
    CalibrationSet,
    IntegerGrid,
    calibrate,
    choose_quantisation,
    draw_calibration,
    quantise,
)
from neurosparse.loihi.quantisation.calibration_set import accuracy_on
from neurosparse.network import LIF, Network, Population, Projection, Synapses

N_STEPS, BATCH = 9, 14


def small_network(rng: np.random.Generator, first: LIF | None = None) -> Network:
    """Two layers; current input if there is a neuron for it."""
    neuron = LIF(du=1.0, dv=0.25, vth=1.0)

    def dense(n_pre: int, n_post: int) -> Synapses:
        weights = rng.normal(0.2, 0.6, (n_post, n_pre))
        return Synapses.all_to_all(weights, dtype=np.float64)

    return Network(
        {"in": Population(6, first), "hidden": Population(5, neuron), "out": Population(3, neuron)},
        [Projection("in", "hidden", dense(6, 5)), Projection("hidden", "out", dense(5, 3))],
        inputs=["in"],
    )


def layer(weights: NDArray[Any], spikes: NDArray[Any], vth: float, keep: float) -> NDArray[Any]:
    """Run a layer of floats over a sample, (n_steps, n_pre) to (n_steps, n_post)."""
    v, out = np.zeros(len(weights)), np.zeros((len(spikes), len(weights)), dtype=np.int64)
    for t, arriving in enumerate(spikes):
        v = v * keep + weights @ arriving
        out[t] = v > vth
        v[out[t] == 1] = 0
    return out


def integer_layer(weights: NDArray[Any], spikes: NDArray[Any], vth: int, dv: int) -> NDArray[Any]:
    """Do the same with Lava's integers."""
    v, out = np.zeros(len(weights), int), np.zeros((len(spikes), len(weights)), dtype=np.int64)
    for t, arriving in enumerate(spikes):
        v = np.sign(v) * (abs(v) * (4096 - dv) >> 12) + 64 * (weights @ arriving)
        out[t] = v > 64 * vth
        v[out[t] == 1] = 0
    return out


def dense_of(projection: Projection) -> NDArray[Any]:
    return projection.synapses.to_scipy().toarray()


def test_calibration_is_a_slow_count() -> None:
    rng = np.random.default_rng(4)
    net = small_network(rng)
    q = quantise(net, num_weight_bits=3)  # coarse, so that spikes do differ
    spikes = (rng.random((BATCH, N_STEPS, 6)) < 0.4).astype(np.uint8)
    labels = rng.integers(0, 3, BATCH)
    first, second = q.network.populations["hidden"].neuron, q.network.populations["out"].neuron
    float_spikes, whole_spikes = [], []
    for sample in spikes.astype(int):
        hidden = layer(dense_of(net.projections[0]), sample, 1.0, 0.75)
        out = layer(dense_of(net.projections[1]), hidden, 1.0, 0.75)
        float_spikes.append({"in": sample, "hidden": hidden, "out": out})
        hidden = integer_layer(dense_of(q.network.projections[0]), sample, first.vth, 1024)
        out = integer_layer(dense_of(q.network.projections[1]), hidden, second.vth, 1024)
        whole_spikes.append({"in": sample, "hidden": hidden, "out": out})
    result = calibrate(net, q, CalibrationSet({"in": spikes}, labels))
    assert (result.n_samples, result.n_steps) == (BATCH, N_STEPS)
    for name, change in result.populations.items():
        a, b = (np.stack([run[name] for run in runs]) for runs in (float_spikes, whole_spikes))
        np.testing.assert_array_equal(change.counts, a.sum(axis=(0, 1)))
        np.testing.assert_array_equal(change.fixed_counts, b.sum(axis=(0, 1)))
        assert change.coincident == (a & b).sum()
        assert change.agreement == pytest.approx((a & b).sum() / (a | b).sum())
        assert change.rate == pytest.approx(a.mean())
        assert change.fixed_rate == pytest.approx(b.mean())
    assert result.populations["in"].agreement == 1
    assert 0.3 < result.populations["out"].agreement < 0.99
    answers = [
        np.array([run["out"].sum(axis=0).argmax() for run in runs])
        for runs in (float_spikes, whole_spikes)
    ]
    assert result.accuracy == (answers[0] == labels).mean()
    assert result.fixed_accuracy == (answers[1] == labels).mean()
    assert result.same_answers == (answers[0] == answers[1]).mean()
    samples = CalibrationSet({"in": spikes}, labels)
    assert accuracy_on(samples, net) == result.accuracy
    assert accuracy_on(samples, q) == result.fixed_accuracy
    assert f"{BATCH} samples of {N_STEPS} steps" in str(result)
    assert "the same answer to" in str(result)


def test_currents_are_scaled_and_data_sets_encoded() -> None:
    rng = np.random.default_rng(0)
    net = small_network(rng, first=LIF(du=1.0, dv=0.0, vth=0.5))
    images = rng.random((5, 6)).astype(np.float32)
    data = ImageDataset("noise", images, np.array([0, 1, 2, 0, 1]), 3, (2, 3))
    encoding = Encoding("current", n_steps=8, gain=0.4)
    samples = CalibrationSet.encode(net, data, encoding)
    assert len(samples) == 5
    np.testing.assert_allclose(samples.inputs["in"], np.repeat(0.4 * images[:, None], 8, axis=1))
    result = calibrate(net, quantise(net), samples)
    # 4096 for a threshold of 0.5: the integers tell currents apart to 1/8192
    assert result.populations["in"].agreement > 0.95
    assert result.populations["in"].rate > 0.1
    assert result.accuracy is not None
    unlabelled = calibrate(net, quantise(net), CalibrationSet(dict(samples.inputs)))
    assert (unlabelled.accuracy, unlabelled.same_answers) == (None, None)
    assert "accuracy" not in str(unlabelled)
    assert unlabelled.populations["out"].coincident == result.populations["out"].coincident


def test_a_silent_network_agrees() -> None:
    net = small_network(np.random.default_rng(0))
    result = calibrate(net, quantise(net), CalibrationSet({"in": np.zeros((2, 4, 6), np.uint8)}))
    assert {change.agreement for change in result.populations.values()} == {1.0}
    assert {change.rate for change in result.populations.values()} == {0.0}


# ---------------------------------------------------------------------- the choice


def labelled(net: Network, rng: np.random.Generator, n: int = 60) -> CalibrationSet:
    """Samples with the float network's own answers for labels, so that float is right in all."""
    spikes = (rng.random((n, N_STEPS, 6)) < 0.4).astype(np.uint8)
    q = quantise(net)
    blank = CalibrationSet({"in": spikes}, np.zeros(n, dtype=np.int64))
    own = [
        calibrate(net, q, CalibrationSet({"in": one[None]})).populations["out"].counts.argmax()
        for one in blank.inputs["in"]
    ]
    return CalibrationSet({"in": spikes}, np.array(own))


def test_the_best_of_all_trials_is_kept() -> None:
    rng = np.random.default_rng(11)
    net = small_network(rng)
    samples = labelled(net, rng)
    options: dict[str, Any] = {"num_weight_bits": 3, "percentiles": (100.0, 80.0)}
    choice = choose_quantisation(net, samples, scales=["population"], **options)
    assert choice.float_accuracy == 1
    grids = [
        IntegerGrid(num_weight_bits=3, percentile=percentile, keep_small=keep)
        for percentile in (100.0, 80.0)
        for keep in (False, True)
    ]
    assert [trial.grid for trial in choice.trials] == grids
    for trial in choice.trials:
        again = trial.grid.quantise(net)
        assert trial.accuracy == accuracy_on(samples, again)
        assert trial.weight_error == again.weight_error
    ranks = [(-trial.accuracy, trial.weight_error) for trial in choice.trials]
    assert choice.best is choice.trials[ranks.index(min(ranks))]
    assert len({trial.accuracy for trial in choice.trials}) > 1
    assert choice.quantisation.scales == choice.best.grid.quantise(net).scales
    assert sum(line.startswith("*") for line in str(choice).splitlines()) == 1
    again = choose_quantisation(net, samples, scales=["population"], threads=2, **options)
    assert again.trials == choice.trials


def test_equal_accuracy_goes_to_the_smaller_weight_error() -> None:
    net = small_network(np.random.default_rng(2))
    silent = CalibrationSet({"in": np.zeros((3, 4, 6), np.uint8)}, np.zeros(3, dtype=np.int64))
    choice = choose_quantisation(
        net, silent, scales=["population"], percentiles=(50.0, 100.0), keep_small=[False]
    )
    assert [trial.accuracy for trial in choice.trials] == [1, 1]
    assert choice.best.grid.percentile == 100


def test_what_does_not_fit_is_passed_over() -> None:
    """Where the least grid step of every synapse is too much for u, small weights must go."""
    rng = np.random.default_rng(3)
    weights = rng.normal(0, 1, (1, 300)) ** 3
    net = Network(
        {"in": Population(300), "out": Population(1, LIF(du=1 / 1000, vth=100.0))},
        [Projection("in", "out", Synapses.all_to_all(weights))],
    )
    inputs = {"in": np.ones((2, 5, 300), np.uint8)}
    samples = CalibrationSet(inputs, np.zeros(2, dtype=np.int64))
    with pytest.raises(ExportLimitError, match="24 bits"):
        quantise(net, keep_small=True)
    choice = choose_quantisation(net, samples, scales=["population"], percentiles=[100])
    assert [trial.grid.keep_small for trial in choice.trials] == [False]
    with pytest.raises(ExportLimitError, match="24 bits"):
        choose_quantisation(
            net, samples, scales=["population"], percentiles=[100], keep_small=[True]
        )


# ---------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        ({}, None, "inputs: got none; expected"),
        ({"in": np.zeros((2, 3))}, None, r"inputs: got 'in' \(2, 3\); expected"),
        ({"in": np.zeros((0, 3, 6))}, None, r"'in' \(0, 3, 6\)"),
        ({"in": np.zeros((2, 3, 6)), "b": np.zeros((2, 4, 6))}, None, "the same batch"),
        ({"in": np.zeros((2, 3, 6))}, [0, 1, 2], r"labels: got shape \(3,\)"),
        ({"in": np.zeros((2, 3, 6))}, [0.5, 1.0], "labels: got shape .* of float64"),
    ],
)
def test_samples_that_do_not_fit_together(inputs: Any, labels: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        CalibrationSet(inputs, labels)


def test_samples_for_another_network() -> None:
    net = small_network(np.random.default_rng(0))
    q = quantise(net)
    samples = CalibrationSet({"in": np.zeros((1, 3, 6), np.uint8)})
    with pytest.raises(ParameterError, match="quantisation: it belongs to another network"):
        calibrate(Network({"x": Population(1, LIF())}), q, samples)
    data = ImageDataset("x", np.zeros((1, 4), np.float32), np.zeros(1, int), 1, (2, 2))
    with pytest.raises(ShapeError, match="data: samples of 4 inputs for a network of 6"):
        CalibrationSet.encode(net, data, Encoding("latency", n_steps=3))
    with pytest.raises(ParameterError, match="samples: have no labels"):
        choose_quantisation(net, samples)
    with pytest.raises(ParameterError, match="nothing to try"):
        choose_quantisation(net, samples, percentiles=[])
    two = Network(net.populations, net.projections, inputs=["in"], outputs=["hidden", "out"])
    labels = CalibrationSet(samples.inputs, np.zeros(1, int))
    with pytest.raises(ParameterError, match=r"outputs are \['hidden', 'out'\]; expected exactly"):
        calibrate(two, quantise(two), labels)


# ---------------------------------------------------------------------- the figure


def test_the_figure_shows_every_neuron() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    rng = np.random.default_rng(4)
    net = small_network(rng)
    spikes = (rng.random((3, N_STEPS, 6)) < 0.4).astype(np.uint8)
    result = calibrate(net, quantise(net, num_weight_bits=3), CalibrationSet({"in": spikes}))
    ax = draw_calibration(result)
    *clouds, diagonal = ax.get_lines()
    for cloud, change in zip(clouds, result.populations.values(), strict=True):
        np.testing.assert_allclose(cloud.get_xdata(), change.counts / (3 * N_STEPS))
        np.testing.assert_allclose(cloud.get_ydata(), change.fixed_counts / (3 * N_STEPS))
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[0] == "in: 100.0 % of the spikes agree"
    assert len(labels) == 3
    assert draw_calibration(result, ax=ax) is ax
    pyplot.close(ax.figure)
