"""Interpreters with Lava, and fake ones that misbehave."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurosparse.loihi import Bundle, lava_available, quantise, write_bundle
from neurosparse.network import LIF, Network, Population, Projection, Synapses

# several interpreters, separated as in PATH, to hold the same tests on several Python versions
PYTHONS = os.environ.get("NEUROSPARSE_LAVA_PYTHONS", sys.executable).split(os.pathsep)


@pytest.fixture(params=PYTHONS)
def lava_python(request: pytest.FixtureRequest) -> str:
    """One interpreter with Lava."""
    interpreter: str = request.param
    if not lava_available(interpreter):
        pytest.skip(f"{interpreter} has no lava-nc (see docs/lava.md)")
    return interpreter


@pytest.fixture
def fake_python(tmp_path: Path) -> Callable[[str], Path]:
    """Make an executable that runs ``code`` in place of the runner.

    ``arguments`` holds what a real interpreter would get: runner, bundle, inputs, output,
    options.
    """

    def make(code: str) -> Path:
        path = tmp_path / "fake_python"
        head = f"#!{sys.executable}\nimport os, sys, time\narguments = sys.argv[1:]\n"
        path.write_text(head + textwrap.dedent(code))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


@pytest.fixture
def runner_says(tmp_path: Path) -> Callable[..., str]:
    """Run the bundle's own runner, which must fail, and return what it says."""

    def run(python: str, bundle: Path, *options: str) -> str:
        np.savez(tmp_path / "inputs.npz", n_steps=3)
        files = [str(bundle), str(tmp_path / "inputs.npz"), str(tmp_path / "output.npz")]
        done = subprocess.run(
            [python, str(bundle / "runner" / "run_bundle.py"), *files, *options],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode != 0
        return done.stderr

    return run


@pytest.fixture
def float_network() -> Network:
    """Two layers with weights that a quantiser has to work on."""
    rng = np.random.default_rng(3)

    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        return rng.normal(0.1, 0.3, n)

    return Network(
        {
            "in": Population(12),
            "hidden": Population(9, LIF(du=0.4, dv=0.1, vth=0.8, bias=0.01)),
            "out": Population(4, LIF(du=1.0, dv=0.05, vth=0.7)),
        },
        [
            Projection("in", "hidden", Synapses.random(12, 9, density=0.5, weights=draw, rng=rng)),
            Projection("hidden", "out", Synapses.random(9, 4, density=0.8, weights=draw, rng=rng)),
        ],
    )


@pytest.fixture
def bundle(tmp_path: Path, float_network: Network) -> Bundle:
    """The quantised network, exported."""
    return write_bundle(tmp_path / "bundle", float_network, quantise(float_network))
