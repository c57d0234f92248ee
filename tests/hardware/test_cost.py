"""Predicted energy and time against sums done by hand and against a slow reference."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.hardware import (
    CoreCounts,
    CostTable,
    Quantity,
    load_chip,
    predict_cost,
)

FIELDS = ("synaptic_events", "spikes_out", "messages_out", "messages_in", "hops")


def table(name="davies2018", chip="loihi1"):
    return load_chip(chip).table(name)


def test_by_hand_with_davies2018():
    # two cores, one step; 10 of 100 updates active on the first, none of 50 on the second
    counts = CoreCounts(
        synaptic_events=[1000, 200],
        neuron_updates=[100, 50],
        active_updates=[10, 0],
        spikes_out=[7, 0],
        messages_out=[4, 0],
        messages_in=[0, 4],
        hops=[12, 0],
    )
    cost = predict_cost(table(), counts)
    joule = 1200 * 23.6 + 10 * 81 + 140 * 52 + 4 * 1.7  # pJ
    assert cost.energy_j == pytest.approx(
        ((joule + 12 * 3.0) * 1e-12, (joule + 12 * 4.0) * 1e-12), rel=1e-12
    )
    # the first core is the slowest; its synapses (3500 ns) take longer than its neurons
    neurons = 10 * 8.4 + 90 * 5.3 + 4 * 2.1  # ns
    least = 1000 * 3.5 + 113
    most = 1000 * 3.5 + neurons + (12 / 4) * 6.5 + 465
    assert cost.time_s == pytest.approx((least * 1e-9, most * 1e-9), rel=1e-12)
    assert cost.confidence == "medium"
    # the paper has no price of firing and of taking in, and no energy of a barrier
    assert cost.unpriced_energy == ("spike_out", "message_in", "barrier")
    assert cost.unpriced_time == ("spike_out", "message_in")
    assert len(set(cost.sources)) == len(cost.sources)
    assert all("Davies" in source for source in cost.sources)


def test_by_hand_with_sana_fe():
    counts = CoreCounts(
        synaptic_events=100, neuron_updates=20, active_updates=5, spikes_out=3, messages_out=6,
        messages_in=2, hops=6,
    )  # fmt: skip
    cost = predict_cost(table("sana_fe"), counts)
    rest = 15 * 51.2 + 5 * 72.8 + 3 * 69.3 + 6 * 111
    low, high = rest + 100 * 33.6 + 6 * 3.0, rest + 100 * 35.5 + 6 * 4.2
    assert cost.energy_j == pytest.approx((low * 1e-12, high * 1e-12), rel=1e-12)
    neurons = 15 * 6.0 + 5 * 9.7 + 3 * 30 + 6 * 5.1
    least = max(neurons, 2 * 16 + 100 * 3.8) + 600
    most = neurons + 2 * 16 + 100 * 4.7 + 1 * 6.5 + 1800
    assert cost.time_s == pytest.approx((least * 1e-9, most * 1e-9), rel=1e-12)
    assert (cost.unpriced_energy, cost.unpriced_time) == (("barrier",), ())


def test_unknown_activity_lies_between_all_inactive_and_all_active():
    def cost(active):
        return predict_cost(table(), CoreCounts(0, [100, 40], active_updates=active))

    between, none, every = cost(None), cost([0, 0]), cost([100, 40])
    assert between.energy_j == pytest.approx((none.energy_j[0], every.energy_j[1]))
    assert between.time_s == pytest.approx((none.time_s[0], every.time_s[1]))


def test_a_step_waits_for_its_own_slowest_core():
    events = np.array([[100.0, 0.0], [0.0, 100.0]])  # (n_rows, n_cores)
    by_step = predict_cost(table(), CoreCounts(events, 0))
    at_once = predict_cost(table(), CoreCounts(events.sum(axis=0), 0), n_steps=2)
    assert by_step.energy_j == at_once.energy_j
    assert by_step.time_s[0] == pytest.approx((200 * 3.5 + 2 * 113) * 1e-9)
    assert at_once.time_s[0] == pytest.approx((100 * 3.5 + 2 * 113) * 1e-9)


def test_the_way_of_a_message_is_waited_for_once_a_step():
    def waits(messages, hops, n_steps):
        counts = CoreCounts(0, 0, messages_out=messages, hops=hops)
        high = predict_cost(table(), counts, n_steps=n_steps).time_s[1]
        return (high - (messages * 2.1 + n_steps * 465) * 1e-9) / 6.5e-9  # in hops

    assert waits(10, 30, 1) == pytest.approx(3)
    assert waits(10, 30, 5) == pytest.approx(15)
    assert waits(10, 30, 50) == pytest.approx(30)  # no more messages than there are


def test_loihi2_answers_with_low_confidence_and_says_that_it_is_a_stand_in():
    cost = predict_cost(table(chip="loihi2"), CoreCounts(10, 10))
    assert cost.confidence == "low"
    assert all(source.startswith("stand-in: Loihi 1") for source in cost.sources)


def test_what_does_not_occur_is_not_asked_for():
    cost = predict_cost(table("horowitz2014", "cmos-45nm"), CoreCounts(0, 0))
    assert cost.energy_j == cost.time_s == (0.0, 0.0)
    assert (cost.sources, cost.confidence) == ((), "low")
    assert cost.unpriced_time == ("barrier",)
    with pytest.raises(
        ParameterError, match="states no time of neuron_update_inactive, no time of neur"
    ):
        predict_cost(table("horowitz2014", "cmos-45nm"), CoreCounts(1, 1))
    empty = CostTable("empty", "nothing")
    with pytest.raises(ParameterError, match="empty states no energy of synaptic_event, no time"):
        predict_cost(empty, CoreCounts(1, 0))


def test_the_confidence_is_the_least_of_what_was_used():
    def entry(confidence):
        return Quantity(1, "pJ", confidence, confidence), Quantity(1, "ns", confidence, confidence)

    named = {"synaptic_event": "high", "hop": "medium", "spike_out": "low"}
    mixed = CostTable(
        "mixed",
        "Mixed",
        energy={name: entry(confidence)[0] for name, confidence in named.items()},
        time={name: entry(confidence)[1] for name, confidence in named.items()},
        prices={name: (name,) for name in named},
    )
    assert predict_cost(mixed, CoreCounts(1, 0)).confidence == "high"
    hopping = CoreCounts(1, 0, messages_out=1, hops=1)
    assert predict_cost(mixed, hopping).confidence == "medium"
    assert predict_cost(mixed, CoreCounts(1, 0, spikes_out=1)).confidence == "low"


def slow_cost(costs, rows, n_steps):
    """Bounds by loops over rows, cores and operations; rows of dicts of counts."""

    def bounds(half, operation):
        entries = [half[name].si for name in costs.prices.get(operation, ()) if name in half]
        return (min(entries), max(entries)) if entries else (0.0, 0.0)

    joule, seconds = [0.0, 0.0], [0.0, 0.0]
    for row in rows:
        for side in (0, 1):
            slowest = 0.0
            for core in row:
                done = {
                    "neuron_update_inactive": core["neuron_updates"] - core["active_updates"],
                    "neuron_update_active": core["active_updates"],
                    "spike_out": core["spikes_out"],
                    "message_out": core["messages_out"],
                    "message_in": core["messages_in"],
                    "synaptic_event": core["synaptic_events"],
                }
                for operation, count in {**done, "hop": core["hops"]}.items():
                    joule[side] += count * bounds(costs.energy, operation)[side]
                took = {name: n * bounds(costs.time, name)[side] for name, n in done.items()}
                serving = took.pop("message_in") + took.pop("synaptic_event")
                updating = sum(took.values())
                if side == 0:
                    slowest = max(slowest, updating, serving)
                else:
                    waits = 0.0
                    if core["messages_out"] > 0:
                        mean = core["hops"] / core["messages_out"]
                        waits = min(n_steps, core["messages_out"]) * mean
                    way = waits * bounds(costs.time, "hop")[1]
                    slowest = max(slowest, updating + serving + way)
            seconds[side] += slowest + n_steps * bounds(costs.time, "barrier")[side]
    return joule, seconds


@st.composite
def core_rows(draw):
    n_rows, n_cores = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    count = st.integers(0, 1000) | st.floats(0.01, 1000)

    def core():
        counts = {name: draw(count) for name in FIELDS}
        counts["neuron_updates"] = draw(count)
        counts["active_updates"] = counts["neuron_updates"] * draw(st.floats(0, 1))
        if counts["messages_out"] == 0:
            counts["hops"] = 0
        return counts

    return [[core() for _ in range(n_cores)] for _ in range(n_rows)]


def as_counts(rows, factor=1.0):
    names = (*FIELDS, "neuron_updates", "active_updates")
    return CoreCounts(
        **{
            name: factor * np.array([[core[name] for core in row] for row in rows])
            for name in names
        }
    )


@given(core_rows(), st.sampled_from(["davies2018", "sana_fe"]), st.integers(1, 20))
def test_as_the_slow_reference(rows, name, n_steps):
    costs = table(name)
    cost = predict_cost(costs, as_counts(rows), n_steps=n_steps)
    joule, seconds = slow_cost(costs, rows, n_steps)
    assert cost.energy_j == pytest.approx(joule, rel=1e-9)
    assert cost.time_s == pytest.approx(seconds, rel=1e-9)
    assert 0 <= cost.energy_j[0] <= cost.energy_j[1] < math.inf
    assert 0 < cost.time_s[0] <= cost.time_s[1] < math.inf


@given(core_rows(), st.sampled_from(["davies2018", "sana_fe"]))
def test_more_work_costs_more(rows, name):
    once, twice = (predict_cost(table(name), as_counts(rows, factor)) for factor in (1, 2))
    assert twice.energy_j == pytest.approx([2 * bound for bound in once.energy_j])
    assert all(more >= less for more, less in zip(twice.time_s, once.time_s, strict=True))
    one_core = as_counts([[core for row in rows for core in row]])
    assert predict_cost(table(name), one_core).energy_j == pytest.approx(once.energy_j)


@pytest.mark.parametrize(
    ("counts", "error", "match"),
    [
        (CoreCounts([1, 2], [1, 2, 3]), ShapeError, r"do not fit each other: synaptic_events \(2,"),
        (CoreCounts(np.ones((1, 1, 1)), 1), ShapeError, "must be .n_cores,. or .n_rows, n_cores."),
        (CoreCounts([], []), ShapeError, "not empty"),
        (CoreCounts([-1], [1]), ParameterError, "synaptic_events: got -1.0; counts are finite and"),
        (CoreCounts(1, np.nan), ParameterError, "neuron_updates: got nan"),
        (CoreCounts(1, np.inf), ParameterError, "neuron_updates: got inf"),
        (CoreCounts(1, 2, 3), ParameterError, "active_updates: more than neuron_updates on some"),
        (CoreCounts(1, 1, hops=2), ParameterError, "hops: some core has hops but no messages_out"),
    ],
)
def test_bad_counts(counts, error, match):
    with pytest.raises(error, match=match):
        predict_cost(table(), counts)


@pytest.mark.parametrize("n_steps", [0, -1, np.nan, np.inf])
def test_bad_steps(n_steps):
    with pytest.raises(ParameterError, match=r"n_steps: got .*; must be a positive number"):
        predict_cost(table(), CoreCounts(1, 1), n_steps=n_steps)
