from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosparse import LIF, FixedPointLIF, Network, Population, Projection, Synapses
from neurosparse.simulate import simulate
from neurosparse.sparsify.structure.compact import compact, remove_dead
from neurosparse.sparsify.structure.paths import effective_synapses, fires_alone, live_neurons
from tests.strategies.rich import rich_inputs, rich_networks

N_STEPS = 40
Node = tuple[str, int]


def edges_of(network: Network) -> list[tuple[str, Node, Node]]:
    edges = []
    for p in network.projections:
        for post, pre in zip(p.synapses.post.tolist(), p.synapses.indices.tolist(), strict=True):
            edges.append((p.name, (p.source, pre), (p.target, post)))
    return edges


def walk(begin: set[Node], edges: list[tuple[Node, Node]]) -> set[Node]:
    """Go along edges, one by one, until nothing new turns up."""
    seen = set(begin)
    while True:
        new = {there for here, there in edges if here in seen} - seen
        if not new:
            return seen
        seen |= new


def slow_live(network: Network, begin: set[Node]) -> dict[str, list[bool]]:
    """For every synapse, by a search of its own each way."""
    edges = edges_of(network)
    reached = walk(begin, [(pre, post) for _, pre, post in edges])
    ends = {(n, i) for n in network.outputs for i in range(network.populations[n].size)}
    needed = walk(ends, [(post, pre) for _, pre, post in edges])
    live: dict[str, list[bool]] = {p.name: [] for p in network.projections}
    for name, pre, post in edges:
        live[name].append(pre in reached and post in needed)
    return live


def nodes(network: Network, names: Any) -> set[Node]:
    return {(name, i) for name in names for i in range(network.populations[name].size)}


def fires_in_the_simulator(network: Network) -> set[Node]:
    """Neurons that spike in many steps although they have no synapse."""
    alone = {name: p for name, p in network.populations.items() if p.neuron is not None}
    run = simulate(Network(alone), n_steps=300)
    return {(name, int(i)) for name in alone for i in np.unique(run.spikes[name].neurons)}


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Draw a rich network, integer or float, with any populations as inputs and outputs."""
    network = draw(rich_networks(integer=draw(st.booleans())))
    names = list(network.populations)
    some = st.lists(st.sampled_from(names), unique=True, min_size=1)
    sources = [name for name in names if network.populations[name].neuron is None]
    inputs = sorted({*draw(some), *sources}) if draw(st.booleans()) else None
    return Network(
        network.populations,
        network.projections,
        inputs=inputs,
        outputs=draw(some) if draw(st.booleans()) else None,
    )


@given(networks())
@settings(max_examples=60, deadline=None)
def test_effective_synapses_are_those_of_a_search_from_every_neuron(network: Network) -> None:
    live = slow_live(network, nodes(network, network.inputs))
    assert effective_synapses(network) == {name: sum(marks) for name, marks in live.items()}


@given(networks())
@settings(max_examples=40, deadline=None)
def test_remove_dead_keeps_what_a_spike_can_come_along(network: Network) -> None:
    sources = [n for n, p in network.populations.items() if p.neuron is None]
    alone = {
        (name, int(i))
        for name, p in network.populations.items()
        if p.neuron is not None
        for i in np.flatnonzero(fires_alone(p.neuron, p.size))
    }
    assert fires_in_the_simulator(network) <= alone
    live = slow_live(network, nodes(network, [*network.inputs, *sources]) | alone)
    smaller = remove_dead(network)
    for before, after in zip(network.projections, smaller.projections, strict=True):
        marks = np.array(live[before.name], dtype=bool)
        rows, expected = after.synapses.by_post, before.synapses.by_post
        assert np.array_equal(after.synapses.post, before.synapses.post[marks])
        assert np.array_equal(rows.pre, expected.pre[marks])
        assert np.array_equal(rows.weights, expected.weights[marks])
        assert rows.weights.dtype == expected.weights.dtype
        if expected.delays is not None and rows.delays is not None:
            assert np.array_equal(rows.delays, expected.delays[marks])
        if marks.any():
            assert before.synapses.constant_weight == after.synapses.constant_weight
    assert remove_dead(smaller) is smaller


@given(networks(), st.data())
@settings(max_examples=60, deadline=None)
def test_outputs_spike_the_same(network: Network, data: st.DataObject) -> None:
    given_inputs = data.draw(rich_inputs(network, N_STEPS, random=False))
    # stimuli of populations that are no inputs are outside of the promise
    driven = {*network.inputs, *(n for n, p in network.populations.items() if p.neuron is None)}
    inputs = {name: spec for name, spec in given_inputs.items() if name in driven}
    before = simulate(network, inputs, N_STEPS)
    for smaller in (remove_dead(network), compact(network)):
        after = simulate(smaller, inputs, N_STEPS)
        for name in network.outputs:
            assert np.array_equal(before.spikes[name].steps, after.spikes[name].steps)
            assert np.array_equal(before.spikes[name].neurons, after.spikes[name].neurons)


@given(networks())
@settings(max_examples=60, deadline=None)
def test_compact_leaves_no_hidden_neuron_without_a_synapse(network: Network) -> None:
    small = compact(network)
    assert small.n_synapses == remove_dead(network).n_synapses
    assert small.inputs == network.inputs
    assert small.outputs == network.outputs
    fixed = {*network.inputs, *network.outputs}
    live = live_neurons(network)
    for name, population in network.populations.items():
        if name in fixed or population.neuron is None:
            assert small.populations[name] == population
            continue
        if name not in small.populations:
            assert live[name].size == 0
            continue
        degree = np.zeros(small.populations[name].size, dtype=np.int64)
        for p in small.projections:
            degree += p.synapses.fan_in if p.target == name else 0
            degree += p.synapses.fan_out if p.source == name else 0
        assert degree.min() > 0
        assert degree.size == live[name].size
    again = compact(small)
    assert again.populations == small.populations
    assert [p.synapses for p in again.projections] == [p.synapses for p in small.projections]


def chain(bias: float, *, dv: float = 0.1) -> Network:
    """One synapse onto the first of two hidden neurons, and one from each to the output."""
    hidden = Population(2, LIF(bias=[0.0, bias], dv=dv))
    return Network(
        {"in": Population(1), "hidden": hidden, "out": Population(1, LIF(vth=0.9))},
        [
            Projection("in", "hidden", Synapses.from_edges([0], [0], 1.0, n_pre=1, n_post=2)),
            Projection("hidden", "out", Synapses.all_to_all([[1.0, 1.0]])),
        ],
    )


@pytest.mark.parametrize(
    ("bias", "dv", "stays"),
    [(0.0, 0.1, 1), (-1.0, 0.1, 1), (0.09, 0.1, 1), (0.11, 0.1, 2), (1e-6, 0.0, 2)],
)
def test_an_unreachable_neuron_stays_if_its_bias_makes_it_fire(
    bias: float, dv: float, stays: int
) -> None:
    network = chain(bias, dv=dv)
    assert effective_synapses(network) == {"in->hidden": 1, "hidden->out": 1}
    assert remove_dead(network).n_synapses == 1 + stays
    small = compact(network)
    assert small.populations["hidden"].size == stays
    spikes = simulate(network, n_steps=50).spikes["out"]
    assert np.array_equal(simulate(small, n_steps=50).spikes["out"].steps, spikes.steps)
    assert (spikes.n_spikes > 0) == (bias > 0.1)


@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_neuron_fires_alone_unmarked(reset: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    n = 2000
    dv, vth = rng.random(n) ** 3, rng.uniform(0.01, 5, n)
    bias = vth * (dv + rng.normal(0, 3e-7, n))  # at the edge
    neuron = LIF(dv=dv, vth=vth, bias=bias, reset=reset, v_reset=-vth)
    run = simulate(Network({"alone": Population(n, neuron)}), n_steps=5000, dtype=dtype)
    fired = np.unique(run.spikes["alone"].neurons)
    assert fired.size > 100
    assert fires_alone(neuron, n)[fired].all()


@given(st.integers(0, 4095), st.integers(0, 300), st.integers(-20, 400), st.integers(0, 4))
@settings(max_examples=80, deadline=None)
def test_no_integer_neuron_fires_alone_unmarked(
    dv: int, vth: int, mantissa: int, exponent: int
) -> None:
    neuron = FixedPointLIF(dv=dv, vth=vth, bias_mant=mantissa, bias_exp=exponent)
    fired = simulate(Network({"alone": Population(1, neuron)}), n_steps=20_000)
    assert not fired.activity.total_spikes or fires_alone(neuron, 1).all()


def test_bias_far_from_the_edge_is_not_taken_for_firing() -> None:
    assert not fires_alone(LIF(dv=0.1, vth=1, bias=0.0999), 3).any()
    assert fires_alone(LIF(dv=0.1, vth=1, bias=[0.2, 0.05, 0.2]), 3).tolist() == [True, False, True]
    assert not fires_alone(FixedPointLIF(dv=4095, vth=10, bias_mant=9, bias_exp=6), 1).any()


def test_loops_beside_the_path_are_dead_and_on_it_are_not() -> None:
    # 0 <-> 1 are driven but lead nowhere, 2 -> 3 -> 2 lie on the way, 4 <-> 5 are never driven
    own = Synapses.from_edges([0, 1, 2, 3, 4, 5, 4], [1, 0, 3, 2, 5, 4, 2], 1.0, n_pre=6, n_post=6)
    network = Network(
        {"in": Population(2), "hidden": Population(6, LIF()), "out": Population(1, LIF())},
        [
            Projection("in", "hidden", Synapses.from_edges([0, 1], [0, 2], 1.0, n_pre=2, n_post=6)),
            Projection("hidden", "hidden", own),
            Projection("hidden", "out", Synapses.from_edges([3], [0], 1.0, n_pre=6, n_post=1)),
        ],
    )
    expected = {"in->hidden": 1, "hidden->hidden": 2, "hidden->out": 1}
    assert effective_synapses(network) == expected
    small = compact(network)
    assert small.populations["hidden"].size == 2
    assert {p.name: p.synapses.n_active for p in small.projections} == expected


def test_a_population_without_live_neurons_goes_and_vectors_follow() -> None:
    populations = {
        "in": Population(2),
        "aside": Population(3, LIF()),
        "hidden": Population(3, LIF(vth=[1.0, 2.0, 3.0])),
        "out": Population(1, LIF()),
    }
    network = Network(
        populations,
        [
            Projection("in", "aside", Synapses.all_to_all(np.ones((3, 2), np.float32))),
            Projection("in", "hidden", Synapses.from_edges([1], [2], 1.0, n_pre=2, n_post=3)),
            Projection("hidden", "out", Synapses.all_to_all([[1.0, 1.0, 1.0]])),
        ],
        outputs=["out"],
    )
    small = compact(network)
    assert list(small.populations) == ["in", "hidden", "out"]
    neuron = small.populations["hidden"].neuron
    assert isinstance(neuron, LIF)
    assert np.asarray(neuron.vth).tolist() == [3.0]
    assert small.n_synapses == 2


def test_a_long_path_takes_time_of_its_length() -> None:
    n = 20_000
    own = Synapses.from_edges(np.arange(n - 1), np.arange(1, n), 1.0, n_pre=n, n_post=n)
    network = Network(
        {"in": Population(1), "hidden": Population(n, LIF()), "out": Population(1, LIF())},
        [
            Projection("in", "hidden", Synapses.from_edges([0], [0], 1.0, n_pre=1, n_post=n)),
            Projection("hidden", "hidden", own),
            Projection("hidden", "out", Synapses.from_edges([n - 1], [0], 1.0, n_pre=n, n_post=1)),
        ],
    )
    assert effective_synapses(network)["hidden->hidden"] == n - 1


def lenet(density: float, seed: int) -> Network:
    rng = np.random.default_rng(seed)
    names, sizes = ["in", "h1", "h2", "out"], [784, 300, 100, 10]
    populations = {
        name: Population(size, LIF() if name != "in" else None)
        for name, size in zip(names, sizes, strict=True)
    }
    projections = [
        Projection(a, b, Synapses.random(m, n, density=density, rng=rng))
        for a, b, m, n in zip(names, names[1:], sizes, sizes[1:], strict=False)
    ]
    return Network(populations, projections)


@pytest.mark.parametrize(("density", "low", "high"), [(0.05, 0.75, 0.92), (0.005, 0.01, 0.06)])
def test_random_lenet_is_sparser_than_it_says(density: float, low: float, high: float) -> None:
    shares = []
    for seed in range(5):
        network = lenet(density, seed)
        shares.append(sum(effective_synapses(network).values()) / network.n_synapses)
    assert low < np.mean(shares) <= high


def test_random_lenet_at_a_thousandth_is_all_but_dead() -> None:
    networks = [lenet(0.001, seed) for seed in range(5)]
    assert np.mean([sum(effective_synapses(net).values()) for net in networks]) < 5
