"""784-1000-1000-10 at 5 % in fixed point against Lava's own CPU simulation, one sample and 64.

Integer neurons, the same network and spikes on both sides; the output spikes must be the same
before anything is timed. Lava runs in a child interpreter: its time is that of the call that runs
all steps but the first, so that neither the start of the interpreter nor that of Lava's processes
counts. Ours is that of the whole call. Lava has no batch; there the time is per step of a sample.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Omitted, Record, in_turns
from neurosparse import FixedPointLIF, Network, Population, Projection, Spikes, Synapses
from neurosparse.loihi import Bundle, LavaRun, lava_available, run_lava, write_bundle
from neurosparse.simulate import Run, simulate, simulate_batch

NAME = "lava_speed"
OURS, PEER = "neurosparse", "lava"
LAYERS, QUICK_LAYERS = (784, 1000, 1000, 10), (60, 50, 40, 10)
DENSITY, QUICK_DENSITY = 0.05, 0.3
RATE = 0.05  # spikes per input and step, as in feed_forward
N_STEPS, QUICK_STEPS = 4000, 60  # the time per step then is not that of the call
LAVA_STEPS, QUICK_LAVA_STEPS = 400, 30
BATCH, QUICK_BATCH = 64, 4
SAMPLE_STEPS = 100
THREADS = (1, 2)
ROUNDS = 5
DV = 512  # of 4096
MOST = 100  # weights are even numbers up to it

Raster = NDArray[np.uint8]
Seconds = Callable[[], float]


def build(layers: tuple[int, ...], density: float, rng: np.random.Generator) -> Network:
    """Return the network; thresholds let some percent of the neurons of a layer spike in a step."""
    names = ["in", *(f"layer {i}" for i in range(1, len(layers)))]
    populations = {names[0]: Population(layers[0])}
    projections = []
    for before, name, n_pre, n_post in zip(names, names[1:], layers, layers[1:], strict=False):
        # the membrane is a random walk that leaks: its deviation, from even weights up to MOST
        variance = density * n_pre * RATE * MOST**2 / 3 / (1 - (1 - DV / 4096) ** 2)
        neuron = FixedPointLIF(du=4095, dv=DV, vth=round(np.sqrt(variance)))
        populations[name] = Population(n_post, neuron)
        synapses = Synapses.random(
            n_pre, n_post, density=density, weights=_even, rng=rng, dtype=np.int16
        )
        projections.append(Projection(before, name, synapses))
    return Network(populations, projections)


def _even(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    return 2 * rng.integers(-MOST // 2, MOST // 2 + 1, size=n)


def run(quick: bool) -> Iterator[Record | Omitted]:
    """Yield steps per second of both, and ratios."""
    rng = np.random.default_rng(7)
    network = build(QUICK_LAYERS if quick else LAYERS, QUICK_DENSITY if quick else DENSITY, rng)
    n_in = network.populations["in"].size
    n_steps = QUICK_STEPS if quick else N_STEPS
    raster = (rng.random((n_steps, n_in)) < RATE).astype(np.uint8)
    shape = (QUICK_BATCH if quick else BATCH, SAMPLE_STEPS, n_in)
    rasters = (rng.random(shape) < RATE).astype(np.uint8)
    given = {"in": Spikes.from_raster(raster)}
    ours = simulate(network, given)
    yield Record.of(NAME, "one sample", "synaptic events per step", _events(ours) / n_steps, "1")
    candidates: dict[str, Seconds] = {}
    for threads in THREADS:
        candidates[f"one sample, {threads} thread(s)"] = partial(
            _per_step, partial(simulate, network, given, threads=threads), n_steps
        )
        candidates[f"batch {shape[0]}, {threads} thread(s)"] = partial(
            _per_step,
            partial(simulate_batch, network, rasters, threads=threads),
            shape[0] * SAMPLE_STEPS,
        )
    with tempfile.TemporaryDirectory() as folder:
        if lava_available():
            bundle = write_bundle(Path(folder) / "bundle", network)
            lava_steps = QUICK_LAVA_STEPS if quick else LAVA_STEPS
            head = raster[:lava_steps]
            _check(ours, run_lava(bundle, {"in": head}, tag="fixed_pt"))
            candidates[PEER] = partial(_lava_per_step, bundle, head)
        else:
            yield Omitted(PEER, "lava-nc is not installed; see docs/lava.md")
        rounds = in_turns(candidates, 2 if quick else ROUNDS)
    yield from _records({name: np.array(times) for name, times in rounds.items()})


def _events(ours: Run) -> int:
    return ours.activity.total_synaptic_events


def _check(ours: Run, theirs: LavaRun) -> None:
    """Raise unless both gave the same spikes, and some."""
    for name, spikes in theirs.spikes.items():
        if spikes != ours.spikes[name].window(0, theirs.n_steps) or not spikes.n_spikes:
            raise RuntimeError(
                f"{name}: spikes differ from Lava's, or are none; times would mean nothing"
            )


def _per_step(call: Callable[[], Any], n_steps: int) -> float:
    """Return the seconds per step of one of our calls."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) / n_steps


def _lava_per_step(bundle: Bundle, raster: Raster) -> float:
    """Return the seconds per step of Lava, its start not counted."""
    done = run_lava(bundle, {"in": raster}, tag="fixed_pt")
    return done.run_s / (done.n_steps - 1)


def _records(seconds: Mapping[str, NDArray[np.float64]]) -> Iterator[Record]:
    """Yield steps per second and, round by round, how many times Lava's are made."""
    theirs = seconds.get(PEER)
    if theirs is not None:
        yield Record.of(NAME, "one sample", f"{PEER}, steps per second", 1 / theirs, "1/s")
    for case, ours in seconds.items():
        if case == PEER:
            continue
        unit = "sample-steps" if case.startswith("batch") else "steps"
        yield Record.of(NAME, case, f"{OURS}, {unit} per second", 1 / ours, "1/s")
        if theirs is not None:
            yield Record.of(NAME, case, f"ratio {PEER} / {OURS}", theirs / ours, "1")
