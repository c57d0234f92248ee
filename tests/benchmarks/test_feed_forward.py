from __future__ import annotations

import numpy as np
import pytest

from benchmarks import feed_forward
from benchmarks.harness import run_benchmark
from benchmarks.peers.clocked import ScipyTwin


def test_quick_run() -> None:
    outcome = run_benchmark("feed_forward", quick=True)
    metrics = {record.metric for record in outcome.records}
    assert all(record.low <= record.value <= record.high for record in outcome.records)
    assert {
        "neurosparse, per step",
        "neurosparse, per step and sample",
        "ratio scipy CSR / neurosparse",
    } <= metrics
    if not outcome.omitted:  # torch is here
        assert {"ratio torch CSR / neurosparse", "ratio torch dense / neurosparse"} <= metrics


def test_nothing_is_timed_where_spikes_differ(rng: np.random.Generator) -> None:
    network = feed_forward.build(feed_forward.QUICK_LAYERS, feed_forward.QUICK_DENSITY, rng)
    rasters = (rng.random((3, 50, feed_forward.QUICK_LAYERS[0])) < 0.1).astype(np.uint8)
    twins = {"scipy CSR": ScipyTwin(network)}
    assert list(feed_forward._peers(network, twins, rasters)) == ["scipy CSR"]
    twins["scipy CSR"].vth[-1] *= np.float32(0.5)
    with pytest.raises(RuntimeError, match="batch 3, scipy CSR: output spikes differ"):
        feed_forward._peers(network, twins, rasters)
