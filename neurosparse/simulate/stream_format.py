"""The HDF5 file that a run is streamed to.

Layout (attributes of the root: ``format`` = ``neurosparse-recording``, ``version`` = 2, ``layout``
= JSON of ``start`` (first step), ``sizes``, ``recorded``, ``signed``, ``probes``, ``dtype``); all
datasets grow along their first axis:

head (HDF5 calls it user block) : 512 bytes
    A line of text that says how many bytes the complete part needs.
``counts`` : (n_steps, n_populations) int32
    Spikes of every population of ``sizes`` in every step.
``spikes/{i}`` : (n_spikes,) uint16 or int32
    Neurons of the i-th of ``recorded`` that spiked, by step, then neuron. How many belong to which
    step stands in ``counts``. In a population of ``signed``, neuron ``n`` is -1 - n where its spike
    has sign -1.
``traces/{i}`` : (n_samples, n_probed)
    Of the i-th of ``probes``.
``chunks`` : (n_chunks, 2 + n_recorded) int64
    For every chunk of steps: the step after its last, the spikes of every recorded population by
    then, and the CRC-32 of these numbers.

A chunk is complete once its row stands in ``chunks``, and the row is written after all else has
been flushed. The file is written in HDF5's single-writer-multiple-reader (SWMR) mode, which orders
all writes so that what lies on the disk is a readable file at any moment. Nothing is compressed:
without their steps spikes take 2 or 4 bytes, and compressed chunks that grow would move and leave
holes that SWMR never fills.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import StorageError
from neurosparse.network import Spikes
from neurosparse.network.atomic import atomic_write
from neurosparse.optional import load_optional
from neurosparse.simulate.recording import Layout

__all__ = [
    "commit_row",
    "complete_rows",
    "create_file",
    "describe",
    "load_h5py",
    "mark_bytes",
    "open_file",
    "pack_layout",
    "pack_neurons",
    "read_layout",
    "storage_errors",
    "unpack_neurons",
]

FORMAT, VERSION = "neurosparse-recording", 2
LIBVER = ("v110", "v110")  # the first with SWMR, so that old readers can follow
_HEAD, _HEAD_BYTES = "neurosparse recording, bytes:", 512
_SWMR_WRITE = 4
_CHUNK_BYTES = 1 << 16
_SMALL = 1 << 16  # neurons that uint16 can number
# What h5py and json raise over files that are not what they should be
_UNREADABLE = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError)


def load_h5py() -> Any:
    """Return the package; `BackendMissingError` where it is not installed."""
    return load_optional("h5py", "runs streamed to a file", "simulate")


def describe(probe: Any) -> dict[str, Any]:
    """Return a probe as it looks after a trip through JSON."""
    described: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(probe)))
    return described


def pack_layout(layout: Layout, start: int) -> dict[str, Any]:
    """Return layout and first step as JSON-able values."""
    return {
        "start": start,
        "sizes": [list(item) for item in layout.sizes.items()],  # in the order of the columns
        "recorded": list(layout.recorded),
        "signed": list(layout.signed),
        "probes": [describe(probe) for probe in layout.probes],
        "dtype": np.dtype(layout.dtype).name,
    }


def create_file(path: Path, layout: Layout, start: int) -> None:
    """Put a recording of no steps at ``path``, completely or not at all."""
    buffer = io.BytesIO()
    with load_h5py().File(buffer, "w", libver=LIBVER, userblock_size=_HEAD_BYTES) as file:
        file.attrs.update(
            format=FORMAT, version=VERSION, layout=json.dumps(pack_layout(layout, start))
        )
        _create(file, "counts", np.int32, len(layout.sizes))
        for index, name in enumerate(layout.recorded):
            small = layout.sizes[name] <= _SMALL and name not in layout.signed
            _create(file, f"spikes/{index}", np.uint16 if small else np.int32)
        for index, probe in enumerate(layout.probes):
            _create(file, f"traces/{index}", layout.dtype, layout.width(probe))
        _create(file, "chunks", np.int64, 2 + len(layout.recorded))
    with atomic_write(path) as target:
        target.write(buffer.getbuffer())
    mark_bytes(path)


def _create(file: Any, name: str, dtype: Any, *width: int) -> None:
    row_bytes = np.dtype(dtype).itemsize * max(1, *width, 1)
    rows = max(1, _CHUNK_BYTES // row_bytes)
    # HDF5 chunks have no empty axis: a probe of no neurons has a chunk that is never written
    chunk = (rows, *(max(1, columns) for columns in width))
    limit = (None, *(max(1, columns) for columns in width))
    file.create_dataset(name, (0, *width), dtype=dtype, chunks=chunk, maxshape=limit)


def pack_neurons(spikes: Spikes) -> NDArray[np.int32]:
    """Return neurons and, where spikes have some, signs in one number."""
    neurons = spikes.neurons
    return neurons if spikes.signs is None else np.where(spikes.signs < 0, ~neurons, neurons)


def unpack_neurons(numbers: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int8]]:
    """Return the neurons and signs that were packed."""
    negative = numbers < 0
    return np.where(negative, ~numbers, numbers), np.where(negative, -1, 1).astype(np.int8)


def commit_row(stop: int, n_spikes: Sequence[int]) -> NDArray[np.int64]:
    """Return the row of ``chunks`` that makes a chunk complete."""
    numbers = np.array([stop, *n_spikes], dtype="<i8")
    return np.append(numbers, zlib.crc32(numbers.tobytes()))


def complete_rows(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows up to the first that was not written to its end."""
    for index, row in enumerate(rows.astype("<i8")):
        if zlib.crc32(row[:-1].tobytes()) != row[-1]:
            return rows[:index]
    return rows


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what reading a damaged file raises into StorageError."""
    try:
        yield
    except StorageError:
        raise
    except _UNREADABLE as error:
        raise StorageError(
            f"{path}: not a readable recording (truncated, altered or foreign): {error}"
        ) from error


def mark_bytes(path: Path) -> None:
    """Note in the head how long the file is by now."""
    with path.open("r+b", buffering=0) as file:
        file.write(f"{_HEAD} {path.stat().st_size:>20}\n".encode())


def _is_in_use(path: Path) -> bool:
    """Say whether the file is being written or its writer was killed.

    Then it must be opened in SWMR mode, where HDF5 waits forever for parts that a truncated file
    has lost; hence the head is asked first how long the file should be.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES + 12)
    if not head.startswith(_HEAD.encode()) or len(head) < _HEAD_BYTES + 12:
        raise StorageError(f"{path}: not a neurosparse recording, or a truncated one")
    size, written = path.stat().st_size, int(head[len(_HEAD) :].split()[0])
    if size < written:
        raise StorageError(f"{path}: truncated: {size} bytes, but {written} had been written")
    # byte 11 of the superblock, HDF5 File Format Specification 3.0, section II.A
    return bool(head[_HEAD_BYTES + 11] & _SWMR_WRITE)


def open_file(path: Path) -> Any:
    """Open for reading, whether it was closed, is being written or its writer was killed.

    Raises
    ------
    StorageError
        If there is no such file, or it is no recording.
    """
    h5py = load_h5py()
    if not path.is_file():
        raise StorageError(f"{path}: no such file")
    with storage_errors(path):
        file = h5py.File(path, "r", swmr=_is_in_use(path), libver=LIBVER)
        try:
            if file.attrs.get("format") != FORMAT:
                raise StorageError(f"{path}: not a neurosparse recording")
            if file.attrs["version"] != VERSION:
                raise StorageError(
                    f"{path}: format version {file.attrs['version']}; "
                    f"this neurosparse reads {VERSION}"
                )
        except BaseException:
            file.close()
            raise
    return file


def read_layout(file: Any) -> dict[str, Any]:
    """Return what `pack_layout` made."""
    layout: dict[str, Any] = json.loads(file.attrs["layout"])
    return layout
