"""What the models in Brian2 share: compiled to C++ once, the binary run for every trial."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from typing import Any

import brian2 as b2
import numpy as np

__all__ = ["DT_MS", "compiled"]

DT_MS = 0.1


def compiled(
    objects: Callable[[], tuple[list[Any], Any, list[Any]]], warm_ms: float, run_ms: float
) -> tuple[dict[str, Any], Callable[..., dict[str, Any]]]:
    """Compile a model with cpp_standalone, for one thread.

    Parameters
    ----------
    objects : callable
        Makes the model; returns all its objects, its spike monitor and its Synapses.
    warm_ms, run_ms : float [ms]
        Simulated before the clock starts, and by the clock.

    Returns
    -------
    built : dict
        ``build_s`` (code generation and compiler) and Brian2's version.
    trial : callable
        Runs the binary. Every run draws a network and initial state anew; ``wall_s`` is the time
        of the second `run` alone as the binary itself took it, with no building and no files.
    """
    start = time.perf_counter()
    folder = tempfile.TemporaryDirectory(prefix="brian2-", ignore_cleanup_errors=True)
    b2.set_device("cpp_standalone", build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = 0
    b2.defaultclock.dt = DT_MS * b2.ms
    b2.seed()  # from the system's entropy, anew in every run of the binary
    everything, monitor, synapses = objects()
    network = b2.Network(everything)
    network.run(warm_ms * b2.ms)
    network.run(run_ms * b2.ms)
    b2.device.build(directory=folder.name, compile=True, run=False, with_output=False)
    warm_steps = round(warm_ms / DT_MS)

    def trial(spikes: str | None = None) -> dict[str, Any]:
        keep = folder  # the binary lives as long as this function
        b2.device.run(directory=keep.name, with_output=False)
        step = np.rint(np.asarray(monitor.t / b2.ms) / DT_MS).astype(np.int64) - warm_steps
        neuron = np.asarray(monitor.i, dtype=np.int64)[step >= 0]
        step = step[step >= 0]
        fan_out = _fan_out(synapses, len(monitor.source))
        if spikes is not None:
            np.savez(spikes, step=step, neuron=neuron)
        return {
            "wall_s": b2.device._last_run_time,
            "n_spikes": int(step.size),
            "n_synapses": int(fan_out.sum()),
            "n_events": int(fan_out[neuron].sum()),
        }

    built = {"build_s": time.perf_counter() - start, "version": b2.__version__}
    return built, trial


def _fan_out(synapses: list[Any], n_neurons: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Count the synapses of every neuron, so that events are counted, not estimated."""
    fan_out = np.zeros(n_neurons, dtype=np.int64)
    for projection in synapses:
        outgoing = projection.variables["N_outgoing"].get_value()  # up to the source's last neuron
        fan_out[: outgoing.size] += outgoing
    return fan_out
