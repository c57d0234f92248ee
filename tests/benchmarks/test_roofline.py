from __future__ import annotations

import numpy as np

from benchmarks.harness.roofline import scatter
from neurosparse import Synapses


def test_scatter_delivers_every_spike(rng: np.random.Generator) -> None:
    synapses = Synapses.random(
        50, 40, density=0.2, weights=lambda r, n: r.integers(1, 9, n) / 8, rng=rng
    )
    spiking = rng.integers(50, size=200)
    call = scatter(synapses, spiking)
    call()
    delivered = call.keywords["out"]
    expected = synapses.to_scipy().toarray() @ np.bincount(spiking, minlength=50)
    assert np.array_equal(delivered, expected.astype(np.float32))
