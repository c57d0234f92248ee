"""Run one cell: train it, measure it, return what is to be known of it."""

from __future__ import annotations

import os
import time
from typing import Any

from neurosparse.sweep.columns import EPOCH_COLUMNS, RESULT_COLUMNS
from neurosparse.sweep.study import Cell

__all__ = ["Row", "run_cell"]

Row = dict[str, Any]  # of plain values: it goes through JSON


def run_cell(cell: Cell) -> Row:
    """Train and measure one cell.

    Parameters
    ----------
    cell : Cell
        What to do; nothing else has an influence, but on the times.

    Returns
    -------
    dict
        A value for every one of `RESULT_COLUMNS`, and under ``"epoch_rows"`` a list of dicts with
        `EPOCH_COLUMNS`.

    Raises
    ------
    NeurosparseError
        Whatever loading the data, training and measuring raise.

    Notes
    -----
    Uses one thread, so that as many cells as there are cores run beside one another and sums come
    out the same everywhere.
    """
    _with_one_thread()
    from neurosparse.sweep.measuring import epoch_rows, measure_cell, totals
    from neurosparse.sweep.training import train_cell

    began = time.perf_counter()
    trained = train_cell(cell)
    between = time.perf_counter()
    numbers = measure_cell(cell, trained)
    epochs = epoch_rows(trained)
    attack = cell.attack
    numbers |= {
        **totals(epochs),
        "key": cell.key,
        "version": cell.version,
        "data": trained.test.name,
        "model": cell.model,
        "scheme": cell.scheme,
        "density": cell.density,
        "seed": cell.seed,
        "starts": trained.recipe.starts,
        "state": "dense" if trained.recipe.dense_state else "active synapses",
        "epochs": len(trained.history.epochs),
        "batch_size": trained.preset.batch_size,
        "learning_rate": trained.learning_rate,
        "n_train": trained.n_train,
        "n_test": len(trained.test),
        "objective": cell.objective,
        "attack": None if attack is None else attack.kind,
        "attack_eps": None if attack is None else attack.eps,
        "attack_steps": None if attack is None else attack.n_steps,
        "train_seconds": between - began,
        "measure_seconds": time.perf_counter() - between,
    }
    where = {name: numbers[name] for name in ("key", "scheme", "density", "seed")}
    row = {column.name: numbers[column.name] for column in RESULT_COLUMNS}
    return {
        **row,
        "epoch_rows": [
            {column.name: {**where, **epoch}[column.name] for column in EPOCH_COLUMNS}
            for epoch in epochs
        ],
    }


def _with_one_thread() -> None:
    """Hold this process to one thread, in whatever library."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    import numba
    import torch

    numba.set_num_threads(1)
    torch.set_num_threads(1)
