"""Compare a run of the engine with a reference, name by name, bit by bit."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from neurosparse.network import LIF, Network, Population, Projection
from neurosparse.simulate import Probe, Run, simulate
from tests.reference.dense import DenseRun, run_dense

__all__ = ["all_probes", "assert_same_run", "assert_same_spikes", "check_dense", "roughen"]


def all_probes(network: Network) -> list[Probe]:
    """Return a probe for every u and v there is."""
    probes = []
    for name, population in network.populations.items():
        if population.neuron is not None:
            receptors = range(population.neuron.n_receptors)
            probes += [Probe(name, "v"), *(Probe(name, "u", receptor=r) for r in receptors)]
    return probes


def assert_same_spikes(run: Run, dense: DenseRun) -> None:
    """Every spike of every recorded population is the same."""
    for name, spikes in run.spikes.items():
        np.testing.assert_array_equal(spikes.raster(), dense.rasters[name], err_msg=name)


def assert_same_run(run: Run, other: Run) -> None:
    """Two runs of the engine give the same, bit for bit."""
    assert run.n_steps == other.n_steps
    assert run.spikes == other.spikes
    assert run.activity == other.activity
    assert run.traces.keys() == other.traces.keys()
    for probe, trace in run.traces.items():
        assert trace.dtype == other.traces[probe].dtype
        np.testing.assert_array_equal(trace, other.traces[probe], err_msg=str(probe))


def check_dense(
    network: Network,
    inputs: dict[str, Any],
    n_steps: int,
    dtype: Any,
    reset_every: int | None = None,
) -> DenseRun:
    """Run both; spikes, u, v and counts must be equal, without tolerance."""
    probes = all_probes(network)
    run = simulate(network, inputs, n_steps, probes=probes, dtype=dtype, reset_every=reset_every)
    dense = run_dense(network, inputs, n_steps, dtype=dtype, reset_every=reset_every)
    assert_same_spikes(run, dense)
    for probe, trace in run.traces.items():
        expected = (
            dense.v[probe.population]
            if probe.variable == "v"
            else dense.u[probe.population][:, probe.receptor]
        )
        assert trace.dtype == dtype
        np.testing.assert_array_equal(trace, expected, err_msg=str(probe))
    assert run.activity.synaptic_events == dense.synaptic_events
    assert run.activity.spikes == {name: int(r.sum()) for name, r in dense.rasters.items()}
    return dense


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
