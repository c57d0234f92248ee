"""Every benchmark on a published model runs, small and without peers."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from benchmarks.harness import Record, draw, run_benchmark
from benchmarks.harness.peer import ENVIRONMENT
from neurosparse.errors import DataError


@pytest.fixture(autouse=True)
def _no_peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))


def metrics(records: tuple[Record, ...]) -> set[str]:
    assert all(record.low <= record.value <= record.high for record in records)
    return {record.metric for record in records}


def test_cuba() -> None:
    outcome = run_benchmark("cuba", quick=True)
    assert [part.what for part in outcome.omitted] == ["brian2", "nest"]
    assert {
        "neurosparse, per biological second",
        "neurosparse, per neuron-step",
        "neurosparse, per synaptic event",
        "rate, neurosparse, mean",
        "rate, neurosparse, standard error",
    } <= metrics(outcome.records)


def test_brunel() -> None:
    outcome = run_benchmark("brunel", quick=True)
    assert {part.what for part in outcome.omitted} >= {"brian2", "nest"}
    assert {record.case.split()[-1] for record in outcome.records} == {"constant", "poisson"}
    assert {
        "neurosparse, per synaptic event",
        "neurosparse, 2 threads, per synaptic event",
        "ratio 1 thread / 2 threads, neurosparse",
    } <= metrics(outcome.records)
    rates = [r.value for r in outcome.records if r.metric == "neurosparse, rate"]
    assert all(rate > 0 for rate in rates)


def test_scaling_and_its_figure(tmp_path: Path) -> None:
    outcome = run_benchmark("scaling", quick=True)
    assert {"all, per synaptic event", "all, per neuron-step", "ratio delivery / roofline"} <= (
        metrics(outcome.records)
    )
    pytest.importorskip("matplotlib")
    figure = draw(outcome, tmp_path / "figures")
    assert figure == tmp_path / "figures" / "scaling.png"
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_a_figure_bears_differences_that_noise_turned_negative(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    scaling = importlib.import_module("benchmarks.scaling")
    case = "neurons: n=1,000 fan-out=10 rate=5 Hz"
    records = [
        Record.of("scaling", case, scaling.PER_EVENT, [-2.0, -1.0, 3.0], "ns"),
        Record.of("scaling", case, scaling.ROOFLINE, [1.0, 2.0], "ns"),
        Record.of("scaling", case, scaling.PER_STEP, [-1.0, 1.0, 2.0], "ns"),
    ]
    scaling.draw(records, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 0


def test_scaling_fires_at_the_rate_of_the_case() -> None:
    scaling = importlib.import_module("benchmarks.scaling")
    (case,) = scaling.QUICK_AXES["neurons"]
    (rate,) = [r.value for r in scaling.run(quick=True) if r.metric == "rate"]
    assert rate == pytest.approx(case.rate_hz, rel=0.15)


def test_potjans_diesmann() -> None:
    outcome = run_benchmark("potjans_diesmann", quick=True)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert {"building", "per biological second", "rate L4E", "rates within 10% of published"} <= (
        metrics(outcome.records)
    )


def test_potjans_diesmann_without_its_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_data(*parts: str) -> Path:
        raise DataError("pd14_params.json: not found")

    monkeypatch.setattr("benchmarks.potjans_diesmann.find_data", find_data)
    assert run_benchmark("potjans_diesmann").skipped == "pd14_params.json: not found"
