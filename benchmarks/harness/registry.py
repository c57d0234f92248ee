"""Find benchmarks by name and run them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import benchmarks
from benchmarks.harness.record import Record
from benchmarks.harness.unavailable import Omitted, Unavailable
from neurosparse.errors import BackendMissingError, DataError

__all__ = [
    "Outcome",
    "UnknownBenchmark",
    "available",
    "describe",
    "draw",
    "run_benchmark",
]


class UnknownBenchmark(LookupError):  # noqa: N818 - reads as what it is
    """No benchmark has this name."""


class Benchmark(Protocol):
    """A module of this package."""

    __doc__: str | None

    def run(self, quick: bool) -> Iterable[Record | Omitted]:
        """Measure; ``quick`` asks for the smallest cases, enough to see that it works."""


@dataclass(frozen=True)
class Outcome:
    """Records of one benchmark, and what was left out; or why there are none."""

    name: str
    records: tuple[Record, ...]
    skipped: str = ""
    omitted: tuple[Omitted, ...] = ()


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
        yielded = tuple(_load(name).run(quick))
    except (Unavailable, BackendMissingError, DataError) as reason:
        return Outcome(name, (), str(reason))
    return Outcome(
        name,
        tuple(entry for entry in yielded if isinstance(entry, Record)),
        # the same for every case of a benchmark: told once
        omitted=tuple(dict.fromkeys(part for part in yielded if isinstance(part, Omitted))),
    )


def draw(outcome: Outcome, folder: Path) -> Path | None:
    """Draw the figure of a benchmark that has a ``draw(records, path)``.

    Parameters
    ----------
    outcome : Outcome
        What to draw.
    folder : path
        Where ``<name>.png`` goes; made if need be.

    Returns
    -------
    path or None
        The file; None if the benchmark has no figure, or no records.
    """
    function = getattr(_load(outcome.name), "draw", None)
    if function is None or not outcome.records:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{outcome.name}.png"
    function(outcome.records, path)
    return path
