"""NetX files against Lava's own Dense, DelayDense and LIF, built as lava-dl's netx builds them."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neurosparse.interop import from_netx
from neurosparse.loihi import lava_available
from neurosparse.simulate import Probe, simulate
from tests.conftest import ROOT
from tests.interop.netx_files import NEURON, block, lava_parameters, write_net

pytestmark = pytest.mark.lava

CHILD = Path(__file__).with_name("netx_lava_child.py")
RUNNER = ROOT / "neurosparse" / "loihi" / "runner"
N_STEPS = 80


def run_in_lava(layers: list[Any], spikes: NDArray[Any], folder: Path) -> dict[str, NDArray[Any]]:
    given: dict[str, Any] = {"n_steps": len(spikes), "spikes": spikes}
    for i, each in enumerate(lava_parameters(layers)):
        given[f"p{i}"] = np.array([each.lif["du"], each.lif["dv"]])
        given[f"v{i}"], given[f"b{i}"] = each.lif["vth"], each.lif["bias_mant"]
        for j, connection in enumerate(each.connections):
            given[f"w{i}{j}"], given[f"d{i}{j}"] = connection.weights, connection.delays
            given[f"e{i}{j}"] = np.array([connection.weight_exp, connection.num_weight_bits])
    np.savez(folder / "given.npz", **given)
    done = subprocess.run(
        [sys.executable, CHILD, RUNNER, folder / "given.npz", folder / "out.npz"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(np.load(folder / "out.npz"))


def random_layers(rng: np.random.Generator) -> list[Any]:
    """Three layers: delays of synapses, recurrence, biases, and a readout without neurons."""
    even = rng.integers(-60, 61, (9, 6)) * 2
    neuron = NEURON | {"iDecay": 900, "vDecay": 300, "vThMant": 90}
    return [
        block("input", [6]),
        block("flatten", [6]),
        block("dense", [9], weight=even, delay=rng.integers(0, 63, (9, 6)), neuron=neuron),
        block(
            "dense_rec",
            [7],
            weight=rng.integers(-9, 14, (7, 9)) * 2,
            weight_rec=rng.integers(-9, 9, (7, 7)) * 2,
            bias=rng.integers(-9, 12, 7),
            neuron=neuron,
        ),
        # odd, of both signs: 9 bits; then of one sign
        block("dense", [5], weight=rng.integers(-200, 250, (5, 7)), delay=3, neuron=neuron),
        block("dense", [4], weight=rng.integers(0, 100, (4, 5)), neuron=neuron),
        block("dense", [2], weight=rng.integers(-9, 9, (2, 4)), neuron=None),
    ]


# what Lava changes: see tests/interop/test_netx.py
CHANGED = [
    [[0, -1, -1]],
    [[-128, -2, -4]],
    [[-4, -4, -4]],
    [[300, -2, -400]],
    [[0, -129, -3]],
]
CASES = [
    *(random_layers(np.random.default_rng(seed)) for seed in (1, 2)),
    *([block("dense", [1], weight=np.array(w), neuron=NEURON)] for w in CHANGED),
]


@pytest.mark.parametrize("layers", CASES)
def test_same_spikes_u_and_v_as_lava(layers: list[Any], tmp_path: Path) -> None:
    if not lava_available(sys.executable):
        pytest.skip("no lava-nc here (see docs/lava.md)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = from_netx(write_net(tmp_path / "x.net", layers))
    size = network.populations["input"].size
    spikes = (np.random.default_rng(0).random((N_STEPS, size)) < 0.4).astype(np.uint8)
    theirs = run_in_lava(layers, spikes, tmp_path)
    names = [name for name, p in network.populations.items() if p.neuron is not None]
    probes = [Probe(name, variable) for name in names for variable in ("u", "v")]  # type: ignore[arg-type]
    ours = simulate(network, {"input": spikes}, N_STEPS, probes=probes)
    readout = layers[-1]["neuron"] is None
    for i, name in enumerate(names):
        np.testing.assert_array_equal(ours.spikes[name].raster(), theirs[f"s{i}"])
        np.testing.assert_array_equal(ours.traces[Probe(name, "v")], theirs[f"v{i}"])
        if not (readout and name == names[-1]):  # which adds up in v, Lava in u
            np.testing.assert_array_equal(ours.traces[Probe(name, "u")], theirs[f"u{i}"])
    assert np.abs(theirs["v0"]).max() > 0 or layers[0].get("weight") is not None
