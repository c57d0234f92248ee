"""784-1000-1000-10 at 5 % against scipy CSR, torch CSR and dense torch, one sample and 64.

Inference of a sparse classifier: 5 % of the inputs spike in every one of 100 steps. The peers
multiply a matrix with the spikes of a step, layer by layer, in the same arithmetic: one step of
delay per layer, reset to zero. All must give the same output spikes before anything is timed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.harness import Omitted, Record, Rounds, side_by_side
from benchmarks.peers.clocked import ScipyTwin, TorchTwin
from neurosparse import LIF, Network, Population, Projection, Spikes, Synapses
from neurosparse.errors import BackendMissingError
from neurosparse.simulate import simulate, simulate_batch

NAME = "feed_forward"
OURS = "neurosparse"
LAYERS, QUICK_LAYERS = (784, 1000, 1000, 10), (60, 50, 40, 10)
DENSITY, QUICK_DENSITY = 0.05, 0.3
RATE = 0.05  # spikes per input and step
N_STEPS = 100
SINGLE_STEPS = 1000  # of the one sample at batch 1: its time per step then is not that of the call
BATCH, QUICK_BATCH = 64, 4
THREADS = (1, 2)  # of torch and of ours; scipy has one
ROUNDS = 7
DV = 0.125

Raster = NDArray[np.uint8]
Twins = Mapping[str, ScipyTwin | TorchTwin]
Candidate = Callable[[], object]


def build(layers: tuple[int, ...], density: float, rng: np.random.Generator) -> Network:
    """Return the network.

    Weights are multiples of 1/64, so that sums are exact in float32 whatever their order. The
    thresholds let about 5 % of the neurons of every layer spike in a step.
    """
    names = ["in", *(f"layer {i}" for i in range(1, len(layers)))]
    populations = {names[0]: Population(layers[0])}
    projections = []
    for before, name, n_pre, n_post in zip(names, names[1:], layers, layers[1:], strict=False):
        # the membrane is a random walk that leaks: its deviation, from weights uniform in +-1
        deviation = np.sqrt(density * n_pre * RATE / 3 / (1 - (1 - DV) ** 2))
        populations[name] = Population(n_post, LIF(du=1.0, dv=DV, vth=float(deviation)))
        synapses = Synapses.random(n_pre, n_post, density=density, weights=_sixty_fourths, rng=rng)
        projections.append(Projection(before, name, synapses))
    return Network(populations, projections)


def _sixty_fourths(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return rng.integers(-64, 65, size=n) / 64


def run(quick: bool) -> Iterator[Record | Omitted]:
    """Yield times per step (and sample), and ratios to the peers."""
    # neurosparse lets OpenMP's threads sleep early; torch shall wait as it does without us
    os.environ.pop("GOMP_SPINCOUNT", None)
    rng = np.random.default_rng(7)
    network = build(QUICK_LAYERS if quick else LAYERS, QUICK_DENSITY if quick else DENSITY, rng)
    batch = QUICK_BATCH if quick else BATCH
    n_in = next(iter(network.populations.values())).size
    rasters = (rng.random((batch, N_STEPS, n_in)) < RATE).astype(np.uint8)
    rounds = 2 if quick else ROUNDS
    twins: dict[str, ScipyTwin | TorchTwin] = {"scipy CSR": ScipyTwin(network)}
    try:
        twins["torch CSR"] = TorchTwin(network, dense=False)
        twins["torch dense"] = TorchTwin(network, dense=True)
    except BackendMissingError as missing:
        yield Omitted("torch", str(missing))
    single = (rng.random((N_STEPS if quick else SINGLE_STEPS, n_in)) < RATE).astype(np.uint8)
    yield from _single(network, twins, single, rounds)
    yield from _batched(network, twins, rasters, rounds)


def _single(network: Network, twins: Twins, raster: Raster, rounds: int) -> Iterator[Record]:
    given = {"in": Spikes.from_raster(raster)}
    events = simulate(network, given).activity.total_synaptic_events / len(raster)
    for threads in THREADS:
        peers = _peers(network, twins, raster[None])
        peers["neurosparse simulate()"] = partial(simulate, network, given)
        ours = partial(simulate_batch, network, raster[None])
        times = _in_threads({OURS: ours, **peers}, threads, rounds)
        yield from _records(f"batch 1, {threads} thread(s)", times, "per step", len(raster))
    yield Record.of(NAME, "batch 1", "synaptic events per step", events, "1")


def _batched(network: Network, twins: Twins, rasters: Raster, rounds: int) -> Iterator[Record]:
    peers = _peers(network, twins, rasters)
    for threads in THREADS:
        ours = partial(simulate_batch, network, rasters, threads=threads)
        times = _in_threads({OURS: ours, **peers}, threads, rounds)
        case = f"batch {len(rasters)}, {threads} thread(s)"
        yield from _records(case, times, "per step and sample", N_STEPS * len(rasters))


def _peers(network: Network, twins: Twins, rasters: Raster) -> dict[str, Candidate]:
    """Return the peers, inputs laid out as each wants them, once they agree with our answer.

    `simulate_batch` runs on until the last layer has seen the whole sample; so do the peers.
    """
    answer = simulate_batch(network, rasters).counts[network.outputs[0]]
    candidates: dict[str, Candidate] = {}
    silence = np.zeros((rasters.shape[0], network.latency, rasters.shape[2]), dtype=rasters.dtype)
    for name, twin in twins.items():
        given = twin.prepared(np.concatenate([rasters, silence], axis=1))
        theirs = twin.counts(given)
        if not np.array_equal(answer, theirs) or not theirs.any():
            raise RuntimeError(
                f"batch {len(rasters)}, {name}: output spikes differ, or are none; times would "
                "mean nothing"
            )
        candidates[name] = partial(twin.counts, given)
    return candidates


def _in_threads(candidates: Mapping[str, Candidate], threads: int, rounds: int) -> Rounds:
    """Measure with this many threads in the peers too: torch's, and those of its BLAS."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 1
    try:
        if torch:
            torch.set_num_threads(threads)
        with threadpool_limits(threads):
            return side_by_side(candidates, rounds)
    finally:
        if torch:
            torch.set_num_threads(before)


def _records(case: str, times: Rounds, per: str, n: int) -> Iterator[Record]:
    for name, seconds in times.seconds.items():
        yield Record.of(NAME, case, f"{name}, {per}", 1e6 * seconds / n, "us")
    for name in [name for name in times.seconds if name != OURS]:
        yield Record.of(NAME, case, f"ratio {name} / {OURS}", times.ratio(name, OURS), "1")
