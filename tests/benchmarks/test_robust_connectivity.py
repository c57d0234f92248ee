from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from benchmarks.harness import run_benchmark
from benchmarks.robust_connectivity import Trained, _records
from neurosparse.train import FGSM, PGD, Robustness
from neurosparse.train.robustness import Draws


def test_quick_run(data_dir: Path) -> None:
    outcome = run_benchmark("robust_connectivity", quick=True)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    values = {(record.case, record.metric): record.value for record in outcome.records}
    assert {record.case for record in outcome.records} == {
        "deep_r, clean",
        "bayesian_connectivity, AT",
    }
    for case in ("deep_r, clean", "bayesian_connectivity, AT"):
        clean = values[case, "test accuracy, clean, mean"]
        assert clean > values[case, "test accuracy, under PGD, mean"]
        assert values[case, "synapses, mean"] == 8903 + 3407 + 1000


def test_robustness_is_compared_seed_by_seed() -> None:
    pgd = {("deep_r", 0): 0.01, ("deep_r", 1): 0.02, ("bayes", 0): 0.81, ("bayes", 1): 0.92}
    cases = {"deep_r": ("deep_r", "clean"), "bayes": ("bayesian_connectivity", "AT")}
    done = [
        Trained(
            *cases[name],
            seed,
            Robustness(0.97, {FGSM(0.1): 0.5, PGD(0.1): share}, {0.2: Draws(0.9, 0.8, 1.0, 3)}, {}),
            100,
            2.0,
        )
        for (name, seed), share in pgd.items()
    ]
    records = {(record.case, record.metric): record for record in _records(done)}
    gain = records[
        "bayesian_connectivity, AT", "under PGD, more than deep_r, clean, seed by seed, mean"
    ]
    assert (gain.value, gain.low, gain.high) == pytest.approx((85.0, 80.0, 90.0))
    assert records["deep_r, clean", "test accuracy, under PGD, mean"].value == pytest.approx(1.5)
    assert records["deep_r, clean", "test accuracy, noise of 0.2, mean"].unit == "%"
