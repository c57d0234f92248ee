"""Energy by hand, tables, ratios, JSON."""

import json

import numpy as np
import pytest

from neurosparse.compare import (
    Comparison,
    Marked,
    count_ann,
    count_snn,
    estimate_energy,
    format_marked,
)
from neurosparse.errors import ParameterError
from neurosparse.network import LIF, Activity, Network, Population, Projection, Synapses

STABLE_NAMES = {
    "accuracy",
    "synapses",
    "potential_synapses",
    "connection_sparsity",
    "activity_sparsity",
    "input_sparsity",
    "synaptic_events_per_inference",
    "neuron_updates_per_inference",
    "macs_per_inference",
    "parameter_bytes",
    "energy_joule",
}


@pytest.fixture
def ann():
    return count_ann("dense_ann", [10, 20, 5], accuracy=0.95)


@pytest.fixture
def snn():
    """An SNN with 12 events and 40 neuron updates per inference."""
    synapses = Synapses.random(10, 5, density=0.2, rng=np.random.default_rng(0))
    network = Network(
        {"in": Population(10), "out": Population(5, LIF())}, [Projection("in", "out", synapses)]
    )
    seen = Activity(8 * 2, {"in": 9, "out": 3}, {"in->out": 24}, {"out": 80})
    return count_snn("sparse_snn", network, seen, n_samples=2, accuracy=0.9)


def test_energy_of_an_ann_is_its_macs(ann):
    energy = estimate_energy(ann, "cmos-45nm")
    assert [term.operation for term in energy.terms] == ["mac"]
    assert energy.low_joule == energy.high_joule == pytest.approx(300 * 4.6e-12)


def test_energy_of_an_snn_is_its_events_and_its_neurons(snn):
    energy = estimate_energy(snn, "cmos-45nm")
    joule = {term.operation: term.high_joule for term in energy.terms}
    assert joule == pytest.approx({"synaptic_event": 12 * 0.9e-12, "neuron_update": 40 * 11e-12})
    assert energy.high_joule == pytest.approx(sum(joule.values()))


def test_energy_on_loihi_has_bounds(snn):
    energy = estimate_energy(snn, "loihi1")
    assert energy.low_joule == pytest.approx(12 * 23.6e-12 + 40 * 52e-12)
    assert energy.high_joule == pytest.approx(12 * 23.6e-12 + 40 * 81e-12)
    with_energy = snn.with_energy(energy)
    assert with_energy.energy_joule == Marked(
        energy.high_joule, "estimated", "J", "Loihi 1 (Davies et al. 2018)"
    )
    assert with_energy.synapses == snn.synapses
    assert "Davies" in energy.terms[0].source


def test_what_a_chip_cannot_do_is_told(ann):
    with pytest.raises(ParameterError, match="price: table davies2018 has none for 'mac'"):
        estimate_energy(ann, "loihi1")
    with pytest.raises(ParameterError, match="chip: got 'abacus'"):
        estimate_energy(ann, "abacus")


@pytest.mark.parametrize("chip", ["cmos-45nm", "loihi1", "loihi2"])
def test_energy_grows_with_every_count(snn, chip):
    synapses = Synapses.random(10, 5, density=0.2, rng=np.random.default_rng(0))
    network = Network(
        {"in": Population(10), "out": Population(5, LIF())}, [Projection("in", "out", synapses)]
    )
    busier = Activity(16, {"in": 9, "out": 3}, {"in->out": 25}, {"out": 80})
    more = count_snn("more", network, busier, n_samples=2, accuracy=0.9)
    less, greater = (estimate_energy(cost, chip) for cost in (snn, more))
    assert less.high_joule < greater.high_joule
    assert less.low_joule < greater.low_joule


def test_json_has_the_stable_names_and_a_mark_for_every_number(ann, snn):
    snn = snn.with_energy(estimate_energy(snn, "cmos-45nm"))
    report = json.loads(json.dumps(Comparison((ann, snn)).to_dict(), allow_nan=False))
    assert list(report) == ["dense_ann", "sparse_snn"]
    for model in report.values():
        assert set(model) >= STABLE_NAMES
        known = {name for name in STABLE_NAMES if model[name] is not None}
        assert set(model["marks"]) == set(model["units"]) == set(model["sources"]) == known
    assert report["dense_ann"]["energy_joule"] is None
    assert report["dense_ann"]["energy"] is None
    assert report["sparse_snn"]["marks"]["energy_joule"] == "estimated"
    assert report["sparse_snn"]["energy"]["chip"] == "cmos-45nm"
    assert report["sparse_snn"]["energy_joule"] == pytest.approx(
        sum(term["high_joule"] for term in report["sparse_snn"]["energy"]["terms"])
    )
    assert report["sparse_snn"]["units"]["parameter_bytes"] == "B"


def test_rows_leave_out_what_nobody_has(ann, snn):
    rows = {row.quantity: row for row in Comparison((ann, snn)).rows()}
    assert "energy_joule" not in rows
    assert rows["accuracy"].cells == ("95.00 % (measured)", "90.00 % (measured)")
    assert rows["activity_sparsity"].cells[0] == "-"
    assert rows["synapses"].cells == ("300 (counted)", "10 (counted)")


@pytest.mark.parametrize(
    ("quantity", "number", "text"),
    [
        ("energy_joule", Marked(3.44e-8, "estimated", "J"), "34.4 nJ (estimated)"),
        ("energy_joule", Marked(2.5e-6, "estimated", "J"), "2.5 µJ (estimated)"),
        ("energy_joule", Marked(0, "estimated", "J"), "0 pJ (estimated)"),
        ("energy_joule", Marked(4e-14, "estimated", "J"), "0.04 pJ (estimated)"),
        ("energy_joule", Marked(2.0, "estimated", "J"), "2 J (estimated)"),
        ("parameter_bytes", Marked(30040, "counted", "B"), "30,040 B (counted)"),
        ("synaptic_events_per_inference", Marked(1234.5, "counted"), "1,234 (counted)"),
        ("synaptic_events_per_inference", Marked(3.25, "counted"), "3.25 (counted)"),
        ("macs_per_inference", None, "-"),
    ],
)
def test_numbers_as_text(quantity, number, text):
    assert format_marked(quantity, number) == text


def test_ratios(ann, snn):
    costs = [cost.with_energy(estimate_energy(cost, "cmos-45nm")) for cost in (ann, snn)]
    ratios = Comparison(tuple(costs)).ratios("dense_ann")
    mine = ratios["sparse_snn"]
    assert mine["synapses"] == pytest.approx(10 / 300)
    assert mine["operations_per_inference"] == pytest.approx(12 / 300)
    assert mine["energy_joule"] == pytest.approx((12 * 0.9 + 40 * 11) / (300 * 4.6))
    assert mine["macs_per_inference"] == 0
    assert mine["neuron_updates_per_inference"] is None
    assert "accuracy" not in mine
    assert all(value in (1, None) for value in ratios["dense_ann"].values())
    with pytest.raises(ParameterError, match="baseline: got 'x'; allowed is 'dense_ann', 'sparse"):
        Comparison(tuple(costs)).ratios("x")


def test_bad_comparisons_and_numbers(ann):
    with pytest.raises(ParameterError, match=r"models: got \[\]; expected at least one"):
        Comparison(())
    with pytest.raises(ParameterError, match="names all different"):
        Comparison((ann, ann))
    with pytest.raises(ParameterError, match="value: got nan; allowed is a finite number"):
        Marked(float("nan"), "counted")
    with pytest.raises(ParameterError, match="mark: got 'guessed'; allowed is counted, measured"):
        Marked(1, "guessed")
