"""Verification, files, the dense twin, costs and the figure."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosparse.errors import ExportLimitError, ParameterError, StorageError
from neurosparse.hardware import load_board, load_chip, predict_cost
from neurosparse.loihi.mapping import (
    CoreRules,
    Mapping,
    count_cores,
    dense_twin,
    map_network,
    plot_cores,
    predict_mapping_cost,
    rates_of,
)
from neurosparse.network import LIF, Network, Population, Projection, Spikes, Synapses
from neurosparse.simulate import simulate
from tests.loihi.mapping.networks import layered, with_limits


@pytest.fixture
def network() -> Network:
    return layered(30, 40, 20, density=0.3)


@pytest.fixture
def mapping(network: Network) -> Mapping:
    return map_network(network, with_limits("loihi1", neurons_per_core=25))


def altered(mapping: Mapping, **changes: Any) -> Mapping:
    return dataclasses.replace(mapping, **changes)


# ---------------------------------------------------------------------- verification


def test_verify_names_what_is_wrong(network: Network, mapping: Mapping) -> None:
    mapping.verify(network)
    first, *rest = mapping.blocks
    doubled = first._replace(neurons=np.append(first.neurons[:-1], first.neurons[-1] + 1))
    cases = [
        (altered(mapping, blocks=(doubled, *rest)), "do not have exactly one place"),
        (altered(mapping, blocks=tuple(rest)), "do not have exactly one place"),
        (altered(mapping, demand=mapping.demand + 1), "the mapping says"),
        (altered(mapping, blocks=mapping.blocks[::-1]), "must stand core by core"),
        (
            altered(mapping, blocks=(*mapping.blocks[:-1], mapping.blocks[-1]._replace(start=99))),
            "starts at 99",
        ),
        (altered(mapping, sizes={"l0": 1}), "populations: the mapping is of"),
    ]
    for wrong, text in cases:
        with pytest.raises(ExportLimitError, match=text):
            wrong.verify(network)
    tight = {**mapping.rules.limits, "input_axons": 3}
    with pytest.raises(ExportLimitError, match="core 0: needs 30 input axons; it has 3"):
        altered(mapping, rules=dataclasses.replace(mapping.rules, limits=tight)).verify(network)
    other = layered(30, 40, 20, density=0.3, seed=1)
    with pytest.raises(ExportLimitError, match="the mapping says"):
        mapping.verify(other)


# ---------------------------------------------------------------------- files


def test_a_saved_mapping_comes_back(network: Network, mapping: Mapping, tmp_path: Path) -> None:
    path = tmp_path / "mapping.json"
    mapping.save(path)
    again = Mapping.load(path)
    again.verify(network)
    for field in dataclasses.fields(mapping):
        mine, theirs = getattr(mapping, field.name), getattr(again, field.name)
        if field.name == "blocks":
            assert [block[:3] for block in mine] == [block[:3] for block in theirs]
            assert all(
                np.array_equal(a.neurons, b.neurons) for a, b in zip(mine, theirs, strict=True)
            )
        elif isinstance(mine, np.ndarray):
            assert np.array_equal(mine, theirs)
        else:
            assert mine == theirs, field.name
    document = json.loads(path.read_text())
    assert document["cores"][0]["blocks"][0] == {"population": "l1", "neurons": [[0, 25]]}


def test_files_that_are_no_mappings(mapping: Mapping, tmp_path: Path) -> None:
    path = tmp_path / "mapping.json"
    with pytest.raises(StorageError, match="no such file"):
        Mapping.load(path)
    mapping.save(path)
    text = path.read_text()
    good = json.loads(text)
    path.write_text(text[: len(text) // 2])
    with pytest.raises(StorageError, match="not a readable mapping file"):
        Mapping.load(path)
    for change, message in (
        ({"format": "other"}, "not a neurosparse mapping file"),
        ({"version": 99}, "format version 99"),
        ({"cores": []}, "0 cores and"),
        ({"flow": [[1.0]]}, "not a readable"),
        ({"rules": {}}, "not a readable"),
        ({"populations": {"l0": 30, "l1": 3, "l2": 20}}, "does not fit a population"),
        ({"flow_columns": ["x"]}, "others than expected"),
    ):
        path.write_text(json.dumps({**good, **change}))
        with pytest.raises(StorageError, match=message):
            Mapping.load(path)
    path.write_text("[1]")
    with pytest.raises(StorageError, match="not a neurosparse mapping file"):
        Mapping.load(path)


# ---------------------------------------------------------------------- the dense twin


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(1, 60), min_size=2, max_size=4),
    st.integers(5, 70),
    st.integers(20_000, 100_000),
    st.sampled_from([40, 150, 10_000]),
)
def test_the_formula_is_what_the_mapper_counts(
    sizes: list[int], neurons: int, bits: int, outputs: int
) -> None:
    """Built dense and placed in the same order it takes as many cores."""
    dense = layered(*sizes, density=1.0)
    chip = with_limits(
        "loihi1",
        neurons_per_core=neurons,
        synapse_bits_per_core=bits,
        output_axons_per_core=outputs,
    )
    twin = dense_twin(layered(*sizes, density=0.05), CoreRules.of_chip(chip))
    assert twin.n_synapses == dense.n_synapses
    try:
        built = map_network(dense, chip, method="greedy")
    except ExportLimitError:
        return
    if twin.n_cores is not None:
        assert twin.n_cores <= built.n_cores
    if outputs == 10_000:
        assert twin.n_cores == built.n_cores


def test_dense_twins_of_one_core_limit() -> None:
    dense = layered(50, 120, 30, density=1.0)
    chip = with_limits("loihi1", synapse_bits_per_core=20_000)
    built = map_network(dense, chip, method="greedy")
    assert built.dense.n_cores == built.n_cores > 3
    sparse = map_network(layered(50, 120, 30, density=0.05), chip)
    assert sparse.dense == built.dense
    assert sparse.n_cores < built.n_cores


def test_dense_twins_that_do_not_fit() -> None:
    sparse = layered(5000, 20, density=0.01)
    mapping = map_network(sparse, "loihi1")
    assert mapping.dense.n_cores is None
    assert (
        mapping.dense.reason
        == "a neuron of 'l1' alone needs 5,000 input_axons of 4,096".replace(
            "input_axons", "input axons"
        )
    )
    assert "dense does not fit" in str(mapping)
    assert mapping.summary()["dense_cores"] is None


# ---------------------------------------------------------------------- costs


def run_of(network: Network) -> tuple[Any, dict[str, Any]]:
    rng = np.random.default_rng(3)
    size = network.populations["l0"].size
    inputs = {"l0": Spikes.from_raster(rng.random((50, size)) < 0.3)}
    return simulate(network, inputs), inputs


def test_costs_are_counted_events_times_prices(network: Network, mapping: Mapping) -> None:
    run, _ = run_of(network)
    rates = rates_of(network, run.spikes)
    counts = count_cores(mapping, network, rates, 25.0)
    events = np.sum(counts.synaptic_events)
    assert events == pytest.approx(run.activity.total_synaptic_events / 2)
    assert np.sum(counts.spikes_out) == pytest.approx(
        (run.activity.total_spikes - run.activity.spikes["l0"]) / 2
    )
    assert np.sum(counts.neuron_updates) == run.activity.total_neuron_updates / 2
    cost = predict_mapping_cost(mapping, network, run.spikes, "loihi1", n_inferences=2)
    assert cost == predict_cost(load_chip("loihi1").table(), counts, n_steps=25.0)
    assert 0 < cost.energy_j[0] <= cost.energy_j[1]
    assert 0 < cost.time_s[0] <= cost.time_s[1]
    counts_only = {name: spikes.counts() for name, spikes in run.spikes.items()}
    by_counts = predict_mapping_cost(
        mapping, network, counts_only, load_board("nahuku-8"), n_steps=50, n_inferences=2
    )
    assert by_counts == cost


def test_messages_are_those_of_the_spikes(network: Network, mapping: Mapping) -> None:
    """Spike by spike: one message to every core that holds a target."""
    run, _ = run_of(network)
    counts = count_cores(mapping, network, rates_of(network, run.spikes), 50.0)
    home = {
        (block.population, neuron): block.core
        for block in mapping.blocks
        for neuron in block.neurons.tolist()
    }
    sent = np.zeros(mapping.n_cores)
    received = np.zeros(mapping.n_cores)
    for projection in network.projections:
        fan_out = projection.synapses.by_pre
        for neuron in run.spikes[projection.source].neurons.tolist():
            targets = fan_out.post[fan_out.indptr[neuron] : fan_out.indptr[neuron + 1]]
            cores = {home[projection.target, post] for post in targets.tolist()}
            for core in cores:
                received[core] += 1
            if (projection.source, neuron) in home:
                sent[home[projection.source, neuron]] += len(cores)
    assert counts.messages_out == pytest.approx(sent)
    assert counts.messages_in == pytest.approx(received)


def test_an_activity_is_shared_out_evenly(network: Network, mapping: Mapping) -> None:
    run, _ = run_of(network)
    rates = rates_of(network, run.activity)
    assert rates["l1"] == run.activity.spikes["l1"] / (40 * 50)
    cost = predict_mapping_cost(mapping, network, run.activity, "loihi1")
    assert cost.energy_j[0] > 0
    with pytest.raises(ParameterError, match="activity of another network"):
        rates_of(layered(3, 4, density=1.0), run.activity)
    with pytest.raises(ParameterError, match="n_steps: needed"):
        rates_of(network, {"l1": np.zeros(40)})


# ---------------------------------------------------------------------- words and pictures


def test_words(mapping: Mapping) -> None:
    assert str(mapping).startswith("3 cores of loihi1, 1 chip; nearest limit by cores: neurons (3)")
    summary = mapping.summary()
    assert summary["cores"] == 3
    assert summary["largest_utilisation"]["neurons"] == 1.0
    assert json.loads(json.dumps(summary)) == summary


@pytest.mark.parametrize("neurons_per_core", [25, 3])
def test_the_figure_shows_every_core_and_limit(network: Network, neurons_per_core: int) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    mapping = map_network(network, with_limits("loihi1", neurons_per_core=neurons_per_core))
    ax = plot_cores(mapping)
    shares = np.stack(list(mapping.utilisation.values()))
    if mapping.n_cores <= 16:
        heights = np.array([patch.get_height() for patch in ax.patches])
        assert np.allclose(heights, 100 * shares.ravel())
    else:
        assert np.allclose(np.asarray(ax.collections[0].get_array()).ravel(), 100 * shares.ravel())
        assert len(ax.get_yticklabels()) == len(mapping.utilisation)
    assert f"{mapping.n_cores} cores of loihi1" in ax.get_title(loc="left")
    plt.close("all")


def test_sources_can_take_places() -> None:
    synapses = Synapses.random(8, 4, density=0.5, rng=np.random.default_rng(0))
    network = Network(
        {"in": Population(8), "a": Population(4, LIF())}, [Projection("in", "a", synapses)]
    )
    mapping = map_network(network, "loihi1", sources_on_cores=True)
    mapping.verify(network)
    assert mapping.totals["neurons"] == 12
    assert mapping.totals["neuron_profiles"] == 1
    assert mapping.totals["output_axons"] == mapping.totals["input_axons"]
    assert mapping.messages["from_outside"] == 0
    counts = count_cores(mapping, network, {"in": 1.0}, 10.0)
    assert np.sum(counts.neuron_updates) == 4 * 10  # sources are not updated


def test_counts_that_do_not_tell_the_steps() -> None:
    network = layered(3, 4, density=1.0)
    with pytest.raises(ParameterError, match="n_steps: counts do not tell how many steps"):
        predict_mapping_cost(map_network(network, "loihi1"), network, {}, "loihi1")
