from __future__ import annotations

import pytest

from benchmarks.harness import run_benchmark
from benchmarks.mnist_densities import Cell, Trained, _records

pytest.importorskip("torch")


def test_quick_run() -> None:
    outcome = run_benchmark("training_step", quick=True)
    metrics = {record.metric for record in outcome.records}
    assert all(record.low <= record.value <= record.high for record in outcome.records)
    assert {
        "neurosparse 5%, step",
        "neurosparse 1%, step",
        "neurosparse 5%, DEEP R's share of a step",
        "neurosparse 1%, rate of layer 1",
    } <= metrics
    left_out = {part.what for part in outcome.omitted}
    for peer in ("snntorch", "spikingjelly"):
        ratios = {f"ratio {peer} / neurosparse {density}" for density in ("5%", "1%")}
        assert (ratios <= metrics) is (peer not in left_out)


def test_schemes_are_compared_seed_by_seed() -> None:
    accuracy = {("static", 0): 0.90, ("static", 1): 0.96, ("deep_r", 0): 0.95, ("deep_r", 1): 0.97}
    done = [
        Trained(Cell(scheme, 0.05, {}, seed, False), share, 100, 5.0, 2.0, 3)
        for (scheme, seed), share in accuracy.items()
    ]
    records = {(record.case, record.metric): record for record in _records(done)}
    gain = records["5%, deep_r, 3 epochs", "deep_r - static, seed by seed, mean"]
    assert (gain.value, gain.low, gain.high) == pytest.approx((3.0, 1.0, 5.0))
    mean = records["5%, static, 3 epochs", "test accuracy, mean"]
    assert (mean.value, mean.n, mean.unit) == (pytest.approx(93.0), 2, "%")
