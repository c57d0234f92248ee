"""The event-driven float engine against the dense reference: equal, without tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.network import LIF, Network, Population, Projection, Spikes, Synapses
from tests.simulate.agreement import assert_agrees, roughen, run_and_reference
from tests.strategies.exact import drives, feed_forward_networks, recurrent_networks

N_STEPS = 12
DTYPES = (np.float32, np.float64)
ANY_NETWORK = st.one_of(
    recurrent_networks(max_delay=4), feed_forward_networks(max_delay=4, max_receptors=3)
)


@given(st.data(), ANY_NETWORK, st.sampled_from(DTYPES))
def test_exact_numbers(data: st.DataObject, network: Network, dtype: Any) -> None:
    inputs = data.draw(drives(network, N_STEPS))
    run, dense = run_and_reference(network, inputs, N_STEPS, dtype)
    assert_agrees(run, dense)


@given(st.data(), ANY_NETWORK, st.sampled_from(DTYPES), st.integers(0, 2**32 - 1))
def test_rounded_numbers(data: st.DataObject, network: Network, dtype: Any, seed: int) -> None:
    rough = roughen(network, np.random.default_rng(seed))
    inputs = data.draw(drives(rough, N_STEPS))
    run, dense = run_and_reference(rough, inputs, N_STEPS, dtype)
    assert_agrees(run, dense)


@given(st.data(), ANY_NETWORK, st.sampled_from(DTYPES), st.integers(1, 5))
def test_reset_every(data: st.DataObject, network: Network, dtype: Any, every: int) -> None:
    run, dense = run_and_reference(
        network, data.draw(drives(network, N_STEPS)), N_STEPS, dtype, every
    )
    assert_agrees(run, dense)


@given(st.data(), ANY_NETWORK, st.sampled_from(DTYPES), st.integers(0, 2**32 - 1))
def test_currents(data: st.DataObject, network: Network, dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs: dict[str, Any] = dict(data.draw(drives(network, N_STEPS)))
    for name, population in network.populations.items():
        if population.neuron is not None and data.draw(st.booleans()):
            # some end before the run does: silent afterwards
            inputs[name] = rng.normal(0, 1, (data.draw(st.integers(1, N_STEPS)), population.size))
    run, dense = run_and_reference(network, inputs, N_STEPS, dtype)
    assert_agrees(run, dense)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_large_recurrent_network(rng: np.random.Generator, dtype: Any, reset: Any) -> None:
    """A network that stays alive for 400 steps; every membrane sum is rounded."""
    n, m = 60, 20
    neuron = LIF(
        du=(0.3, 0.55),
        dv=rng.uniform(0.05, 0.3, n),
        vth=rng.uniform(0.8, 1.2, n),
        bias=rng.uniform(0.0, 0.15, n),
        v_reset=rng.uniform(-0.5, 0.0, n),
        refractory=2,
        reset=reset,
    )

    def wire(n_pre: int, n_post: int, mean: float) -> Synapses:
        return Synapses.random(
            n_pre,
            n_post,
            density=0.2,
            weights=lambda r, k: r.normal(mean, 0.1, k),
            rng=rng,
            dtype=np.float64,
        )

    network = Network(
        {
            "drive": Population(15),
            "exc": Population(n, neuron),
            "inh": Population(m, LIF(du=0.7, dv=0.15, refractory=1)),
            "late": Population(9),
        },
        [
            Projection("drive", "exc", wire(15, n, 0.3), delay=3),
            Projection("late", "exc", wire(9, n, 0.2), delay=1),
            Projection("exc", "exc", wire(n, n, 0.05), delay=2),
            Projection("exc", "exc", wire(n, n, 0.02), delay=2, name="second"),
            Projection("exc", "inh", wire(n, m, 0.1)),
            Projection("inh", "exc", wire(m, n, -0.2), receptor=1, delay=5),
            Projection("inh", "inh", wire(m, m, -0.1)),
        ],
    )
    inputs = {
        "drive": rng.random((400, 15)) < 0.1,
        "late": Spikes.from_raster(rng.random((300, 9)) < 0.2),
    }
    run, dense = run_and_reference(network, inputs, 400, dtype)
    assert_agrees(run, dense)
    for name in ("exc", "inh"):  # alive, neither silent nor saturated
        assert 0.01 < dense.rasters[name].mean() < 0.3


@pytest.mark.parametrize("delay", [1, 2, 100, 254, 255])
def test_projection_delay(delay: int) -> None:
    synapses = Synapses.from_edges([0], [0], 2.0, n_pre=1, n_post=1)
    network = Network(
        {"in": Population(1), "out": Population(1, LIF())},
        [Projection("in", "out", synapses, delay=delay)],
    )
    inputs = {"in": Spikes([0, 3, 250], [0, 0, 0], 260, 1)}
    run, dense = run_and_reference(network, inputs, 520, np.float32)
    assert_agrees(run, dense)
    assert np.flatnonzero(dense.rasters["out"]).tolist() == [delay, delay + 3, delay + 250]


def test_every_delay_at_once() -> None:
    """One spike, 255 synapses with delays 1 to 255: one target fires per step."""
    delays = np.arange(1, 256)
    pre, post = np.zeros(255, np.int64), np.arange(255)[::-1]
    synapses = Synapses.from_edges(pre, post, 2.0, n_pre=1, n_post=255, delays=delays)
    network = Network(
        {"in": Population(1), "out": Population(255, LIF())},
        # the delays of the synapses override that of the projection
        [Projection("in", "out", synapses, delay=7)],
    )
    run, dense = run_and_reference(network, {"in": np.ones((1, 1))}, 300, np.float32)
    assert_agrees(run, dense)
    steps, neurons = np.nonzero(dense.rasters["out"])
    assert steps.tolist() == delays.tolist()
    assert neurons.tolist() == post.tolist()


def test_self_projection_rings_for_ever() -> None:
    synapses = Synapses.from_edges([0, 1, 2], [1, 2, 0], 2.0, n_pre=3, n_post=3)
    network = Network(
        {"in": Population(1), "ring": Population(3, LIF())},
        [
            Projection("in", "ring", Synapses.from_edges([0], [0], 2.0, n_pre=1, n_post=3)),
            Projection("ring", "ring", synapses, delay=4),
        ],
    )
    run, dense = run_and_reference(network, {"in": np.ones((1, 1))}, 30, np.float64)
    assert_agrees(run, dense)
    assert np.argwhere(dense.rasters["ring"]).tolist() == [[1 + 4 * k, k % 3] for k in range(8)]


def test_population_without_projections() -> None:
    """Nothing but a bias: fires every third step."""
    network = Network({"alone": Population(2, LIF(dv=0.0, bias=0.5, vth=1.25))})
    run, dense = run_and_reference(network, {}, 9, np.float32)
    assert_agrees(run, dense)
    assert np.flatnonzero(dense.rasters["alone"][:, 0]).tolist() == [2, 5, 8]
