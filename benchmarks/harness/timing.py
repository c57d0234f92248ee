"""Time functions so that the comparison is fair on a busy machine."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rounds", "measure", "side_by_side"]


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
    if not candidates or n < 1 or warmup < 0:
        raise ValueError(
            f"candidates, n, warmup: got {list(candidates)}, {n}, {warmup}; "
            "expected a candidate, n >= 1 and warmup >= 0"
        )
    for function in candidates.values():
        for _ in range(warmup):
            function()
    rounds = [[_seconds(function) for function in candidates.values()] for _ in range(n)]
    times = np.array(rounds, dtype=np.float64)
    return Rounds({name: times[:, i].copy() for i, name in enumerate(candidates)})
