"""Stream a run to a file, for recordings that do not fit in memory (`stream_format` has it)."""

from __future__ import annotations

import contextlib
import os
import re
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from neurosparse.errors import ParameterError, StorageError
from neurosparse.simulate.checks import as_path
from neurosparse.simulate.recording import Chunk, Layout, check_follows, sample_range
from neurosparse.simulate.stream_format import (
    LIBVER,
    commit_row,
    create_file,
    load_h5py,
    mark_bytes,
    pack_layout,
    pack_neurons,
)
from neurosparse.simulate.stream_reading import Recording

__all__ = ["Recording", "StreamSink"]


class Done(NamedTuple):
    """What is complete."""

    stop: int  # step after the last
    n_spikes: tuple[int, ...]  # of every recorded population
    n_chunks: int


class StreamSink:
    """Writes every chunk to a file, which stays readable up to the last complete chunk.

    A killed process or a full disk costs the chunk that was being written. (A power cut may cost
    more, as the operating system orders its own writes.) `Recording` reads the file, also while
    another process writes it.

    Parameters
    ----------
    path : path
        File to create; its folder is made if need be.
    layout : Layout
        What comes.
    start : int [steps]
        First step of the run.

    Raises
    ------
    StorageError
        If the file exists, so that no recording is lost by mistake, or cannot be created.
    BackendMissingError
        If h5py is not installed.

    Notes
    -----
    Needs a file system with POSIX semantics (not NFS), as HDF5's SWMR mode does.
    """

    def __init__(self, path: str | PathLike[str], layout: Layout, start: int = 0) -> None:
        load_h5py()
        path = as_path("path", path)
        if path.exists():
            raise StorageError(
                f"{path}: exists; remove it, choose another name, or continue it with "
                "StreamSink.resume"
            )
        self._begin(path, layout, start)
        self._take_place(path)

    @classmethod
    def resume(cls, path: str | PathLike[str], layout: Layout, at_step: int) -> StreamSink:
        """Continue a recording, closed or left behind by a killed process, at ``at_step``.

        What was recorded from that step on is dropped. The part before it is copied to a new file,
        which then takes the place of the old one; until then the old one is left as it is.

        Parameters
        ----------
        path : path
            The recording.
        layout : Layout
            Must be the one that the recording was begun with.
        at_step : int [steps]
            First step to come (absolute), for example that of a checkpoint.

        Raises
        ------
        StorageError
            If the file is no recording, or the copy cannot be written.
        ParameterError
            If the layout differs, or the step lies outside what is complete.
        """
        path = as_path("path", path)
        with Recording(path) as old:
            if pack_layout(layout, old.start) != old.layout:
                raise ParameterError(
                    f"{path}: holds other populations, probes or another dtype than this run; "
                    "stream to another file"
                )
            if not old.start <= at_step <= old.start + old.n_steps:
                raise ParameterError(
                    f"at_step: got {at_step}; {path} can be continued at steps {old.start} to "
                    f"{old.start + old.n_steps}"
                )
            sink = cls.__new__(cls)
            sink._begin(path, layout, old.start)
            try:
                for chunk in old.chunks(at_step - old.start):
                    sink.append(chunk)
                sink._take_place(path)
            except BaseException as error:
                sink.close()
                sink.path.unlink()
                if isinstance(error, StorageError):
                    raise StorageError(
                        f"{path}: left as it is; its copy failed: {error}"
                    ) from error
                raise
        return sink

    def _begin(self, path: Path, layout: Layout, start: int) -> None:
        """Open a hidden neighbour of ``path``: a file can be read only once SWMR mode is on."""
        self.path = path.with_name(f".{path.name}.new")
        self.layout, self._start = layout, start
        self._done = Done(start, (0,) * len(layout.recorded), 0)
        try:
            create_file(self.path, layout, start)
            self._file: Any = load_h5py().File(self.path, "r+", libver=LIBVER)
        except OSError as error:
            raise StorageError(f"{path}: cannot be created: {_reason(error)}") from error
        file = self._file
        # kept open, as a dataset that is dropped is flushed where no error can be raised
        self._counts, self._chunks = file["counts"], file["chunks"]
        self._neurons = [file[f"spikes/{index}"] for index in range(len(layout.recorded))]
        self._traces = [file[f"traces/{index}"] for index in range(len(layout.probes))]
        file.swmr_mode = True

    def _take_place(self, path: Path) -> None:
        self.path.replace(path)
        self.path = path

    def append(self, chunk: Chunk) -> None:
        """Write a chunk and make it complete.

        Raises
        ------
        StorageError
            If it cannot be written, for example as the disk is full; the file then stays readable
            up to the chunk before, and this sink takes no more.
        ParameterError
            If it does not follow the last one.
        """
        if self._file is None:
            raise StorageError(f"{self.path}: closed; it is readable up to step {self._done.stop}")
        check_follows(chunk, self._done.stop)
        try:
            done = self._write(chunk)
        except (OSError, RuntimeError) as error:
            self._abandon()
            raise StorageError(
                f"{self.path}: steps {chunk.start} to {chunk.stop - 1} cannot be written: "
                f"{_reason(error)}; the file is readable up to step {self._done.stop}, where "
                "StreamSink.resume continues it"
            ) from error
        self._done = done

    def _write(self, chunk: Chunk) -> Done:
        # rows are placed behind what is complete, so that what an interrupt left is overwritten
        done = self._done
        counts = np.stack([chunk.counts[name] for name in self.layout.sizes], axis=1)
        _put(self._counts, done.stop - self._start, counts)
        for name, dataset, before in zip(
            self.layout.recorded, self._neurons, done.n_spikes, strict=True
        ):
            _put(dataset, before, pack_neurons(chunk.spikes[name]))
        for probe, dataset, rows in zip(
            self.layout.probes, self._traces, chunk.traces, strict=True
        ):
            _put(dataset, len(sample_range(self._start, done.stop, probe.every)), rows)
        self._file.flush()
        new = [chunk.spikes[name].n_spikes for name in self.layout.recorded]
        n_spikes = tuple(before + more for before, more in zip(done.n_spikes, new, strict=True))
        _put(self._chunks, done.n_chunks, commit_row(chunk.stop, n_spikes)[None])
        self._file.flush()
        mark_bytes(self.path)
        return Done(chunk.stop, n_spikes, done.n_chunks + 1)

    def _abandon(self) -> None:
        """Close the file without writing any more to it.

        HDF5 crashes over a file that it could not write. Led to nowhere, its last writes succeed,
        and what is on the disk stays as it is.
        """
        file, self._file = self._file, None
        with Path(os.devnull).open("r+b") as nowhere:
            os.dup2(nowhere.fileno(), file.id.get_vfd_handle())
        with contextlib.suppress(OSError, RuntimeError):
            file.close()

    def close(self) -> None:
        """Close the file; may be called twice.

        Raises
        ------
        StorageError
            If the operating system refuses the last writes; all chunks are complete nevertheless.
        """
        if self._file is None:
            return
        try:
            self._file.flush()
        except (OSError, RuntimeError) as error:
            self._abandon()
            raise StorageError(
                f"{self.path}: cannot be closed: {_reason(error)}; the file is readable up to step "
                f"{self._done.stop}"
            ) from error
        file, self._file = self._file, None
        file.close()
        mark_bytes(self.path)  # HDF5 gives back what it had set aside

    def __enter__(self) -> StreamSink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _put(dataset: Any, at: int, rows: Any) -> None:
    end = at + len(rows)
    if end > len(dataset):
        dataset.resize(end, axis=0)
    if rows.size:
        dataset[at:end] = rows


def _reason(error: BaseException) -> str:
    """Return what the operating system said, out of HDF5's long message."""
    said = re.search(r"error message = '([^']*)'", str(error))
    return said[1] if said else str(error)
