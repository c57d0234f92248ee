"""What must hold for any network, whatever the numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from neurosparse.network import LIF, Network, Population, Projection, Synapses
from neurosparse.simulate import simulate
from tests.simulate.agreement import all_probes, assert_same_run
from tests.strategies.exact import drives, recurrent_networks, spikes

N_STEPS = 12


def with_neurons(network: Network, change: Callable[[LIF], LIF]) -> Network:
    """Change the parameters of every LIF population."""
    populations = {
        name: dataclasses.replace(population, neuron=change(population.neuron))
        if isinstance(population.neuron, LIF)
        else population
        for name, population in network.populations.items()
    }
    return Network(populations, network.projections, inputs=network.inputs, outputs=network.outputs)


def without_bias(neuron: LIF) -> LIF:
    return dataclasses.replace(neuron, bias=0.0)


@given(recurrent_networks(), st.integers(1, 40))
def test_without_input_nothing_happens(network: Network, n_steps: int) -> None:
    network = with_neurons(network, without_bias)
    run = simulate(network, {}, n_steps, probes=all_probes(network))
    assert run.activity.total_spikes == run.activity.total_synaptic_events == 0
    assert not any(trace.any() for trace in run.traces.values())


@given(st.data(), recurrent_networks(max_delay=4))
def test_disjoint_spikes_add_up(data: st.DataObject, network: Network) -> None:
    """Below threshold the network is linear: u and v of two inputs are the sums of each alone."""
    network = with_neurons(
        network, lambda n: dataclasses.replace(without_bias(n), vth=1e9, v_reset=0.0)
    )
    probes = all_probes(network)
    both = data.draw(drives(network, N_STEPS))["in"]
    split = data.draw(drives(network, N_STEPS))["in"].astype(bool)
    runs = [
        simulate(network, {"in": raster}, probes=probes, dtype=np.float64)
        for raster in (both, both * split, both * ~split)
    ]
    for probe in probes:
        whole, left, right = (run.traces[probe] for run in runs)
        np.testing.assert_array_equal(whole, left + right)
    whole_events, left_events, right_events = (run.activity.total_synaptic_events for run in runs)
    assert whole_events == left_events + right_events


@given(st.data(), recurrent_networks(max_delay=4), st.integers(0, 2**32 - 1))
def test_relabelled_neurons_do_the_same(data: st.DataObject, network: Network, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # new[name][old number] = new number
    new = {name: rng.permutation(p.size) for name, p in network.populations.items()}

    def relabel(name: str, value: Any) -> Any:
        return value if np.ndim(value) == 0 else np.asarray(value)[np.argsort(new[name])]

    populations = {}
    for name, population in network.populations.items():
        neuron = population.neuron
        if isinstance(neuron, LIF):
            vectors = {key: relabel(name, getattr(neuron, key)) for key in ("dv", "vth", "bias")}
            vectors["v_reset"] = relabel(name, neuron.v_reset)
            neuron = dataclasses.replace(neuron, **vectors)
        populations[name] = Population(population.size, neuron)
    projections: list[Projection] = []
    for p in network.projections:
        s = p.synapses
        moved = Synapses.from_edges(
            new[p.source][s.indices],
            new[p.target][s.post],
            s.weights,
            n_pre=s.n_pre,
            n_post=s.n_post,
            delays=s.delays,
        )
        projections.append(dataclasses.replace(p, synapses=moved))
    renamed = Network(populations, projections, inputs=network.inputs, outputs=network.outputs)
    raster = data.draw(drives(network, N_STEPS))["in"]
    one = simulate(network, {"in": raster}, dtype=np.float64)
    two = simulate(renamed, {"in": raster[:, np.argsort(new["in"])]}, dtype=np.float64)
    for name in network.populations:
        np.testing.assert_array_equal(
            one.spikes[name].raster(), two.spikes[name].raster()[:, new[name]]
        )
    assert one.activity == two.activity


@given(st.data(), recurrent_networks(), st.integers(1, 6))
def test_later_input_gives_later_spikes(data: st.DataObject, network: Network, by: int) -> None:
    """Nothing depends on the number of a step."""
    network = with_neurons(network, without_bias)
    raster = data.draw(drives(network, N_STEPS))["in"]
    later = np.vstack([np.zeros((by, raster.shape[1]), np.uint8), raster])
    one, two = simulate(network, {"in": raster}), simulate(network, {"in": later})
    for name in network.populations:
        assert one.spikes[name] == two.spikes[name].window(by, by + N_STEPS)
    assert one.activity.spikes == two.activity.spikes


@given(st.data(), recurrent_networks())
def test_gaps_between_spikes_respect_the_refractory_time(
    data: st.DataObject, network: Network
) -> None:
    run = simulate(network, data.draw(drives(network, 3 * N_STEPS)))
    for name, population in network.populations.items():
        if population.neuron is not None:
            assert isinstance(population.neuron, LIF)
            for column in run.spikes[name].raster().T:
                gaps = np.diff(np.flatnonzero(column))
                assert (gaps > population.neuron.refractory).all()


@given(st.data(), recurrent_networks(max_delay=4))
def test_a_projection_can_be_split(data: st.DataObject, network: Network) -> None:
    """Two projections that share the synapses of one do what the one does (sums are exact)."""
    whole = network.projections[0]
    s = whole.synapses
    assume(s.n_active > 0)
    first = np.array(data.draw(st.lists(st.booleans(), min_size=s.n_active, max_size=s.n_active)))
    parts = [
        Projection(
            whole.source,
            whole.target,
            Synapses.from_edges(
                s.indices[part],
                s.post[part],
                s.weights[part],
                n_pre=s.n_pre,
                n_post=s.n_post,
                delays=None if s.delays is None else s.delays[part],
            ),
            whole.delay,
            whole.receptor,
            name,
        )
        for name, part in (("left", first), ("right", ~first))
    ]
    split = Network(
        network.populations,
        [*parts, *network.projections[1:]],
        inputs=network.inputs,
        outputs=network.outputs,
    )
    inputs = data.draw(drives(network, N_STEPS))
    probes = all_probes(network)
    one = simulate(network, inputs, probes=probes)
    two = simulate(split, inputs, probes=probes)
    # a part without synapses may have another longest delay, and so leave less room in the state
    assert_same_run(dataclasses.replace(one, activity=two.activity, state=two.state), two)
    events = two.activity.synaptic_events
    assert one.activity.synaptic_events[whole.name] == events["left"] + events["right"]


@given(spikes())
def test_sources_pass_their_spikes_through(given_spikes: Any) -> None:
    network = Network({"in": Population(given_spikes.n_neurons)})
    run = simulate(network, {"in": given_spikes})
    assert run.spikes["in"] == given_spikes
    assert run.activity.total_neuron_updates == 0
