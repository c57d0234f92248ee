"""What our own workers share: build a published model, warm it up, simulate it by the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers.memory import peak_bytes, reset_peak, resident_bytes
from benchmarks.peers.serving import Answer, Trial
from neurosparse.models import Model
from neurosparse.simulate import Run, simulate

__all__ = ["trials"]

MakeModel = Callable[[np.random.Generator], Model]


def trials(
    make: MakeModel, make_small: MakeModel, warm_ms: float, run_ms: float
) -> tuple[Answer, Trial]:
    """Return what was prepared, and the function that runs one trial.

    Parameters
    ----------
    make, make_small : callable
        Build the model, and a small one that makes every kernel compile or load before anything
        is measured.
    warm_ms, run_ms : float [ms]
        Simulated before the clock starts, and by the clock.

    Notes
    -----
    A trial with another ``seed`` builds and warms up anew; with the same it repeats the same run
    in the same network, with any number of threads, or follows on it if ``onward``.
    """
    rng = np.random.default_rng(0)
    small = make_small(rng)
    for threads in (1, 2):
        simulate(small.network, small.inputs, 50, state=small.state, rng=rng, threads=threads)
    base = resident_bytes()
    reset_peak()
    latest: dict[str, Any] = {}

    def trial(
        seed: int = 0, threads: int = 1, spikes: str | None = None, onward: bool = False
    ) -> Answer:
        rng = np.random.default_rng(seed)
        if latest.get("seed") != seed:  # one network serves any number of threads
            latest.clear()
            start = time.perf_counter()
            model = make(rng)
            build_s = time.perf_counter() - start
            warm = simulate(
                model.network,
                model.inputs,
                model.steps(warm_ms),
                state=model.state,
                rng=rng,
                threads=threads,
            )
            latest.update(seed=seed, model=model, build_s=build_s, state=warm.state)
        model, n_steps = latest["model"], latest["model"].steps(run_ms)
        start = time.perf_counter()
        run = simulate(
            model.network, model.inputs, n_steps, state=latest["state"], rng=rng, threads=threads
        )
        wall_s = time.perf_counter() - start
        if onward:
            latest["state"] = run.state
        sizes = {name: population.size for name, population in model.network.populations.items()}
        if spikes is not None:
            step, neuron = _numbered_through(run, sizes)
            np.savez(spikes, step=step, neuron=neuron)
        return {
            "wall_s": wall_s,
            "build_s": latest["build_s"],
            "n_spikes": sum(run.spikes[name].n_spikes for name in sizes),
            "n_synapses": model.network.n_synapses,
            "n_events": run.activity.total_synaptic_events,
            "rates_hz": {
                name: run.spikes[name].n_spikes / size / (run_ms / 1000)
                for name, size in sizes.items()
            },
            "base_bytes": base,
            "resident_bytes": resident_bytes(),
            "peak_bytes": peak_bytes(),
        }

    return {}, trial


def _numbered_through(run: Run, sizes: dict[str, int]) -> tuple[Any, Any]:
    """Return steps and neurons of all spikes, neurons counted through the populations."""
    first = dict(zip(sizes, np.cumsum([0, *sizes.values()]), strict=False))
    step = np.concatenate([run.spikes[name].steps for name in sizes])
    neuron = np.concatenate([run.spikes[name].neurons + first[name] for name in sizes])
    return step, neuron
