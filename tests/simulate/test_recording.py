"""What is recorded, and that how it is recorded changes nothing."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosparse.network import (
    LIF,
    FixedPointLIF,
    Network,
    Population,
    Projection,
    Spikes,
    Synapses,
)
from neurosparse.simulate import NoiseCurrent, Poisson, Probe, session, simulate, simulate_batch
from tests.simulate.agreement import all_probes, assert_same_run
from tests.strategies.exact import drives, integer_networks, recurrent_networks

N_STEPS = 12


@pytest.fixture
def small() -> Network:
    rng = np.random.default_rng(4)
    return Network(
        {"in": Population(5), "out": Population(4, LIF(du=(0.5, 0.25), dv=0.1, vth=3.3))},
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
    steps=st.integers(1, 9),
)
def test_chunks_do_not_show(
    monkeypatch: pytest.MonkeyPatch,
    data: st.DataObject,
    network: Network,
    room: int,
    steps: int,
) -> None:
    inputs: dict[str, Any] = dict(data.draw(drives(network, N_STEPS)))
    every = data.draw(st.one_of(st.none(), st.integers(1, 5)))
    last = list(network.populations)[-1]
    inputs[last] = np.ones((7, network.populations[last].size), np.int64)
    options: Any = {"n_steps": N_STEPS + 8, "probes": all_probes(network), "reset_every": every}
    with monkeypatch.context() as patched:
        whole = simulate(network, inputs, **options)
        patched.setattr(session, "_ROOM", room)
        patched.setattr(session, "_MOST_STEPS", steps)
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


def test_few_compiled_versions_serve_every_network(small: Network) -> None:
    """float32, float64, integer: nothing else makes numba compile again."""
    from neurosparse.simulate.batch_kernels import run_samples
    from neurosparse.simulate.engine_kernels import run_parallel, run_serial

    if not hasattr(run_serial, "signatures"):
        pytest.skip("numba is switched off")
    one = Network({"in": Population(1)})
    many = Network(
        {"in": Population(70_000), "out": Population(70_000, LIF(dv=np.full(70_000, 0.5)))},
        [Projection("in", "out", Synapses.from_edges([0], [1], 1.0, n_pre=70_000, n_post=70_000))],
    )
    own = Synapses.from_edges([0, 1], [0, 1], 0.5, n_pre=4, n_post=4, delays=[3, 9])
    delayed = Network({"out": Population(4, LIF())}, [Projection("out", "out", own)])
    neuron = FixedPointLIF()
    synapses = Synapses.from_edges([0], [0], 2, n_pre=2, n_post=2, dtype=np.int16)
    integer = Network(
        {"in": Population(2), "out": Population(2, neuron)}, [Projection("in", "out", synapses)]
    )
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for threads in (1, 2):
            options: Any = {"dtype": dtype, "threads": threads, "rng": rng}
            simulate(small, {"in": np.ones((3, 5))}, **options)
            simulate(small, {"in": Poisson(0.3), "out": NoiseCurrent(0.3)}, 3, **options)
            simulate(small, {"out": np.ones((3, 4))}, **options, probes=all_probes(small))
            simulate(one, {}, 1, **options)
            simulate(many, {"in": Poisson(1.0)}, 1, **options)
            simulate(delayed, {"out": np.ones((3, 4))}, **options)
            simulate(integer, {"in": np.ones((3, 2)), "out": np.ones((3, 2), int)}, **options)
            del options["rng"]
            simulate_batch(small, {"in": np.ones((2, 3, 5))}, **options)
            simulate_batch(small, {"out": np.ones((2, 3, 4))}, **options)
            simulate_batch(small, {"in": np.ones((2, 3, 5), bool)[:, ::-1]}, **options)
            simulate_batch(delayed, {"out": np.ones((1, 3, 4))}, **options)
            simulate_batch(integer, np.ones((1, 3, 2)), **options)
    for run in (run_serial, run_parallel, run_samples):
        # a kernel that calls another one compiles it for the very numbers it passes, too
        groups = {
            tuple(one for one in signature if isinstance(one, numba.types.BaseNamedTuple))
            for signature in run.signatures
        }
        assert all(groups)
        assert len(groups) == 3, run
