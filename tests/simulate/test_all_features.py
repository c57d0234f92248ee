"""Every feature crossed with every other, against the slow references, without tolerance."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosparse.network import LIF, Network, Population, Projection, Synapses
from neurosparse.simulate import Poisson, Probe, Recording, Run, State, parts, simulate
from tests.simulate.agreement import (
    all_probes,
    assert_agrees,
    assert_same_run,
    joined,
    reference_run,
)
from tests.strategies.rich import rich_inputs, rich_networks, rich_states

N_STEPS = 18
one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class Case:
    """A network, what drives it and where it begins."""

    def __init__(self, data: st.DataObject, kind: Any, *, n_steps: int = N_STEPS) -> None:
        self.integer = kind == "integer"
        self.dtype = np.float32 if self.integer else kind
        self.network: Network = data.draw(rich_networks(integer=self.integer, dtype=self.dtype))
        self.state: State = data.draw(rich_states(self.network, self.dtype))
        self.n_steps = n_steps
        self.inputs = data.draw(rich_inputs(self.network, n_steps))
        self.reset_every = data.draw(st.sampled_from((None, None, 1, 4, 7)))
        self.probes = all_probes(self.network)
        if data.draw(st.booleans()):  # tables are in absolute time: let some reach into the run
            self.state = dataclasses.replace(self.state, step=data.draw(st.integers(0, 5)))

    def run(self, n_steps: int | None = None, **options: Any) -> Run:
        options = {"state": self.state, "probes": self.probes, **options}
        return simulate(
            self.network,
            self.inputs,
            self.n_steps if n_steps is None else n_steps,
            dtype=self.dtype,
            reset_every=self.reset_every,
            **options,
        )

    def slow(self, n_steps: int | None = None) -> Any:
        return reference_run(
            self.network,
            self.inputs,
            self.n_steps if n_steps is None else n_steps,
            dtype=self.dtype,
            reset_every=self.reset_every,
            state=self.state,
        )


kinds = pytest.mark.parametrize("kind", [np.float32, np.float64, "integer"])


@kinds
@given(data=st.data())
def test_reference_and_threads(kind: Any, data: st.DataObject) -> None:
    case = Case(data, kind)
    slow = case.slow()
    for threads in (1, 2, 3, 5):
        with pytest.MonkeyPatch.context() as patched:
            # so little that a thread has several parts wherever a synapse has its own delay
            patched.setattr(parts, "RING_BYTES", data.draw(st.sampled_from((300, 1 << 20))))
            assert_agrees(case.run(threads=threads), slow)


@kinds
@one_folder
@given(data=st.data())
def test_pieces(tmp_path: Path, kind: Any, data: st.DataObject) -> None:
    """Cut anywhere, state out and in (through a file, too), threads changed on the way."""
    case = Case(data, kind)
    whole = case.run()
    cuts = sorted(data.draw(st.lists(st.integers(0, N_STEPS), max_size=4)))
    state, pieces = case.state, []
    for begin, end in pairwise([0, *cuts, N_STEPS]):
        pieces.append(
            case.run(end - begin, state=state, threads=data.draw(st.sampled_from((1, 2))))
        )
        state = pieces[-1].state
        if data.draw(st.booleans()):
            state.save(tmp_path / "state.npz")
            state = State.load(tmp_path / "state.npz")
    assert_same_run(whole, joined(pieces))


@kinds
@one_folder
@given(data=st.data())
def test_streamed(tmp_path: Path, kind: Any, data: st.DataObject) -> None:
    """A file holds what memory holds; a run that goes on continues it."""
    pytest.importorskip("h5py", reason="h5py is not installed")
    case = Case(data, kind)
    names = list(case.network.populations)
    record = data.draw(st.lists(st.sampled_from(names), unique=True))
    whole = case.run(record=record)
    path = tmp_path / "run.h5"
    path.unlink(missing_ok=True)
    cut = data.draw(st.integers(1, N_STEPS))
    first = case.run(cut, record=record, stream=path, threads=2)
    second = case.run(N_STEPS - cut, record=record, stream=path, state=first.state)
    assert first.spikes == first.counts == first.traces == {}
    assert second.state == whole.state
    with Recording(path) as recording:
        read = recording.read()
        assert (recording.start, recording.n_steps) == (whole.start, N_STEPS)
    assert read.spikes == whole.spikes
    for name in names:
        np.testing.assert_array_equal(read.counts[name], whole.counts[name])
    for probe, trace in zip(case.probes, read.traces, strict=True):
        np.testing.assert_array_equal(trace, whole.traces[probe])
        assert trace.dtype == whole.traces[probe].dtype


@kinds
@given(data=st.data(), every=st.integers(1, 7))
def test_probes_now_and_then(kind: Any, data: st.DataObject, every: int) -> None:
    case = Case(data, kind)
    probes = []
    for probe in case.probes:
        size = case.network.populations[probe.population].size
        some = data.draw(st.none() | st.lists(st.integers(0, size - 1), max_size=3).map(tuple))
        probes.append(Probe(probe.population, probe.variable, some, probe.receptor, every))
    assert_agrees(case.run(probes=probes, threads=2), case.slow())


@pytest.mark.parametrize("kind", [np.float32, "integer"])
@settings(max_examples=12)
@given(data=st.data())
def test_long_runs(kind: Any, data: st.DataObject) -> None:
    """Longer than the longest delay and several sweeps of small numbers."""
    case = Case(data, kind, n_steps=280)
    slow = case.slow()
    for threads in (1, 3):
        assert_agrees(case.run(threads=threads), slow)


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_a_seed_is_a_seed(data: st.DataObject, seed: int) -> None:
    """The same generator gives the same run, and the state goes on with its streams."""
    case = Case(data, np.float32)
    one, two = (case.run(rng=np.random.default_rng(seed), threads=t) for t in (1, 2))
    assert_same_run(one, two)
    assert one.state.key == int(np.random.default_rng(seed).integers(1 << 63))


def test_many_parts_of_many_neurons(rng: np.random.Generator) -> None:
    """More than four parts begin at whole blocks of 256 random numbers, and share a thread."""
    sizes = {"in": 300, "E": 1100, "I": 270}

    def wire(source: str, target: str, weight: float, **options: Any) -> Projection:
        synapses = Synapses.random(
            sizes[source],
            sizes[target],
            density=0.02,
            weights=lambda r, k: r.normal(weight, 0.02, k),
            delays=lambda r, k: r.integers(1, 40, k),
            rng=rng,
        )
        return Projection(source, target, synapses, **options)

    network = Network(
        {
            "in": Population(sizes["in"]),
            "E": Population(sizes["E"], LIF(du=(0.3, 0.5), dv=0.1, refractory=2)),
            "I": Population(sizes["I"], LIF(du=0.3, dv=rng.random(sizes["I"]))),
        },
        [
            wire("in", "E", 0.2),
            wire("E", "E", 0.02),
            wire("E", "I", 0.05),
            wire("I", "E", -0.2, receptor=1),
        ],
    )
    rates = np.linspace(0, 0.6, sizes["E"])
    inputs: Any = {"in": Poisson(0.1), "E": [Poisson(rates, 0.1), Poisson(0.2, -0.05, 1)]}
    state = State.at_rest(network, v={"E": rng.random(sizes["E"])})
    probes = all_probes(network)
    slow = reference_run(
        network, inputs, 60, dtype=np.float32, state=dataclasses.replace(state, key=77)
    )
    assert 0.01 < slow.rasters["E"].mean() < 0.3
    for ring_bytes, threads in ((1 << 20, 1), (1 << 12, 1), (1 << 20, 2), (1 << 12, 2), (300, 6)):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(parts, "RING_BYTES", ring_bytes)
            run = simulate(
                network,
                inputs,
                60,
                probes=probes,
                state=dataclasses.replace(state, key=77),
                threads=threads,
            )
        assert_agrees(run, slow)


@pytest.mark.parametrize(("dtype", "n_steps"), [(np.float32, 330), (np.float64, 1200)])
def test_small_numbers_vanish_alike(dtype: Any, n_steps: int) -> None:
    """What is no normal number any more is set to zero in the same step however a run is cut."""
    network = Network({"n": Population(3, LIF(du=(0.5, 0.25), dv=0.45, vth=[1.0, 2.0, 1e-30]))})
    state = State.at_rest(network, u={"n": 1.7}, dtype=dtype)
    probes = all_probes(network)
    slow = reference_run(network, {}, n_steps, dtype=dtype, state=state)
    assert not slow.u["n"][-1, 0].any()
    run = simulate(network, {}, n_steps, state=state, dtype=dtype, probes=probes)
    assert_agrees(run, slow)
    pieces = []
    for end in (1, 64, 65, 128, 129, 192, 193, 194, 256, 257, n_steps):
        piece = end - state.step
        pieces.append(simulate(network, {}, piece, state=state, dtype=dtype, probes=probes))
        state = pieces[-1].state
    assert_same_run(run, joined(pieces))


def test_runs_of_one_network_do_not_share_anything(rng: np.random.Generator) -> None:
    """Two runs in turns, of one network, in two arithmetics and under two drives."""
    synapses = Synapses.random(9, 20, density=0.4, rng=rng)
    loop = Synapses.random(20, 20, density=0.2, delays=lambda r, k: r.integers(1, 9, k), rng=rng)
    network = Network(
        {"in": Population(9), "out": Population(20, LIF(dv=0.2, vth=3.0, refractory=2))},
        [Projection("in", "out", synapses), Projection("out", "out", loop)],
    )
    raster = rng.random((30, 9)) < 0.3
    drives: list[Any] = [{"in": raster}, {"in": raster, "out": np.full((30, 20), 0.1)}]
    probes = all_probes(network)
    whole = [simulate(network, drive, 30, probes=probes) for drive in drives]
    pieces: list[list[Run]] = [[], []]
    states: list[State | None] = [None, None]
    for step in range(0, 30, 6):
        for one in (0, 1):
            run = simulate(network, drives[one], 6, state=states[one], probes=probes)
            simulate(network, drives[1 - one], 6, dtype=np.float64)
            pieces[one].append(run)
            states[one] = run.state
        assert run.state.step == step + 6
    assert whole[0].spikes != whole[1].spikes
    for one in (0, 1):
        assert_same_run(whole[one], joined(pieces[one]))
