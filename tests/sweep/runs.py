"""A sweep without a word, and its tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")
pytest.importorskip("pyarrow")
pytest.importorskip("torch")
pytest.importorskip("sklearn")

from pyarrow import parquet

from neurosparse.sweep import TIME_COLUMNS, Study, SweepResult, run_study

__all__ = ["LIMIT_S", "assert_same_tables", "run", "table"]

LIMIT_S = 120.0  # for whatever is waited for


def run(study: Study, folder: Path, **options: Any) -> SweepResult:
    """Run a study quietly, without figures."""
    return run_study(study, folder, **{"progress": False, "figures": False, **options})


def table(folder: Path, name: str = "results") -> list[dict[str, Any]]:
    """Return a table of a sweep without times."""
    rows: list[dict[str, Any]] = parquet.read_table(folder / f"{name}.parquet").to_pylist()
    return [{k: v for k, v in row.items() if k not in TIME_COLUMNS} for row in rows]


def assert_same_tables(first: Path, second: Path) -> None:
    for name in ("results", "epochs"):
        assert table(first, name)
        assert table(first, name) == table(second, name)
