"""The kernels as plain Python do what they do compiled."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np
import pytest

from neurosparse.network import (
    FixedPointLIF,
    FixedPointTernaryLIF,
    Network,
    Population,
    Projection,
    SynapseFormat,
    Synapses,
)
from neurosparse.simulate import (
    NoiseCurrent,
    Poisson,
    Run,
    batch,
    session,
    simulate,
    simulate_batch,
)
from tests.golden.network import golden_network
from tests.simulate.agreement import all_probes, assert_same_run


def uncompile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put every kernel's ``py_func`` in its place, wherever it is known by name."""
    kernels = Path(session.__file__).parent.glob("*_kernels.py")
    names = [f"neurosparse.simulate.{path.stem}" for path in kernels]
    modules: list[ModuleType] = [session, batch, *map(import_module, names)]
    swapped = 0
    for module in modules:
        for name, kernel in list(vars(module).items()):
            if hasattr(kernel, "py_func"):
                monkeypatch.setattr(module, name, kernel.py_func)
                swapped += 1
    if not swapped:
        pytest.skip("numba is switched off")
    monkeypatch.setattr(numba, "prange", range)


def integer_network(rng: np.random.Generator) -> Network:
    """Build a network of all that integer ones may have."""

    def wire(n_pre: int, n_post: int, max_delay: int) -> Synapses:
        n = n_pre * n_post
        pre, post = np.arange(n) % n_pre, np.arange(n) // n_pre
        return Synapses.from_edges(
            pre,
            post,
            2 * rng.integers(-100, 127, n),
            n_pre=n_pre,
            n_post=n_post,
            delays=rng.integers(1, max_delay + 1, n) if max_delay > 1 else None,
            dtype=np.int16,
        )

    common: Any = {"du": 700, "dv": 300, "bias_mant": -7, "bias_exp": 3}
    messages, rounding = SynapseFormat(num_message_bits=3), SynapseFormat(weight_exp=-3)
    both = SynapseFormat(weight_exp=-2, num_message_bits=1)
    return Network(
        {
            "in": Population(4),
            "out": Population(6, FixedPointLIF(vth=400, **common)),
            "slow": Population(70, FixedPointLIF(vth=300, refractory=3, **common)),
            "signed": Population(5, FixedPointTernaryLIF(vth_lo=-300, vth_hi=300, **common)),
        },
        [
            Projection("in", "out", wire(4, 6, 1)),
            Projection("out", "out", wire(6, 6, 200)),
            Projection("in", "slow", wire(4, 70, 3), format=messages),
            Projection("out", "slow", wire(6, 70, 1), format=rounding),
            Projection("slow", "signed", wire(70, 5, 4), format=rounding),
            Projection("signed", "out", wire(5, 6, 2), format=both),
        ],
    )


def run_twice(
    monkeypatch: pytest.MonkeyPatch, network: Network, inputs: Any, **options: Any
) -> tuple[Run, Run]:
    """Run compiled and as plain Python."""

    def run() -> Run:
        rng = np.random.default_rng(3)  # the same key both times
        return simulate(network, inputs, probes=all_probes(network), rng=rng, **options)

    compiled = run()
    uncompile(monkeypatch)
    # random words and the 24 bits of u are meant to turn over
    with np.errstate(over="ignore"):
        return compiled, run()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("threads", [1, 2])
def test_float(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, dtype: Any, threads: int
) -> None:
    network, drive = golden_network()
    currents = rng.normal(0.02, 0.1, (20, 40))
    inputs = {
        "in": drive.window(0, 20),
        "exc": [currents, NoiseCurrent(0.1), Poisson(0.05, 0.3), Poisson(rng.random(40), 0.01)],
    }
    options = {"dtype": dtype, "reset_every": 17, "threads": threads}
    compiled, plain = run_twice(monkeypatch, network, inputs, **options)
    assert min(compiled.activity.spikes.values()) > 5
    assert_same_run(compiled, plain)


def test_integer(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    network = integer_network(rng)
    sent = rng.integers(-7, 8, (60, 4)) * (rng.random((60, 4)) < 0.3)
    inputs = {"in": sent, "out": rng.integers(-50, 60, (60, 6))}
    compiled, plain = run_twice(monkeypatch, network, inputs)
    assert min(compiled.activity.spikes.values()) > 5
    assert set(compiled.spikes["signed"].signs.tolist()) == {-1, 1}
    assert_same_run(compiled, plain)


def test_batch(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    network = integer_network(rng)
    samples = rng.integers(-7, 8, (9, 6, 4)) * (rng.random((9, 6, 4)) < 0.3)
    compiled = simulate_batch(network, samples, record=["out"])
    assert compiled.counts["out"].sum() > 20
    assert compiled.activity.spikes["signed"] > 5
    uncompile(monkeypatch)
    with np.errstate(over="ignore"):
        plain = simulate_batch(network, samples, record=["out"])
    np.testing.assert_array_equal(plain.counts["out"], compiled.counts["out"])
    assert plain.activity == compiled.activity
