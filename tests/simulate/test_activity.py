"""Counts are counted: they agree with counts made from the recorded spikes alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.network import LIF, Network, Population, Projection, Synapses
from neurosparse.simulate import simulate
from tests.reference.dense import dense_mask
from tests.strategies.exact import drives, integer_networks, recurrent_networks

N_STEPS = 12


@given(st.data(), st.one_of(recurrent_networks(), integer_networks(max_delay=3)))
def test_counts_follow_from_the_spikes(data: st.DataObject, network: Network) -> None:
    run = simulate(network, data.draw(drives(network, N_STEPS)))
    activity = run.activity
    assert activity.n_steps == N_STEPS
    for name, spikes in run.spikes.items():
        assert activity.spikes[name] == spikes.raster().sum()
    for projection in network.projections:
        raster = run.spikes[projection.source].raster().astype(np.int64)
        by_matrix = (raster @ dense_mask(projection).T).sum()
        by_fan_out = projection.synapses.fan_out[run.spikes[projection.source].neurons].sum()
        assert activity.synaptic_events[projection.name] == by_matrix == by_fan_out
    assert activity.neuron_updates == {
        name: population.size * N_STEPS
        for name, population in network.populations.items()
        if population.neuron is not None
    }
    assert activity.total_spikes == sum(s.n_spikes for s in run.spikes.values())


def test_a_weight_of_zero_is_a_synapse() -> None:
    synapses = Synapses.from_edges([0, 0], [0, 1], np.float32([0, 1]), n_pre=1, n_post=2)
    network = Network(
        {"in": Population(1), "out": Population(2, LIF())}, [Projection("in", "out", synapses)]
    )
    activity = simulate(network, {"in": np.ones((5, 1))}).activity
    assert activity.synaptic_events == {"in->out": 10}


def test_spikes_of_the_last_step_are_counted() -> None:
    """They are delivered, though nobody lives to see them."""
    network = Network(
        {"in": Population(1), "out": Population(3, LIF())},
        [Projection("in", "out", Synapses.all_to_all(np.ones((3, 1))), delay=200)],
    )
    assert simulate(network, {"in": [[1]]}).activity.total_synaptic_events == 3
