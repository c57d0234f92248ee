"""Run benchmarks: ``python -m benchmarks NAME [--json FILE] [--figures FOLDER] [--quick]``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness import (
    Outcome,
    UnknownBenchmark,
    available,
    describe,
    draw,
    run_benchmark,
)
from neurosparse.network.atomic import atomic_write


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run")
    parser.add_argument("--all", action="store_true", help="run every benchmark")
    parser.add_argument("--list", action="store_true", help="name the benchmarks and stop")
    parser.add_argument("--json", metavar="FILE", help="also write the records to FILE")
    parser.add_argument(
        "--figures", metavar="FOLDER", help="where figures go; default is beside --json's FILE"
    )
    parser.add_argument("--quick", action="store_true", help="only the smallest cases")
    options = parser.parse_args(arguments)
    if options.list:
        for name in available():
            print(f"{name:24}{describe(name)}")
        return 0
    names = list(available()) if options.all else options.names
    if not names:
        parser.error("name a benchmark, or give --all; --list names them")
    unknown = [name for name in names if name not in available()]
    if unknown:
        parser.error(str(UnknownBenchmark(f"no benchmark {unknown[0]!r}; see --list")))
    figures = options.figures or (Path(options.json).parent if options.json else None)
    outcomes = []
    for name in names:
        print(f"{name} ...", file=sys.stderr)
        outcomes.append(run_benchmark(name, quick=options.quick))
        show(outcomes[-1])
        if figures and (figure := draw(outcomes[-1], Path(figures))):
            print(f"{name}: drew {figure}", file=sys.stderr)
    if options.json:
        records = [record.as_dict() for outcome in outcomes for record in outcome.records]
        with atomic_write(options.json) as file:
            file.write(json.dumps(records, indent=1).encode() + b"\n")
    return 0


def show(outcome: Outcome) -> None:
    """Print the records as a table on stdout, or why there are none."""
    if outcome.skipped:
        print(f"{outcome.name}: skipped: {outcome.skipped}")
        return
    table = Table(title=outcome.name, title_justify="left")
    for column in ("case", "metric", "value", "low", "high", "unit", "n"):
        right = column in ("value", "low", "high", "n")
        table.add_column(column, justify="right" if right else "left", no_wrap=True)
    for record in outcome.records:
        numbers = [f"{number:,.4g}" for number in (record.value, record.low, record.high)]
        table.add_row(record.case, record.metric, *numbers, record.unit, str(record.n))
    # a pipe has no width: leave the table as wide as it is
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    for part in outcome.omitted:
        print(f"{outcome.name}: {part.what} left out: {part.reason}")


if __name__ == "__main__":
    raise SystemExit(main())
