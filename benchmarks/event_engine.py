"""The event-driven engine against a dense, clock-driven simulator of the same network.

One source drives one population of LIF neurons. The dense reference multiplies the full weight
matrix with the spike vector of every step, as a dense SNN does; it pays for every potential
synapse, the event-driven engine for spikes and synapses that are there. Both run on one core, and
must give the same spikes before anything is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.harness import Record, side_by_side
from neurosparse import LIF, Network, Population, Projection, Spikes, Synapses
from neurosparse.simulate import simulate

NAME = "event_engine"
N_STEPS = 100
ROUNDS = 7


@dataclass(frozen=True)
class Case:
    """One network and one rate of input."""

    size: int
    density: float
    rate: float  # spikes per source neuron and step

    def __str__(self) -> str:
        return f"n={self.size} density={self.density:g} rate={self.rate:g}"


QUICK = (Case(64, 0.1, 0.05),)
CASES = (
    *(Case(size, 0.1, 0.02) for size in (256, 1024, 4096)),
    *(Case(1024, density, 0.02) for density in (0.01, 0.5, 1.0)),
    *(Case(1024, 0.1, rate) for rate in (0.002, 0.1, 0.5)),
)


def build(case: Case, rng: np.random.Generator) -> tuple[Network, NDArray[np.uint8]]:
    """Return the network and its input raster (N_STEPS, size).

    Weights are multiples of 1/64, so that sums are exact in float32 whatever their order.
    """
    synapses = Synapses.random(
        case.size,
        case.size,
        density=case.density,
        weights=lambda r, n: r.integers(-64, 65, size=n) / 64,
        rng=rng,
    )
    arriving = case.density * case.size * case.rate  # events per neuron and step
    lif = LIF(du=1.0, dv=0.125, vth=2.0 * np.sqrt(1 + arriving))
    network = Network(
        {"in": Population(case.size), "out": Population(case.size, lif)},
        [Projection("in", "out", synapses)],
    )
    raster = rng.random((N_STEPS, case.size)) < case.rate
    return network, raster.astype(np.uint8)


class DenseTwin:
    """The network of `build`, run clock-driven: one dense matrix product in every step."""

    def __init__(self, network: Network) -> None:
        lif = cast("LIF", network.populations["out"].neuron)
        self.weights = network.projections[0].synapses.to_scipy().toarray()
        self.keep = np.float32(1 - lif.dv)
        self.vth = np.float32(lif.vth)

    def run(self, raster: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the raster of the neurons, (n_steps, size)."""
        spikes = raster.astype(np.float32)
        v = np.zeros(self.weights.shape[0], dtype=np.float32)
        fired = np.zeros((raster.shape[0], v.size), dtype=np.uint8)
        for t in range(1, raster.shape[0]):  # one step of delay; du = 1 makes u what arrives
            v = self.keep * v + self.weights @ spikes[t - 1]
            above = v > self.vth
            fired[t] = above
            v[above] = 0.0
        return fired


def run(quick: bool) -> Iterator[Record]:
    """Measure whole runs of N_STEPS steps; laying out the dense matrix is not counted."""
    rng = np.random.default_rng(7)
    for case in QUICK if quick else CASES:
        network, raster = build(case, rng)
        given, twin = {"in": Spikes.from_raster(raster)}, DenseTwin(network)
        result = simulate(network, given)
        if not np.array_equal(result.spikes["out"].raster(), twin.run(raster)):
            raise RuntimeError(f"{case}: the engines disagree; times would mean nothing")
        candidates: dict[str, Callable[[], object]] = {
            "event": partial(simulate, network, given),
            "dense": partial(twin.run, raster),
        }
        with threadpool_limits(1):
            times = side_by_side(candidates, 2 if quick else ROUNDS)
        event, dense = times.seconds["event"], times.seconds["dense"]
        n_events = result.activity.total_synaptic_events
        for metric, samples, unit in (
            ("synaptic events per step", n_events / N_STEPS, "1"),
            ("event-driven, per step", event / N_STEPS * 1e6, "us"),
            ("dense, per step", dense / N_STEPS * 1e6, "us"),
            ("event-driven, per event", event / n_events * 1e9, "ns"),
            ("dense / event-driven", times.ratio("dense", "event"), "1"),
        ):
            yield Record.of(NAME, str(case), metric, samples, unit)
