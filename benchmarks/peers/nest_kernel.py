"""What the models in NEST share: one kernel, built once, simulated on and on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import nest
import numpy as np

__all__ = ["DT_MS", "fresh_kernel", "ready"]

DT_MS = 0.1


def fresh_kernel(threads: int, seed: int) -> float:
    """Reset the kernel; return the time now, from which building is counted [s]."""
    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.SetKernelStatus(
        {"resolution": DT_MS, "local_num_threads": threads, "rng_seed": seed, "print_time": False}
    )
    return time.perf_counter()


def ready(
    neurons: Any, began: float, warm_ms: float, run_ms: float, n_external: int = 0
) -> tuple[dict[str, Any], Callable[..., dict[str, Any]]]:
    """Record all spikes, warm up, and return what was built and the function that runs on.

    Trials continue one network: building it anew takes NEST longer than simulating it.
    """
    recorder = nest.Create("spike_recorder")
    nest.Connect(neurons, recorder)
    # what goes to the recorder and what comes from generators is not a synapse of the model
    n_synapses = int(nest.num_connections) - len(neurons) - n_external
    built = {
        "build_s": time.perf_counter() - began,
        "version": str(nest.__version__),
        "n_synapses": n_synapses,
    }
    nest.Simulate(warm_ms)

    def trial(spikes: str | None = None) -> dict[str, Any]:
        recorder.n_events = 0
        first = float(nest.biological_time)
        start = time.perf_counter()
        nest.Simulate(run_ms)
        wall_s = time.perf_counter() - start
        events = recorder.events
        if spikes is not None:
            step = np.rint((np.asarray(events["times"]) - first) / DT_MS).astype(np.int64) - 1
            np.savez(spikes, step=step, neuron=np.asarray(events["senders"], dtype=np.int64) - 1)
        n_spikes = len(events["senders"])
        n_events = round(n_spikes * n_synapses / len(neurons))
        return {"wall_s": wall_s, "n_spikes": n_spikes, "n_synapses": n_synapses,
                "n_events": n_events}  # fmt: skip

    return built, trial
