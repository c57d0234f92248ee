"""What the benchmarks share: records, timing, discovery."""

from benchmarks.harness.record import Record, Summary, summarise
from benchmarks.harness.registry import (
    Outcome,
    Unavailable,
    UnknownBenchmark,
    available,
    describe,
    run_benchmark,
)
from benchmarks.harness.timing import Rounds, measure, side_by_side

__all__ = [
    "Outcome",
    "Record",
    "Rounds",
    "Summary",
    "Unavailable",
    "UnknownBenchmark",
    "available",
    "describe",
    "measure",
    "run_benchmark",
    "side_by_side",
    "summarise",
]
