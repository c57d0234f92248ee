"""Tasks in place of training, which workers import: fast, failing, deadly."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from neurosparse.sweep import EPOCH_COLUMNS, RESULT_COLUMNS, Cell, Row

_VALUES: dict[str, Any] = {"text": "x", "whole": 3, "number": 0.5}


def instant(cell: Cell) -> Row:
    """Return a row without doing anything; its accuracy depends on the cell alone."""
    row: Row = {column.name: _VALUES[column.kind] for column in RESULT_COLUMNS}
    epoch: Row = {column.name: _VALUES[column.kind] for column in EPOCH_COLUMNS}
    where = {name: getattr(cell, name) for name in ("key", "scheme", "density", "seed")}
    accuracy = 0.9 - 0.05 * cell.seed - 0.1 * (cell.scheme == "static") + 0.2 * cell.density
    row |= {
        **where,
        "model": cell.model,
        "final_density": cell.density,
        "test_accuracy": accuracy,
        "robust_accuracy": None if cell.attack is None else accuracy / 2,
        "attack": None if cell.attack is None else cell.attack.kind,
        "synapses": 100,
        "effective_synapses": 90 + cell.seed,
    }
    rows = [{**epoch, **where, "epoch": n + 1, "layer": i} for n in range(4) for i in range(2)]
    return {**row, "epoch_rows": rows}


def one_raises(cell: Cell) -> Row:
    """Raise for one cell."""
    if (cell.scheme, cell.seed) == ("static", 1):
        raise ArithmeticError("this cell does not add up")
    return instant(cell)


def one_dies(cell: Cell) -> Row:
    """Kill the worker that runs one cell."""
    if (cell.scheme, cell.seed) == ("static", 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return instant(cell)


def dies_once(cell: Cell) -> Row:
    """Kill the worker the first time, as a machine that is taken away does."""
    mark = os.environ.get("NEUROSPARSE_TEST_MARK", cell.data + "/died")
    if (cell.scheme, cell.seed) == ("static", 1) and not os.path.exists(mark):  # noqa: PTH110
        with open(mark, "w"):  # noqa: PTH123
            os.kill(os.getpid(), signal.SIGKILL)
    return instant(cell)


def unspeakable(cell: Cell) -> Row:
    """Return what no file can hold."""
    return {**instant(cell), "loss": object()}


def incomplete(cell: Cell) -> Row:
    """Leave a column out."""
    return {name: value for name, value in instant(cell).items() if name != "loss"}


def mark(cell: Cell) -> Row:
    """Leave a file in the folder of the data set, after a while."""
    row = slow(cell)
    (Path(cell.data) / cell.key).touch()
    return row


def slow(cell: Cell) -> Row:
    """Take a while."""
    time.sleep(0.3)
    return instant(cell)
