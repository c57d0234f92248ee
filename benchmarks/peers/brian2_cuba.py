"""CUBA in Brian2, as Brian2's own example CUBA.py has it.

Vogels & Abbott 2005; Brette et al. 2007, benchmark 2. The connection probability goes down with
the number of neurons, so that the fan-out stays at 80.
"""

from __future__ import annotations

from typing import Any

import brian2 as b2

from benchmarks.peers.brian2_standalone import compiled
from benchmarks.peers.serving import serve

EQUATIONS = """
dv/dt  = (ge + gi - (v - El)) / taum : volt (unless refractory)
dge/dt = -ge / taue : volt
dgi/dt = -gi / taui : volt
"""


def build(n_neurons: int, warm_ms: float, run_ms: float) -> tuple[dict[str, Any], Any]:
    """Return what was built, and the function that runs it."""

    def objects() -> tuple[list[Any], Any, list[Any]]:
        constants = {
            "taum": 20 * b2.ms,
            "taue": 5 * b2.ms,
            "taui": 10 * b2.ms,
            "Vt": -50 * b2.mV,
            "Vr": -60 * b2.mV,
            "El": -49 * b2.mV,
            "we": (60 * 0.27 / 10) * b2.mV,
            "wi": (-20 * 4.5 / 10) * b2.mV,
        }
        neurons = b2.NeuronGroup(
            n_neurons,
            EQUATIONS,
            threshold="v > Vt",
            reset="v = Vr",
            refractory=5 * b2.ms,
            method="exact",
            namespace=constants,
        )
        neurons.v = "Vr + rand() * (Vt - Vr)"
        neurons.ge = 0 * b2.mV
        neurons.gi = 0 * b2.mV
        n_excitatory, probability = round(0.8 * n_neurons), 80 / n_neurons
        synapses = []
        for source, on_pre in (
            (neurons[:n_excitatory], "ge += we"),
            (neurons[n_excitatory:], "gi += wi"),
        ):
            projection = b2.Synapses(source, neurons, on_pre=on_pre, namespace=constants)
            projection.connect(p=probability)
            synapses.append(projection)
        monitor = b2.SpikeMonitor(neurons)
        return [neurons, monitor, *synapses], monitor, synapses

    return compiled(objects, warm_ms, run_ms)


if __name__ == "__main__":
    serve(build)
