"""What happens on a worker: one cell, whose failure stays its own."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurosparse.data.places import ENVIRONMENT, data_folders
from neurosparse.errors import ParameterError
from neurosparse.sweep.cell import Row
from neurosparse.sweep.columns import missing_columns
from neurosparse.sweep.study import Cell

__all__ = ["Task", "known_data_folder", "work"]

Task = Callable[[Cell], Row]


def known_data_folder() -> str | None:
    """Return where data sets lie, as seen from the process that starts the sweep."""
    return next((str(folder.resolve()) for folder in data_folders() if folder.is_dir()), None)


def work(task: Task, cell: Cell, data_folder: str | None) -> dict[str, Any]:
    """Run a cell.

    Parameters
    ----------
    task : callable
        `run_cell`, or one of the user's own.
    cell : Cell
        What to run.
    data_folder : str, optional
        Where the starting process finds its data sets. A worker elsewhere that does not have that
        folder looks where it would look anyway.

    Returns
    -------
    dict
        ``row``, or ``error``: the traceback of whatever was raised.
    """
    if data_folder is not None and Path(data_folder).is_dir():
        os.environ[ENVIRONMENT] = data_folder
    try:
        row: Row = json.loads(json.dumps(task(cell)))  # a row that cannot be saved fails here
        _check_row(row, cell)
    except Exception:  # noqa: BLE001 -- one cell is not to stop the others, whatever it does
        return {"error": traceback.format_exc()}
    return {"row": row}


def _check_row(row: Any, cell: Cell) -> None:
    """Refuse what would not be found again as the result of the cell."""
    if not isinstance(row, dict) or row.get("key") != cell.key:
        raise ParameterError("task: got no row with the key of its cell; see run_cell")
    missing = missing_columns(row)
    if missing:
        raise ParameterError(f"task: got a row without {', '.join(missing)}; see run_cell")
