"""Compare a run of the engine with a reference, name by name, bit by bit."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from neurosparse.network import LIF, Network, Population, Projection, Spikes
from neurosparse.simulate import Overflow, Probe, Run, State, simulate
from tests.reference.dense import DenseRun, run_dense
from tests.reference.fixed_point import FixedPointRun, run_fixed_point

__all__ = [
    "all_probes",
    "assert_agrees",
    "assert_same_run",
    "assert_same_spikes",
    "joined",
    "reference_run",
    "roughen",
    "run_and_reference",
]


def all_probes(network: Network) -> list[Probe]:
    """Return a probe for every u and v there is."""
    probes = []
    for name, population in network.populations.items():
        if population.neuron is not None:
            receptors = range(population.neuron.n_receptors)
            probes += [Probe(name, "v"), *(Probe(name, "u", receptor=r) for r in receptors)]
    return probes


def assert_same_spikes(run: Run, dense: DenseRun | FixedPointRun) -> None:
    """Every spike of every recorded population is the same."""
    for name, spikes in run.spikes.items():
        np.testing.assert_array_equal(spikes.raster(), dense.rasters[name], err_msg=name)
        np.testing.assert_array_equal(run.counts[name], (dense.rasters[name] != 0).sum(axis=1))


def assert_same_state(one: State, other: State) -> None:
    """Two states are the same, and if not, say where."""
    for name in ("u", "v", "wait", "pending"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert list(mine) == list(theirs), name
        for of, array in mine.items():
            np.testing.assert_array_equal(array, theirs[of], err_msg=f"{name} of {of}")
    assert one.recent == other.recent
    assert one == other


def assert_same_run(run: Run, other: Run) -> None:
    """Two runs of the engine give the same, bit for bit."""
    assert (run.start, run.n_steps) == (other.start, other.n_steps)
    assert run.spikes == other.spikes
    assert run.activity == other.activity
    assert run.overflows == other.overflows
    assert run.counts.keys() == other.counts.keys()
    for name, counts in run.counts.items():
        np.testing.assert_array_equal(counts, other.counts[name], err_msg=name)
    assert run.traces.keys() == other.traces.keys()
    for probe, trace in run.traces.items():
        assert trace.dtype == other.traces[probe].dtype
        np.testing.assert_array_equal(trace, other.traces[probe], err_msg=str(probe))
    assert_same_state(run.state, other.state)


def reference_run(network: Network, *args: Any, dtype: Any, **options: Any) -> Any:
    """Run the reference that the arithmetic of ``network`` calls for."""
    if network.is_integer:
        return run_fixed_point(network, *args, **options)
    return run_dense(network, *args, dtype=dtype, **options)


def run_and_reference(
    network: Network,
    inputs: dict[str, Any],
    n_steps: int,
    dtype: Any = np.float32,
    reset_every: int | None = None,
) -> tuple[Run, Any]:
    """Run the engine, every u and v recorded, and the reference."""
    probes = all_probes(network)
    run = simulate(network, inputs, n_steps, probes=probes, dtype=dtype, reset_every=reset_every)
    slow = reference_run(network, inputs, n_steps, dtype=dtype, reset_every=reset_every)
    return run, slow


def assert_agrees(run: Run, slow: Any) -> None:
    """Compare spikes, every trace, counted events and the final state with a reference."""
    assert_same_spikes(run, slow)
    for probe, trace in run.traces.items():
        table = (slow.v if probe.variable == "v" else slow.u)[probe.population]
        if table.ndim == 3:
            table = table[:, probe.receptor]
        assert trace.dtype == table.dtype
        sampled = table[-run.start % probe.every :: probe.every]
        neurons = slice(None) if probe.neurons is None else list(probe.neurons)
        np.testing.assert_array_equal(trace, sampled[:, neurons], err_msg=str(probe))
    assert run.activity.synaptic_events == slow.synaptic_events
    assert run.activity.spikes == {name: int((r != 0).sum()) for name, r in slow.rasters.items()}
    assert run.overflows == (slow.overflows if isinstance(slow, FixedPointRun) else {})
    assert_same_state(run.state, slow.state)


def joined(pieces: list[Run]) -> Run:
    """Put the pieces of a run together as if they were one."""
    first, last = pieces[0], pieces[-1]
    activity = first.activity
    events = {
        n: sum(p.activity.synaptic_events[n] for p in pieces) for n in activity.synaptic_events
    }
    updates = {
        n: sum(p.activity.neuron_updates[n] for p in pieces) for n in activity.neuron_updates
    }
    return Run(
        first.start,
        sum(piece.n_steps for piece in pieces),
        {name: Spikes.joined([p.spikes[name] for p in pieces]) for name in first.spikes},
        {name: np.concatenate([p.counts[name] for p in pieces]) for name in first.counts},
        {probe: np.concatenate([p.traces[probe] for p in pieces]) for probe in first.traces},
        dataclasses.replace(
            activity,
            n_steps=sum(p.n_steps for p in pieces),
            spikes={n: sum(p.activity.spikes[n] for p in pieces) for n in activity.spikes},
            synaptic_events=events,
            neuron_updates=updates,
        ),
        last.state,
        last.network,
        {
            name: Overflow(*np.sum([piece.overflows[name] for piece in pieces], axis=0).tolist())
            for name in first.overflows
        },
    )


def roughen(network: Network, rng: np.random.Generator) -> Network:
    """Replace the even numbers of the shared strategies by such that every sum is rounded."""
    populations = {}
    for name, population in network.populations.items():
        neuron = population.neuron
        if isinstance(neuron, LIF):
            neuron = dataclasses.replace(
                neuron,
                du=tuple(rng.random(neuron.n_receptors)),
                dv=rng.random(population.size),
                bias=rng.normal(0, 0.3, population.size),
            )
        populations[name] = Population(population.size, neuron)
    projections: list[Projection] = []
    for projection in network.projections:
        weights = rng.normal(0.3, 1, projection.synapses.n_active)
        synapses = projection.synapses.with_weights(
            weights.astype(projection.synapses.weights.dtype)
        )
        projections.append(dataclasses.replace(projection, synapses=synapses))
    return Network(populations, projections, inputs=network.inputs, outputs=network.outputs)
