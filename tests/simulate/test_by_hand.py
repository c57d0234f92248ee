"""Single neurons worked out by hand, straight from the equations in the docstring of LIF."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosparse.network import LIF, Network, Population, Projection, Synapses
from neurosparse.simulate import Probe, simulate


def drive(neuron: LIF, currents: list[float]) -> tuple[list[int], list[float], list[float]]:
    """Return steps of spikes, u and v of one neuron under currents."""
    u, v = Probe("n", "u"), Probe("n", "v")
    network = Network({"n": Population(1, neuron)})
    table = np.array(currents)[:, None]
    run = simulate(network, {"n": table}, probes=[u, v], dtype=np.float64)
    return (
        run.spikes["n"].steps.tolist(),
        run.traces[u][:, 0].tolist(),
        run.traces[v][:, 0].tolist(),
    )


def test_current_and_membrane_decay() -> None:
    steps, u, v = drive(LIF(du=0.5, dv=0.25, vth=10.0), [1, 0, 0, 0])
    assert steps == []
    assert u == [1, 0.5, 0.25, 0.125]
    assert v == [1, 1.25, 1.1875, 1.015625]


def test_threshold_is_strict() -> None:
    assert drive(LIF(du=1.0, dv=1.0, vth=1.0), [1.0, np.nextafter(1.0, 2.0), 1.0])[0] == [1]


def test_reset_to_v_reset_keeps_u() -> None:
    steps, u, v = drive(LIF(du=0.5, dv=0.0, vth=1.0, v_reset=-0.5), [2, 0, 0])
    assert steps == [0]
    assert u == [2, 1, 0.5]
    assert v == [-0.5, 0.5, 1.0]


def test_reset_by_subtraction_keeps_the_excess() -> None:
    steps, _, v = drive(LIF(du=1.0, dv=0.0, vth=1.0, reset="subtract"), [2.5, 0, 0, 0])
    assert steps == [0, 1]
    assert v == [1.5, 0.5, 0.5, 0.5]


def test_refractory_holds_v_while_u_goes_on() -> None:
    steps, u, v = drive(LIF(du=0.5, dv=0.0, vth=1.0, refractory=2), [4, 0, 0, 0, 0, 0, 0])
    assert steps == [0]  # v is 0 in the steps 1 and 2; u has fallen to 0.5 in step 3
    assert u == [4, 2, 1, 0.5, 0.25, 0.125, 0.0625]
    assert v == [0, 0, 0, 0.5, 0.75, 0.875, 0.9375]


def test_refractory_longer_than_any_run() -> None:
    """The counter is wide: a period of 2^40 steps is not taken for a short one."""
    assert drive(LIF(du=1.0, vth=1.0, refractory=2**40), [2, 2, 2, 2])[0] == [0]


def test_receptors_decay_each_at_their_own_pace() -> None:
    one = Synapses.from_edges([0], [0], 1.0, n_pre=1, n_post=1)
    network = Network(
        {"in": Population(1), "n": Population(1, LIF(du=(0.5, 0.75), dv=0.0, vth=99.0))},
        [
            Projection("in", "n", one),
            Projection("in", "n", one.with_weights(np.float32([-2])), receptor=1, name="inh"),
        ],
    )
    probes = [Probe("n", "u"), Probe("n", "u", receptor=1), Probe("n", "v")]
    run = simulate(network, {"in": np.eye(3, 1)}, probes=probes)
    traces: list[Any] = [run.traces[probe][:, 0].tolist() for probe in probes]
    assert traces == [[0, 1, 0.5], [0, -2, -0.5], [0, -1, -1]]


def test_a_spike_takes_one_step_per_projection() -> None:
    link = Synapses.from_edges([0], [0], 2.0, n_pre=1, n_post=1)
    network = Network(
        {"a": Population(1), "b": Population(1, LIF()), "c": Population(1, LIF())},
        [Projection("a", "b", link), Projection("b", "c", link, delay=3)],
    )
    run = simulate(network, {"a": [[0], [1], [0]]}, 8)
    assert [run.spikes[name].steps.tolist() for name in "abc"] == [[1], [2], [5]]
    assert network.depths == {"a": 0, "b": 1, "c": 4}
