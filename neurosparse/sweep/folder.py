"""The folder of a sweep: its study, and a file for every finished or failed cell."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from neurosparse import __version__
from neurosparse.errors import ParameterError, StorageError
from neurosparse.network.atomic import atomic_write
from neurosparse.sweep.cell import Row
from neurosparse.sweep.columns import missing_columns
from neurosparse.sweep.study import Cell, Study

__all__ = ["StudyFolder"]

_STUDY, _LOCK, _CELLS, _ERROR = "study.json", ".lock", "cells", ".error.json"


class StudyFolder:
    """A folder that belongs to one study.

    Parameters
    ----------
    path : path
        Made if it is not there.
    study : Study
        What runs in it. A folder may go on with a study that has more schemes, densities or seeds
        than before: finished cells are kept. Where no cell of a study has finished, any other may
        take its place.

    Raises
    ------
    ParameterError
        If it is a file, holds other things, or holds a study some cells of which are not in this
        one, and results; nothing is changed.
    StorageError
        If its ``study.json`` cannot be read.
    """

    def __init__(self, path: str | PathLike[str], study: Study) -> None:
        self.path, self.study = Path(path), study
        self._check_free()

    def _check_free(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise ParameterError(f"{self.path}: is a file; name a folder")
        if (self.path / _STUDY).exists():
            self._check_same()
        elif self.path.is_dir() and not all(map(_is_remnant, self.path.iterdir())):
            raise ParameterError(f"{self.path}: holds other files; name a new or an empty folder")

    def _check_same(self) -> None:
        version, other = read_study(self.path)
        files = (self.path / _CELLS).glob("*.json")
        if all(file.name.endswith(_ERROR) for file in files):
            return  # no result of the other study would be lost
        if version != __version__:
            raise ParameterError(
                f"{self.path}: holds a study of neurosparse {version}, this is {__version__}; "
                "name another folder"
            )
        if not {cell.key for cell in other.cells()} <= {cell.key for cell in self.study.cells()}:
            what = ", ".join(self.study.differences(other))
            raise ParameterError(
                f"{self.path}: holds another study, with other {what}; name another folder"
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Write down the study, and keep other sweeps out; a killed process lets go by itself.

        Raises
        ------
        ParameterError
            If another sweep runs in the folder, or has made it another study's.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / _LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ParameterError(f"{self.path}: another sweep is running in it") from None
            self._check_free()  # another may have come and gone since the first look
            self._write(self.path / _STUDY, {"version": __version__, **self.study.to_dict()})
            self._clear()
            yield

    def _clear(self) -> None:
        """Remove errors of a study that was here before, and what a killed process left."""
        own = {self._error_file(cell) for cell in self.study.cells()}
        for file in set((self.path / _CELLS).glob(f"*{_ERROR}")) - own:
            file.unlink(missing_ok=True)
        for file in self.path.glob(f".{_STUDY}.*"):
            file.unlink(missing_ok=True)

    def rows(self) -> list[Row]:
        """Return the results of all finished cells of the study, by key.

        A file that is damaged counts as not there: its cell runs again.
        """
        found = (self._read(cell) for cell in self.study.cells())
        return sorted((row for row in found if row is not None), key=lambda row: str(row["key"]))

    def unfinished(self) -> list[Cell]:
        """Return the cells that have no result yet, in the order in which they start."""
        return [cell for cell in self.study.cells() if self._read(cell) is None]

    def _read(self, cell: Cell) -> Row | None:
        try:
            row = json.loads(self._file(cell).read_text())
        except (OSError, ValueError):
            return None
        found = isinstance(row, dict) and row.get("key") == cell.key and not missing_columns(row)
        return row if found else None

    def failures(self) -> dict[str, str]:
        """Return the traceback of every cell whose last try failed, by key."""
        found = {}
        for cell in self.study.cells():
            file = self._error_file(cell)
            if file.exists() and self._read(cell) is not None:
                file.unlink(missing_ok=True)  # the process died between result and clearing up
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                found[cell.key] = str(json.loads(file.read_text())["error"])
        return dict(sorted(found.items()))

    def save(self, cell: Cell, row: Row) -> None:
        """Write a result, completely or not at all."""
        self._write(self._file(cell), row)
        self._error_file(cell).unlink(missing_ok=True)

    def save_failure(self, cell: Cell, error: str) -> None:
        """Write why a cell failed."""
        self._write(self._error_file(cell), {"cell": cell.to_dict(), "error": error})

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        with atomic_write(path) as file:
            file.write(json.dumps(content, indent=1).encode())

    def _file(self, cell: Cell) -> Path:
        return self.path / _CELLS / f"{cell.key}.json"

    def _error_file(self, cell: Cell) -> Path:
        return self.path / _CELLS / f"{cell.key}{_ERROR}"


def _is_remnant(entry: Path) -> bool:
    """Tell whether a sweep that was killed before it wrote its study may have left this."""
    if entry.name == _CELLS:
        return entry.is_dir() and not any(entry.iterdir())
    return entry.name == _LOCK or entry.name.startswith(f".{_STUDY}.")


def read_study(folder: str | PathLike[str]) -> tuple[str, Study]:
    """Return the version of neurosparse and the study a folder belongs to.

    Raises
    ------
    StorageError
        If there is none, or it is damaged.
    """
    path = Path(folder) / _STUDY
    try:
        values = json.loads(path.read_text())
        version = values.pop("version")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(f"{path}: not the study of a sweep ({error})") from error
    return str(version), Study.from_dict(values)
