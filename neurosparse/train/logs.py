"""Logs of a run that other programs read: CSV, TensorBoard."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from neurosparse.errors import BackendMissingError
from neurosparse.network.atomic import atomic_write
from neurosparse.train.history import Epoch, History

__all__ = ["CsvLog", "Log", "TensorBoardLog"]

Log = Callable[[History], None]  # called after every epoch


def _scalars(epoch: Epoch) -> dict[str, float]:
    """Return the numbers of an epoch; those per layer are summed."""
    numbers = {
        "loss": epoch.loss,
        "train_accuracy": epoch.train_accuracy,
        "valid_accuracy": epoch.valid_accuracy,
        "valid_loss": epoch.valid_loss,
        "synapses": sum(epoch.synapses),
        "dropped": sum(epoch.dropped),
        "grown": sum(epoch.grown),
        "events_per_sample": epoch.events_per_sample,
        "learning_rate": epoch.learning_rate,
        "seconds": epoch.seconds,
    }
    return {name: number for name, number in numbers.items() if number is not None}


class CsvLog:
    """A table with a line per epoch, written anew after each, so that it is never torn or doubled.

    Parameters
    ----------
    path : path
        The file.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)

    def __call__(self, history: History) -> None:
        """Write the table."""
        rows = [{"epoch": epoch.epoch, **_scalars(epoch)} for epoch in history.epochs]
        text = io.StringIO()
        table = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        with atomic_write(self.path) as file:
            file.write(text.getvalue().encode())


class TensorBoardLog:
    """Curves for TensorBoard.

    Parameters
    ----------
    folder : path
        Where event files go; a resumed run goes on in it.

    Raises
    ------
    BackendMissingError
        If tensorboard is not installed.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise BackendMissingError(
                "TensorBoardLog: needs tensorboard; pip install 'neurosparse[tensorboard]'"
            ) from error
        self._writer: Any = SummaryWriter(str(folder))

    def __call__(self, history: History) -> None:
        """Add the last epoch."""
        epoch = history.epochs[-1]
        for name, number in _scalars(epoch).items():
            self._writer.add_scalar(name, number, epoch.epoch)
        for index, synapses in enumerate(epoch.synapses):
            self._writer.add_scalar(f"synapses/layer{index}", synapses, epoch.epoch)
        self._writer.flush()
