"""Brunel 2000, model A, in NEST: iaf_psc_delta, fixed in-degree, one delay."""

from __future__ import annotations

from typing import Any

import nest

from benchmarks.peers.nest_kernel import fresh_kernel, ready
from benchmarks.peers.serving import serve

J_MV, G, ETA = 0.1, 5.0, 2.0
THETA_MV, TAU_MS, DELAY_MS = 20.0, 20.0, 1.5


def build(
    n_neurons: int,
    drive: str,
    warm_ms: float,
    run_ms: float,
    threads: int = 1,
    seed: int = 1,
) -> tuple[dict[str, Any], Any]:
    """Return what was built, and the function that runs it."""
    began = fresh_kernel(threads, seed)
    n_excitatory = round(0.8 * n_neurons)
    in_excitatory = round(0.1 * n_excitatory)
    in_inhibitory = round(0.1 * (n_neurons - n_excitatory))
    neurons = nest.Create(
        "iaf_psc_delta",
        n_neurons,
        params={
            "C_m": 1.0,
            "tau_m": TAU_MS,
            "t_ref": 2.0,
            "E_L": 0.0,
            "V_th": THETA_MV,
            "V_reset": 10.0,
            "V_m": nest.random.uniform(10.0, THETA_MV),
            # V settles at I tau / C
            "I_e": ETA * THETA_MV / TAU_MS if drive == "constant" else 0.0,
        },
    )
    for source, in_degree, weight in (
        (neurons[:n_excitatory], in_excitatory, J_MV),
        (neurons[n_excitatory:], in_inhibitory, -G * J_MV),
    ):
        rule = {"rule": "fixed_indegree", "indegree": in_degree, "allow_multapses": False}
        nest.Connect(source, neurons, rule, {"weight": weight, "delay": DELAY_MS})
    n_external = 0
    if drive == "poisson":
        rate_hz = 1000.0 * ETA * THETA_MV / (J_MV * TAU_MS)
        noise = nest.Create("poisson_generator", params={"rate": rate_hz})
        nest.Connect(noise, neurons, syn_spec={"weight": J_MV, "delay": DELAY_MS})
        n_external = n_neurons
    return ready(neurons, began, warm_ms, run_ms, n_external)


if __name__ == "__main__":
    serve(build)
