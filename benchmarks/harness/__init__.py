"""What the benchmarks share: records, timing, discovery, peers in processes of their own."""

from benchmarks.harness.peer import Peer, PeerFailed, start_or_omit
from benchmarks.harness.record import Record, Summary, summarise
from benchmarks.harness.registry import (
    Outcome,
    UnknownBenchmark,
    available,
    describe,
    draw,
    run_benchmark,
)
from benchmarks.harness.timing import Rounds, in_turns, measure, side_by_side
from benchmarks.harness.unavailable import Omitted, Unavailable

__all__ = [
    "Omitted",
    "Outcome",
    "Peer",
    "PeerFailed",
    "Record",
    "Rounds",
    "Summary",
    "Unavailable",
    "UnknownBenchmark",
    "available",
    "describe",
    "draw",
    "in_turns",
    "measure",
    "run_benchmark",
    "side_by_side",
    "start_or_omit",
    "summarise",
]
