"""Read a recording that was streamed to a file, without loading all of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from os import PathLike
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, StorageError, TopologyError
from neurosparse.network import Spikes
from neurosparse.network.checks import check_count
from neurosparse.simulate.checks import as_path, shown
from neurosparse.simulate.recording import Chunk, Recorded, sample_range
from neurosparse.simulate.stream_format import (
    complete_rows,
    describe,
    open_file,
    read_layout,
    storage_errors,
    unpack_neurons,
)

__all__ = ["Recording"]


class Recording:
    """A recording in a file, up to the last chunk that was complete when it was opened.

    Parameters
    ----------
    path : path
        File written by `StreamSink`: closed, still being written by another process, or left
        behind by a process that was killed.

    Attributes
    ----------
    start : int
        First step (absolute).
    n_steps : int
        Steps that are complete.
    populations, recorded : tuple of str
        All populations (counted), and those whose spikes were kept.
    probes : list of dict
        What was probed.

    Raises
    ------
    StorageError
        If the file is missing, truncated, altered or foreign.
    BackendMissingError
        If h5py is not installed.

    Notes
    -----
    Steps are counted from ``start``, as in the result of a run. Other programs open the file of a
    killed process with ``h5py.File(path, "r", swmr=True)``.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = as_path("path", path)
        self._file = open_file(self.path)
        try:
            with storage_errors(self.path):
                self._read_index()
        except BaseException:
            self.close()
            raise

    def _read_index(self) -> None:
        self.layout = read_layout(self._file)
        self.start = check_count("start", self.layout["start"])
        self._sizes = {
            name: check_count("size", size, least=1) for name, size in self.layout["sizes"]
        }
        self.populations = tuple(self._sizes)
        self.recorded = tuple(self.layout["recorded"])
        self._signed = set(self.layout["signed"])
        self.probes = list(self.layout["probes"])
        rows = complete_rows(self._file["chunks"][:])
        # relative steps at which chunks end, and how many spikes there are by then
        self._ends = np.append(0, rows[:, 0] - self.start)
        self._spikes_by = np.vstack([np.zeros((1, len(self.recorded)), np.int64), rows[:, 1:-1]])
        if np.any(np.diff(self._ends) <= 0) or np.any(np.diff(self._spikes_by, axis=0) < 0):
            raise StorageError(f"{self.path}: altered: its chunks are not in order of time")
        self.n_steps = int(self._ends[-1])

    def spikes(self, name: str, start: int | None = None, stop: int | None = None) -> Spikes:
        """Return the spikes of steps ``start`` to ``stop - 1``, renumbered from 0; default all.

        Raises
        ------
        TopologyError
            If the spikes of this population were not kept.
        ParameterError
            If the steps lie outside the recording.
        StorageError
            If the file turns out to be altered.
        """
        if name not in self.recorded:
            kept = ", ".join(map(repr, self.recorded)) or "none"
            raise TopologyError(f"spikes: no population {name!r} was recorded; there are {kept}")
        start, stop = self._window(start, stop)
        index = self.recorded.index(name)
        with storage_errors(self.path):
            # the chunk that holds the first step tells how many spikes came before
            chunk = int(np.searchsorted(self._ends, start, side="right")) - 1
            begin = int(self._ends[chunk])
            per_step = self._counts(name, begin, stop)
            base = int(self._spikes_by[chunk, index])
            first = base + int(per_step[: start - begin].sum())
            own = per_step[start - begin :]
            end = int(np.searchsorted(self._ends, stop))
            if stop == self._ends[end] and base + per_step.sum() != self._spikes_by[end, index]:
                raise StorageError(f"{self.path}: altered: counts and spikes of {name!r} differ")
            neurons = self._file[f"spikes/{index}"][first : first + int(own.sum())]
            steps = np.repeat(np.arange(stop - start), own)
            signs = None
            if name in self._signed:
                neurons, signs = unpack_neurons(neurons)
            return Spikes(steps, neurons, stop - start, self._sizes[name], signs)

    def counts(
        self, name: str, start: int | None = None, stop: int | None = None
    ) -> NDArray[np.int64]:
        """Return the spikes per step of a population, (stop - start,) int64; raises as `spikes`."""
        if name not in self.populations:
            known = ", ".join(map(repr, self.populations))
            raise TopologyError(f"counts: no population {name!r}; there are {known}")
        start, stop = self._window(start, stop)
        with storage_errors(self.path):
            return self._counts(name, start, stop)

    def _counts(self, name: str, start: int, stop: int) -> NDArray[np.int64]:
        column: NDArray[Any] = self._file["counts"][start:stop, self.populations.index(name)]
        if column.size < stop - start:
            raise StorageError(f"{self.path}: altered: counts end at step {start + column.size}")
        return column.astype(np.int64)

    def trace(self, probe: Any, start: int | None = None, stop: int | None = None) -> NDArray[Any]:
        """Return what was sampled from steps ``start`` to ``stop - 1``, (n_samples, n_probed).

        Parameters
        ----------
        probe : Probe or int
            The probe, or its place in ``probes``.
        start, stop : int, optional [steps]
            Default all.

        Raises
        ------
        ParameterError
            If there is no such probe or step.
        StorageError
            If the file turns out to be altered.
        """
        if isinstance(probe, int | np.integer):
            index = check_count("probe", probe, most=len(self.probes) - 1)
        elif not dataclasses.is_dataclass(probe) or isinstance(probe, type):
            raise ParameterError(f"probe: got {shown(probe)}; expected a Probe or its place")
        elif describe(probe) in self.probes:
            index = self.probes.index(describe(probe))
        else:
            raise ParameterError(f"probe: {probe} was not recorded; there are {self.probes}")
        start, stop = self._window(start, stop)
        every = self.probes[index]["every"]
        first = len(sample_range(self.start, self.start + start, every))
        last = len(sample_range(self.start, self.start + stop, every))
        with storage_errors(self.path):
            rows: NDArray[Any] = self._file[f"traces/{index}"][first:last]
            if len(rows) < last - first:
                raise StorageError(f"{self.path}: altered: trace {index} is too short")
        return rows

    def chunks(self, stop: int | None = None) -> Iterator[Chunk]:
        """Yield the recording piece by piece, up to step ``stop - 1``."""
        _, stop = self._window(None, stop)
        for begin, chunk_end in zip(self._ends[:-1].tolist(), self._ends[1:].tolist(), strict=True):
            end = min(chunk_end, stop)
            if begin < end:
                yield Chunk(self.start + begin, end - begin, *self._read(begin, end))

    def read(self) -> Recorded:
        """Load everything."""
        return self._read(0, self.n_steps)

    def _read(self, start: int, stop: int) -> Recorded:
        return Recorded(
            {name: self.spikes(name, start, stop) for name in self.recorded},
            {name: self.counts(name, start, stop) for name in self.populations},
            [self.trace(index, start, stop) for index in range(len(self.probes))],
        )

    def _window(self, start: int | None, stop: int | None) -> tuple[int, int]:
        if not self._file:
            raise StorageError(f"{self.path}: was closed; open it again")
        last = self.n_steps if stop is None else check_count("stop", stop, most=self.n_steps)
        return (0 if start is None else check_count("start", start, most=last)), last

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Recording({str(self.path)!r}; {self.n_steps} steps from step {self.start})"
