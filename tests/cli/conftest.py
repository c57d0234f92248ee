"""Small networks and bundles, made without training, and a way to call commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.data import Encoding
from neurosparse.loihi import quantise, write_bundle
from neurosparse.network import LIF, Network, Population, Projection, Synapses
from tests.loihi.conftest import fake_python

pytest.importorskip("typer")
pytest.importorskip("rich")

from typer.testing import CliRunner, Result

from neurosparse.cli.app import app

__all__ = ["fake_python"]

Invoke = Callable[..., Result]
METADATA = {
    "dataset": "digits",
    "encoding": Encoding("current", n_steps=10, gain=0.5).to_dict(),
    "seed": 3,
    "scheme": "none",
}


def untrained_network(hidden: LIF | None = None) -> Network:
    """Return a network for digits with two random layers, lively enough to be compared."""
    rng = np.random.default_rng(5)

    def draw(rng: np.random.Generator, n: int) -> Any:
        return rng.normal(0.2, 0.5, n).astype(np.float32)

    neuron = LIF(du=1.0, dv=0.1, vth=1.0)
    return Network(
        {
            "input": Population(64, LIF(du=1.0, dv=0.0, vth=1.0)),
            "hidden": Population(20, hidden or neuron),
            "output": Population(10, neuron),
        },
        [
            Projection(
                "input", "hidden", Synapses.random(64, 20, density=0.2, weights=draw, rng=rng)
            ),
            Projection(
                "hidden", "output", Synapses.random(20, 10, density=0.5, weights=draw, rng=rng)
            ),
        ],
    )


@pytest.fixture
def network_file(tmp_path: Path) -> Path:
    """A saved network with the notes that train leaves."""
    path = tmp_path / "network.npz"
    untrained_network().save(path, METADATA)
    return path


@pytest.fixture
def bundle_path(tmp_path: Path) -> Path:
    """The same network as a bundle."""
    network = untrained_network()
    return write_bundle(tmp_path / "bundle", network, quantise(network), METADATA).path


@pytest.fixture
def invoke() -> Invoke:
    """Call the command line in this process; bugs are raised, not hidden in the result."""

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(
            app, [str(a) for a in arguments], prog_name="neurosparse", catch_exceptions=False
        )

    return call


@pytest.fixture
def invoke_json(invoke: Invoke) -> Callable[..., Any]:
    """Call a command with --json; its stdout must be one JSON document and nothing else."""

    def call(*arguments: object, exit_code: int = 0) -> Any:
        result = invoke(*arguments, "--json")
        assert result.exit_code == exit_code, result.stderr
        return json.loads(result.stdout)

    return call
