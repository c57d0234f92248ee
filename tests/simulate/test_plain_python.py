"""The kernels as plain Python do what they do compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosparse.network import FixedPointLIF, Network, Population, Projection, Synapses
from neurosparse.simulate import engine_kernels, simulate
from neurosparse.simulate import run as run_module
from tests.golden.network import golden_network
from tests.simulate.agreement import all_probes, assert_same_run

KERNELS = (
    "copy_source_spikes",
    "deliver",
    "reset_state",
    "run_steps",
    "update_fixed",
    "update_float",
    "write_traces",
)


def uncompile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put every kernel's ``py_func`` in its place."""
    for name in KERNELS:
        compiled = getattr(engine_kernels, name)
        if not hasattr(compiled, "py_func"):
            pytest.skip("numba is switched off")
        monkeypatch.setattr(engine_kernels, name, compiled.py_func)
    monkeypatch.setattr(run_module, "run_steps", engine_kernels.run_steps)


def integer_network(rng: np.random.Generator) -> tuple[Network, Any]:
    def wire(n_pre: int, n_post: int, max_delay: int) -> Synapses:
        n = n_pre * n_post
        pre, post = np.arange(n) % n_pre, np.arange(n) // n_pre
        return Synapses.from_edges(
            pre,
            post,
            rng.integers(-200, 256, n),
            n_pre=n_pre,
            n_post=n_post,
            delays=rng.integers(1, max_delay + 1, n) if max_delay > 1 else None,
            dtype=np.int16,
        )

    neuron = FixedPointLIF(du=700, dv=300, vth=400, bias_mant=-7, bias_exp=3)
    network = Network(
        {"in": Population(4), "out": Population(6, neuron)},
        [Projection("in", "out", wire(4, 6, 1)), Projection("out", "out", wire(6, 6, 200))],
    )
    return network, rng.random((300, 4)) < 0.3


def check(monkeypatch: pytest.MonkeyPatch, network: Network, inputs: Any, **options: Any) -> None:
    compiled = simulate(network, inputs, probes=all_probes(network), **options)
    assert compiled.spikes[network.inputs[0]].n_spikes > 0
    assert sum(run.n_spikes for run in compiled.spikes.values()) > 50
    uncompile(monkeypatch)
    plain = simulate(network, inputs, probes=all_probes(network), **options)
    assert_same_run(compiled, plain)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, dtype: Any) -> None:
    network, drive = golden_network()
    inputs = {"in": drive.window(0, 40), "exc": rng.normal(0.02, 0.1, (40, 40))}
    check(monkeypatch, network, inputs, dtype=dtype, reset_every=17)


def test_integer(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    network, raster = integer_network(rng)
    inputs = {"in": raster, "out": rng.integers(-50, 60, (200, 6))}
    check(monkeypatch, network, inputs)
