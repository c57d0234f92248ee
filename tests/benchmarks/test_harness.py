from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import harness
from benchmarks.harness import (
    Omitted,
    Outcome,
    Record,
    Unavailable,
    UnknownBenchmark,
    registry,
    timing,
)
from neurosparse.errors import BackendMissingError, DataError

FIELDS = (
    "benchmark", "case", "metric", "value", "unit", "n", "low", "high", "versions", "host",
)  # fmt: skip


class FakeClock:
    """Stands still except when told; calls of candidates are noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.calls: list[str] = []
        monkeypatch.setattr(timing.time, "perf_counter", lambda: self.now)

    def candidate(self, name: str, *seconds: float) -> Any:
        """Return a function that takes these times in turn, then the last again and again."""
        left = list(seconds)

        def call() -> None:
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    return FakeClock(monkeypatch)


def test_records_have_the_fields_that_were_agreed() -> None:
    record = Record.of("bench", "n=3", "time", [3.0, 1.0, 2.0, 10.0, 2.5], "s")
    assert tuple(record.as_dict()) == FIELDS
    assert (record.value, record.low, record.high, record.n) == (2.5, 1.0, 10.0, 5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.value = 0.0  # type: ignore[misc]


def test_a_count_is_a_sample_of_one() -> None:
    record = Record.of("bench", "", "synapses", 42, "1")
    assert (record.value, record.low, record.high, record.n) == (42, 42, 42, 1)


@pytest.mark.parametrize("samples", [[], [1.0, float("nan")], [float("inf")]])
def test_summaries_of_nothing_are_refused(samples: list[float]) -> None:
    with pytest.raises(ValueError, match="expected one or more finite numbers"):
        harness.summarise(samples)


def test_measure_leaves_the_warm_up_out(clock: FakeClock) -> None:
    seconds = harness.measure(clock.candidate("f", 100.0, 1.0, 2.0, 3.0), 3, warmup=1)
    assert seconds.tolist() == [1.0, 2.0, 3.0]
    assert len(clock.calls) == 4


def test_candidates_take_turns(clock: FakeClock) -> None:
    rounds = harness.side_by_side(
        {"a": clock.candidate("a", 9, 2, 4, 8), "b": clock.candidate("b", 9, 1, 1, 4)}, 3
    )
    assert clock.calls == ["a", "b", "a", "b", "a", "b", "a", "b"]
    assert rounds.seconds["a"].tolist() == [2, 4, 8]
    assert rounds.ratio("a", "b").tolist() == [2, 4, 2]  # pair by pair, not of the medians
    assert rounds.median("a") == 4


def test_what_measures_itself_takes_turns_too() -> None:
    numbers = iter(range(10))
    results = harness.in_turns({"a": lambda: next(numbers), "b": lambda: next(numbers)}, 2)
    assert results == {"a": [2, 4], "b": [3, 5]}  # 0 and 1 were the warm-up


def test_garbage_is_not_collected_inside() -> None:
    import gc

    seen: list[bool] = []
    harness.measure(lambda: seen.append(gc.isenabled()), 2, warmup=0)
    assert seen == [False, False]
    assert gc.isenabled()


@pytest.mark.parametrize("arguments", [({}, 3), ({"a": int}, 0)])
def test_nothing_to_measure(arguments: Any) -> None:
    with pytest.raises(ValueError, match="expected a candidate, n >= 1"):
        harness.side_by_side(*arguments)
    with pytest.raises(ValueError, match="expected a candidate, n >= 1"):
        harness.in_turns(*arguments)


# ---------------------------------------------------------------------- discovery


def register(monkeypatch: pytest.MonkeyPatch, name: str, run: Any, doc: str = "Says this.") -> None:
    """Make ``name`` a benchmark for the length of a test."""
    module = types.ModuleType(f"benchmarks.{name}", doc)
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, f"benchmarks.{name}", module)
    names = registry.available()
    monkeypatch.setattr(registry, "available", lambda: tuple(sorted([*names, name])))


def test_every_benchmark_has_a_line_and_a_run() -> None:
    assert "event_engine" in harness.available()
    for name in harness.available():
        assert harness.describe(name)
        assert callable(registry._load(name).run)


def test_unknown_names_are_answered_with_the_known() -> None:
    with pytest.raises(UnknownBenchmark, match=r"no benchmark 'nope'; there are .*event_engine"):
        harness.run_benchmark("nope")
    with pytest.raises(UnknownBenchmark, match="no benchmark 'harness'"):
        harness.run_benchmark("harness")


def test_quick_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(quick: bool) -> Iterator[Record]:
        yield Record.of("fake", "", "quick", int(quick), "1")

    register(monkeypatch, "fake", run)
    assert harness.run_benchmark("fake", quick=True).records[0].value == 1
    assert harness.run_benchmark("fake").records[0].value == 0


@pytest.mark.parametrize("reason", [Unavailable, BackendMissingError, DataError])
def test_what_cannot_run_here_is_skipped_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, reason: type[Exception]
) -> None:
    def run(quick: bool) -> Iterator[Record]:
        yield Record.of("fake", "", "x", 1, "1")
        raise reason("MNIST is not here")

    register(monkeypatch, "fake", run)
    outcome = harness.run_benchmark("fake")
    assert (outcome.records, outcome.skipped) == ((), "MNIST is not here")


def test_a_part_that_is_missing_does_not_stop_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(quick: bool) -> Iterator[Record | Omitted]:
        yield Omitted("peer", "not installed")
        yield Omitted("peer", "not installed")  # for another case
        yield Record.of("fake", "", "time", 1.0, "s")

    register(monkeypatch, "fake", run)
    outcome = harness.run_benchmark("fake")
    assert (len(outcome.records), outcome.skipped) == (1, "")
    assert outcome.omitted == (Omitted("peer", "not installed"),)


def test_figures_are_drawn_of_records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run(quick: bool) -> Iterator[Record]:
        yield Record.of("fake", "", "time", 1.0, "s")

    register(monkeypatch, "fake", run)
    outcome = harness.run_benchmark("fake")
    folder = tmp_path / "new"
    assert harness.draw(outcome, folder) is None  # it has no figure
    module = sys.modules["benchmarks.fake"]
    monkeypatch.setattr(
        module, "draw", lambda records, path: path.write_text(records[0].metric), raising=False
    )
    path = harness.draw(outcome, folder)
    assert path == folder / "fake.png"
    assert path.read_text() == "time"
    assert harness.draw(Outcome("fake", (), "no data"), folder) is None


def test_other_errors_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(quick: bool) -> Iterator[Record]:
        raise ZeroDivisionError

    register(monkeypatch, "fake", run)
    with pytest.raises(ZeroDivisionError):
        harness.run_benchmark("fake")
