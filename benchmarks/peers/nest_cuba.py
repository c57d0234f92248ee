"""CUBA in NEST: iaf_psc_exp with C_m = 20 pF and g_L = 1 nS, so that pA read as mV."""

from __future__ import annotations

from typing import Any

import nest

from benchmarks.peers.nest_kernel import DT_MS, fresh_kernel, ready
from benchmarks.peers.serving import serve


def build(
    n_neurons: int, warm_ms: float, run_ms: float, threads: int = 1, seed: int = 1
) -> tuple[dict[str, Any], Any]:
    """Return what was built, and the function that runs it."""
    began = fresh_kernel(threads, seed)
    neurons = nest.Create(
        "iaf_psc_exp",
        n_neurons,
        params={
            "C_m": 20.0,
            "tau_m": 20.0,
            "tau_syn_ex": 5.0,
            "tau_syn_in": 10.0,
            "t_ref": 5.0,
            "E_L": -49.0,
            "V_th": -50.0,
            "V_reset": -60.0,
            "V_m": nest.random.uniform(-60.0, -50.0),
        },
    )
    n_excitatory = round(0.8 * n_neurons)
    rule = {"rule": "pairwise_bernoulli", "p": 80 / n_neurons}
    for source, weight in ((neurons[:n_excitatory], 1.62), (neurons[n_excitatory:], -9.0)):
        nest.Connect(source, neurons, rule, {"weight": weight, "delay": DT_MS})
    return ready(neurons, began, warm_ms, run_ms)


if __name__ == "__main__":
    serve(build)
