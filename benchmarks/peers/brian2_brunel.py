"""Brunel 2000, model A, in Brian2: delta synapses, fixed in-degree, one delay.

``constant`` drive is the mean of the ``poisson`` drive, C_E nu_ext J tau = eta theta = 40 mV.
"""

from __future__ import annotations

from typing import Any

import brian2 as b2
import numpy as np

from benchmarks.peers.brian2_standalone import compiled
from benchmarks.peers.serving import serve

J_MV, G, ETA = 0.1, 5.0, 2.0
THETA_MV, TAU_MS = 20.0, 20.0


def build(n_neurons: int, drive: str, warm_ms: float, run_ms: float) -> tuple[dict[str, Any], Any]:
    """Return what was built, and the function that runs it."""

    def objects() -> tuple[list[Any], Any, list[Any]]:
        n_excitatory = round(0.8 * n_neurons)
        in_excitatory = round(0.1 * n_excitatory)
        in_inhibitory = round(0.1 * (n_neurons - n_excitatory))
        # every external synapse fires at eta times the rate that alone brings v to threshold
        external = ETA * THETA_MV / (J_MV * in_excitatory * TAU_MS * b2.ms)
        constants = {
            "tau": TAU_MS * b2.ms,
            "J": J_MV * b2.mV,
            "Ji": -G * J_MV * b2.mV,
            "theta": THETA_MV * b2.mV,
            "Vr": 10 * b2.mV,
            "mu": (ETA * THETA_MV if drive == "constant" else 0.0) * b2.mV,
        }
        neurons = b2.NeuronGroup(
            n_neurons,
            "dv/dt = (mu - v) / tau : volt (unless refractory)",
            threshold="v > theta",
            reset="v = Vr",
            refractory=2 * b2.ms,
            method="exact",
            namespace=constants,
        )
        neurons.v = "Vr + rand() * (theta - Vr)"
        synapses = []
        rng = np.random.default_rng(0)
        for start, stop, on_pre, in_degree in (
            (0, n_excitatory, "v += J", in_excitatory),
            (n_excitatory, n_neurons, "v += Ji", in_inhibitory),
        ):
            source = neurons[start:stop]
            projection = b2.Synapses(
                source, neurons, on_pre=on_pre, delay=1.5 * b2.ms, namespace=constants
            )
            pre, post = _fixed_in_degree(stop - start, n_neurons, in_degree, rng)
            projection.connect(i=pre, j=post)
            synapses.append(projection)
        monitor = b2.SpikeMonitor(neurons)
        everything = [neurons, monitor, *synapses]
        if drive == "poisson":
            weight = J_MV * b2.mV
            everything.append(b2.PoissonInput(neurons, "v", in_excitatory, external, weight))
        return everything, monitor, synapses

    return compiled(objects, warm_ms, run_ms)


def _fixed_in_degree(
    n_pre: int, n_post: int, in_degree: int, rng: np.random.Generator
) -> tuple[Any, Any]:
    """Draw the sources of every neuron without repetition; synapses are ordered by source.

    Brian2's own generator syntax orders them by target, so that the synapses of one spike lie far
    apart in memory: delivery then takes more than twice as long.
    """
    pre = np.empty((n_post, in_degree), dtype=np.int32)
    for row in pre:
        row[:] = rng.choice(n_pre, in_degree, replace=False, shuffle=False)
    post = np.repeat(np.arange(n_post, dtype=np.int32), in_degree)
    order = np.argsort(pre, axis=None, kind="stable")
    return pre.ravel()[order], post[order]


if __name__ == "__main__":
    serve(build)
