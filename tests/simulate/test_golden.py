"""Spikes that may change only on purpose (``tools/regen_golden.py`` rewrites them)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosparse.simulate import simulate
from tests.golden.network import GOLDEN_FILE, N_STEPS, golden_network, sorted_events
from tests.reference.dense import run_dense


def golden_events() -> list[tuple[int, int]]:
    table = np.loadtxt(GOLDEN_FILE, dtype=np.int64, comments="#")
    return [(int(step), int(neuron)) for step, neuron in table]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_golden_spikes(dtype: Any) -> None:
    network, drive = golden_network()
    run = simulate(network, {"in": drive}, N_STEPS, dtype=dtype)
    rasters = {name: spikes.raster() for name, spikes in run.spikes.items()}
    assert sorted_events(network, rasters) == golden_events()


def test_the_file_says_how_close_a_call_it_was() -> None:
    network, drive = golden_network()
    dense = run_dense(network, {"in": drive}, N_STEPS, dtype=np.float64)
    assert sorted_events(network, dense.rasters) == golden_events()
    label = "# smallest distance to threshold: "
    lines = GOLDEN_FILE.read_text().splitlines()
    margin = next(float(line[len(label) :]) for line in lines if line.startswith(label))
    assert margin == pytest.approx(dense.margin, rel=1e-3)
    assert margin > 1e-4
