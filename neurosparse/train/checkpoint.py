"""Checkpoints of training: written atomically, loaded without executing anything."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from neurosparse.errors import StorageError
from neurosparse.network.atomic import atomic_write

__all__ = ["load_checkpoint", "save_checkpoint"]

FORMAT = "neurosparse-checkpoint"
VERSION = 1

_UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    KeyError,
    struct.error,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)


def save_checkpoint(path: str | PathLike[str], state: dict[str, Any]) -> None:
    """Write tensors and plain values to ``path``, completely or not at all."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "version": VERSION, **state}, buffer)
    with atomic_write(path) as file:
        file.write(buffer.getbuffer())


def load_checkpoint(path: str | PathLike[str]) -> dict[str, Any]:
    """Read a checkpoint; only tensors and plain values are accepted.

    Raises
    ------
    StorageError
        If the file is missing, truncated, altered or foreign.
    """
    where = Path(path)
    if not where.is_file():
        raise StorageError(f"{where}: no such checkpoint")
    try:
        with zipfile.ZipFile(where) as archive:
            damaged = archive.testzip()  # torch.load does not compare the check sums
        if damaged is not None:
            raise zipfile.BadZipFile(f"check sum of {damaged} differs")
        state = torch.load(where, weights_only=True)
    except _UNREADABLE as error:
        raise StorageError(
            f"{where}: not a readable checkpoint (truncated, altered or foreign): "
            f"{str(error).splitlines()[0]}"
        ) from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise StorageError(f"{where}: not a neurosparse checkpoint")
    if state.get("version") != VERSION:
        raise StorageError(
            f"{where}: checkpoint version {state.get('version')}; this neurosparse reads {VERSION}"
        )
    return state
