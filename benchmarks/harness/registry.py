"""Find benchmarks by name and run them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, cast

import benchmarks
from benchmarks.harness.record import Record
from neurosparse.errors import BackendMissingError, DataError

__all__ = [
    "Outcome",
    "Unavailable",
    "UnknownBenchmark",
    "available",
    "describe",
    "run_benchmark",
]


class Unavailable(Exception):  # noqa: N818 - not an error: a benchmark says why it cannot run here
    """Raised by a benchmark that cannot run here; the message says what is missing."""


class UnknownBenchmark(LookupError):  # noqa: N818 - reads as what it is
    """No benchmark has this name."""


class Benchmark(Protocol):
    """A module of this package."""

    __doc__: str | None

    def run(self, quick: bool) -> Iterable[Record]:
        """Measure; ``quick`` asks for the smallest cases, enough to see that it works."""


@dataclass(frozen=True)
class Outcome:
    """Records of one benchmark, or why there are none."""

    name: str
    records: tuple[Record, ...]
    skipped: str = ""


def available() -> tuple[str, ...]:
    """Return the names of all benchmarks, sorted."""
    modules = pkgutil.iter_modules(benchmarks.__path__)
    return tuple(sorted(m.name for m in modules if not (m.ispkg or m.name.startswith("_"))))


def _load(name: str) -> Benchmark:
    if name not in available():
        raise UnknownBenchmark(f"no benchmark {name!r}; there are {', '.join(available())}")
    return cast("Benchmark", importlib.import_module(f"benchmarks.{name}"))


def describe(name: str) -> str:
    """Return the first line of a benchmark's docstring."""
    return (_load(name).__doc__ or "").partition("\n")[0]


def run_benchmark(name: str, *, quick: bool = False) -> Outcome:
    """Run one benchmark.

    Parameters
    ----------
    name : str
        One of `available`.
    quick : bool
        Only the smallest cases.

    Returns
    -------
    Outcome
        Its records; none, with the reason, if a data set or an optional package is missing.

    Raises
    ------
    UnknownBenchmark
        If there is none of this name.
    """
    try:
        return Outcome(name, tuple(_load(name).run(quick)))
    except (Unavailable, BackendMissingError, DataError) as reason:
        return Outcome(name, (), str(reason))
