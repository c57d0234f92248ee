"""The results of a sweep as tidy tables, Parquet and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from neurosparse.network.atomic import atomic_write
from neurosparse.optional import load_optional
from neurosparse.sweep.cell import Row
from neurosparse.sweep.columns import EPOCH_COLUMNS, RESULT_COLUMNS, Column

__all__ = ["write_tables"]


def write_tables(rows: Sequence[Row], folder: str | PathLike[str]) -> list[Path]:
    """Write ``results`` and ``epochs``, each as ``.parquet`` and ``.csv``.

    Parameters
    ----------
    rows : sequence of dict
        Of `run_cell`; they are sorted by key, so that it does not matter which cell came first.
    folder : path
        Where to.

    Returns
    -------
    list of Path
        What was written, each completely or not at all.

    Raises
    ------
    BackendMissingError
        If pyarrow is not installed.
    """
    ordered = sorted(rows, key=lambda row: str(row["key"]))
    epochs = [epoch for row in ordered for epoch in row["epoch_rows"]]
    written = []
    for name, columns, lines in (
        ("results", RESULT_COLUMNS, ordered),
        ("epochs", EPOCH_COLUMNS, epochs),
    ):
        for suffix, content in (
            ("parquet", _parquet(columns, lines)),
            ("csv", _csv(columns, lines)),
        ):
            path = Path(folder) / f"{name}.{suffix}"
            with atomic_write(path) as file:
                file.write(content)
            written.append(path)
    return written


def _csv(columns: Sequence[Column], rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    names = [column.name for column in columns]
    table = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


def _parquet(columns: Sequence[Column], rows: Sequence[Row]) -> bytes:
    pa, parquet = import_pyarrow()
    types = {"text": pa.string(), "whole": pa.int64(), "number": pa.float64()}
    arrays = [
        pa.array([row[column.name] for row in rows], type=types[column.kind]) for column in columns
    ]
    table = pa.table(arrays, names=[column.name for column in columns])
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def import_pyarrow() -> tuple[Any, Any]:
    """Return pyarrow and its Parquet module; `BackendMissingError` where it is not installed."""
    names = ("pyarrow", "pyarrow.parquet")
    arrow, parquet = (load_optional(name, "tables of a sweep", "sweep") for name in names)
    return arrow, parquet
