"""What is recorded, and that how it is recorded changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosparse.network import LIF, Network, Population, Projection, Spikes, Synapses
from neurosparse.simulate import Probe, simulate
from neurosparse.simulate import run as run_module
from tests.simulate.agreement import all_probes, assert_same_run
from tests.strategies import drives, integer_networks, recurrent_networks

N_STEPS = 12


@pytest.fixture
def small() -> Network:
    rng = np.random.default_rng(3)
    return Network(
        {"in": Population(5), "out": Population(4, LIF(du=(0.5, 0.25)))},
        [
            Projection("in", "out", Synapses.random(5, 4, density=0.6, rng=rng)),
            Projection("out", "out", Synapses.random(4, 4, density=0.5, rng=rng), receptor=1),
        ],
    )


# the fixture is put back after the test, not after each example; each example sets it anew
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    network=st.one_of(recurrent_networks(max_delay=6), integer_networks(max_delay=6)),
    room=st.integers(1, 60),
)
def test_chunks_do_not_show(
    monkeypatch: pytest.MonkeyPatch, data: st.DataObject, network: Network, room: int
) -> None:
    inputs: dict[str, Any] = dict(data.draw(drives(network, N_STEPS)))
    every = data.draw(st.one_of(st.none(), st.integers(1, 5)))
    last = list(network.populations)[-1]
    inputs[last] = np.ones((7, network.populations[last].size), np.int64)
    options: Any = {"n_steps": N_STEPS + 8, "probes": all_probes(network), "reset_every": every}
    monkeypatch.setattr(run_module, "_SPIKE_BUFFER", 1 << 22)
    whole = simulate(network, inputs, **options)
    monkeypatch.setattr(run_module, "_SPIKE_BUFFER", room)
    assert_same_run(whole, simulate(network, inputs, **options))


@given(st.data(), recurrent_networks())
def test_a_run_repeats_itself(data: st.DataObject, network: Network) -> None:
    inputs = data.draw(drives(network, N_STEPS))
    probes = all_probes(network)
    assert_same_run(
        simulate(network, inputs, probes=probes), simulate(network, inputs, probes=probes)
    )


@given(st.data(), recurrent_networks())
def test_spikes_and_raster_are_the_same_input(data: st.DataObject, network: Network) -> None:
    rasters = data.draw(drives(network, N_STEPS))
    forms: list[dict[str, Any]] = [
        rasters,
        {name: r.astype(bool) for name, r in rasters.items()},
        {name: r.astype(np.float64) for name, r in rasters.items()},
        {name: r.tolist() for name, r in rasters.items()},
        {name: np.asfortranarray(r) for name, r in rasters.items()},
        {name: Spikes.from_raster(r) for name, r in rasters.items()},
    ]
    runs = [simulate(network, form) for form in forms]
    for run in runs[1:]:
        assert_same_run(runs[0], run)
    assert runs[0].spikes["in"] == forms[-1]["in"]


def test_inputs_are_left_alone(small: Network) -> None:
    raster = np.ones((6, 5), np.uint8)
    currents = np.full((6, 4), 0.25, np.float32)
    raster.setflags(write=False)
    currents.setflags(write=False)
    simulate(small, {"in": raster, "out": currents})
    assert (raster == 1).all()
    assert (currents == 0.25).all()


def test_record_keeps_what_is_asked_for(small: Network) -> None:
    inputs = {"in": np.ones((9, 5))}
    everything = simulate(small, inputs)
    for record in ([], ["out"], ["in"], ["out", "in"]):
        run = simulate(small, inputs, record=record)
        assert set(run.spikes) == set(record)
        assert run.activity == everything.activity  # counted, recorded or not
        for name in record:
            assert run.spikes[name] == everything.spikes[name]


def test_probes_pick_neurons_in_their_order(small: Network) -> None:
    every = [Probe("out", "v"), Probe("out", "u"), Probe("out", "u", receptor=1)]
    some = [
        Probe("out", "u", (3, 0), receptor=1),
        Probe("out", "v", (2,)),
        Probe("out", "u", (1, 1, 2)),
        Probe("out", "v", ()),
    ]
    run = simulate(small, {"in": np.ones((9, 5))}, probes=[*some, *every])
    v, u, inhibition = (run.traces[probe] for probe in every)
    assert v.any()
    assert u.any()
    assert inhibition.any()
    picked = [inhibition[:, [3, 0]], v[:, [2]], u[:, [1, 1, 2]], v[:, []]]
    for probe, expected in zip(some, picked, strict=True):
        np.testing.assert_array_equal(run.traces[probe], expected)


@pytest.mark.parametrize("neurons", [[2, 0], np.array([2, 0]), (np.int64(2), np.int64(0))])
def test_probe_takes_any_sequence_of_neurons(small: Network, neurons: Any) -> None:
    probe = Probe("out", "v", neurons)
    assert probe == Probe("out", "v", (2, 0))
    run = simulate(small, {"in": np.ones((9, 5))}, probes=[probe])
    assert run.traces[Probe("out", "v", (2, 0))].shape == (9, 2)


def test_length_of_the_run(small: Network) -> None:
    raster, currents = np.ones((4, 5)), np.ones((6, 4))
    assert simulate(small, {"in": raster}).n_steps == 4
    assert simulate(small, {"in": raster, "out": currents}).n_steps == 6
    short = simulate(small, {"in": raster, "out": currents}, 3)
    assert short.n_steps == 3
    assert short.activity.spikes["in"] == 15
    assert short.spikes["out"] == simulate(small, {"in": raster, "out": currents}).spikes[
        "out"
    ].window(0, 3)
    assert simulate(small, {"in": raster}, 50).activity.spikes["in"] == 20
    empty = simulate(small, {}, 0, probes=[Probe("out", "v")])
    assert empty.spikes["out"].n_spikes == 0
    assert empty.traces[Probe("out", "v")].shape == (0, 4)


def test_three_compiled_versions_serve_every_network(small: Network) -> None:
    """float32, float64, integer: nothing else makes numba compile again."""
    from neurosparse.simulate.engine_kernels import run_steps

    if not hasattr(run_steps, "signatures"):
        pytest.skip("numba is switched off")
    for dtype in (np.float32, np.float64):
        simulate(small, {"in": np.ones((3, 5))}, dtype=dtype)
        simulate(small, {"out": np.ones((3, 4))}, dtype=dtype)
        simulate(Network({"in": Population(1)}), {}, 1, dtype=dtype)
    assert len(run_steps.signatures) <= 3
