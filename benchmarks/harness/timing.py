"""Time functions so that the comparison is fair on a busy machine."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rounds", "in_turns", "measure", "side_by_side"]

T = TypeVar("T")

# Idle threads of BLAS and OpenMP go on spinning for a while after a call (OpenBLAS for about 30 ms)
# and would slow down whoever is measured next.
PAUSE = 0.1  # seconds


def _seconds(function: Callable[[], object]) -> float:
    """Time one call, with no garbage collection inside."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter()
        function()
        return time.perf_counter() - start
    finally:
        if enabled:
            gc.enable()


def measure(function: Callable[[], object], n: int = 5, *, warmup: int = 1) -> NDArray[np.float64]:
    """Call ``function`` ``warmup + n`` times.

    Returns
    -------
    (n,) float64 [s]
        Time of each of the last ``n`` calls; compilation and cold caches stay in the warm-up.
    """
    return side_by_side({"": function}, n, warmup=warmup).seconds[""]


@dataclass(frozen=True)
class Rounds:
    """Times of several candidates, round by round.

    Parameters
    ----------
    seconds : dict of str to (n,) float64 [s]
        Entry ``i`` of every candidate was measured in round ``i``.
    """

    seconds: dict[str, NDArray[np.float64]]

    def median(self, name: str) -> float:
        """Median time of one candidate [s]."""
        return float(np.median(self.seconds[name]))

    def ratio(self, of: str, to: str) -> NDArray[np.float64]:
        """Return ``of / to`` in every round, (n,) float64 [1]."""
        return self.seconds[of] / self.seconds[to]


def side_by_side(
    candidates: Mapping[str, Callable[[], object]], n: int = 5, *, warmup: int = 1
) -> Rounds:
    """Measure candidates in turns, A B A B, so that drift of the machine meets all alike.

    Parameters
    ----------
    candidates : mapping of str to callable
        What to time; called without arguments.
    n : int
        Rounds, >= 1.
    warmup : int
        Calls of each before the first round, >= 0.

    Returns
    -------
    Rounds
        Times, from which ratios are taken pair by pair.

    Raises
    ------
    ValueError
        If there is no candidate, or no round.
    """
    timed = {name: partial(_seconds, function) for name, function in candidates.items()}
    return Rounds({name: np.array(s) for name, s in in_turns(timed, n, warmup=warmup).items()})


def in_turns(
    candidates: Mapping[str, Callable[[], T]], n: int = 5, *, warmup: int = 1
) -> dict[str, list[T]]:
    """Call candidates that measure themselves in turns, A B A B.

    Parameters
    ----------
    candidates : mapping of str to callable
        Called without arguments; each returns what it measured.
    n : int
        Rounds, >= 1.
    warmup : int
        Calls of each before the first round, >= 0; what they return is dropped.

    Returns
    -------
    dict of str to list
        What each returned, entry ``i`` in round ``i``.

    Raises
    ------
    ValueError
        If there is no candidate, or no round.
    """
    if not candidates or n < 1 or warmup < 0:
        raise ValueError(
            f"candidates, n, warmup: got {list(candidates)}, {n}, {warmup}; "
            "expected a candidate, n >= 1 and warmup >= 0"
        )
    for function in candidates.values():
        for _ in range(warmup):
            function()
    results: dict[str, list[T]] = {name: [] for name in candidates}
    for _ in range(n):
        for name, function in candidates.items():
            time.sleep(PAUSE)
            results[name].append(function())
    return results
