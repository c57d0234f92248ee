"""Labelled recordings of event cameras, as flat arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.data.labelled import LabelledDataset
from neurosparse.data.recordings import MAX_TIME_US, flatten_recordings
from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network.checks import MAX_SIZE, check_count, check_vector

__all__ = ["MAX_TIME_US", "EventDataset", "check_shape"]


@dataclass(frozen=True, eq=False)
class EventDataset(LabelledDataset):
    """Recordings of an event camera with one label each.

    An event is a time and an address, ``(polarity * height + y) * width + x``. The events of all
    samples stand one after the other; sample ``k`` has those from ``starts[k]`` to
    ``starts[k + 1]``, and may have none.

    Parameters
    ----------
    name : str
        What it is called in reports.
    times_us : (n_events,) int32 [us]
        Since the beginning of the sample, >= 0, ascending within a sample.
    addresses : (n_events,) int32
        Pixel and polarity, in ``[0, n_inputs)``.
    starts : (n + 1,) int64
        First event of every sample; the last entry is ``n_events``.
    labels : (n,) int64
        Class of every sample, in ``[0, n_classes)``.
    n_classes : int
        Number of classes, >= 1.
    shape : tuple of int
        Polarities, height and width; their product is `n_inputs`.

    Raises
    ------
    ShapeError, ParameterError
        If arrays do not fit together, or an entry is out of range or order.

    Notes
    -----
    All events are held in memory, 8 bytes each.

    Examples
    --------
    >>> data = EventDataset("two", [0, 5, 2], [1, 7, 0], [0, 2, 3], [0, 1], 2, (2, 2, 2))
    >>> data
    EventDataset('two', 2 of 2x2x2, 3 events, 2 classes)
    >>> data.take([1]).times_us.tolist()
    [2]
    """

    name: str
    times_us: NDArray[np.int32]
    addresses: NDArray[np.int32]
    starts: NDArray[np.int64]
    labels: NDArray[np.int64]
    n_classes: int
    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", check_shape(self.shape))
        n_events = np.size(self.addresses)
        addresses = check_vector("addresses", self.addresses, n_events, np.int32)
        times = check_vector("times_us", self.times_us, n_events, np.int32)
        starts = _check_starts(self.starts, n_events)
        self._check_name_and_labels(starts.size - 1, "sample")
        if n_events and not (addresses.min() >= 0 and addresses.max() < self.n_inputs):
            raise ParameterError(
                f"addresses: got {addresses.min()} to {addresses.max()}; "
                f"allowed is 0 to {self.n_inputs - 1}, (polarity * height + y) * width + x"
            )
        _check_times(times, starts)
        self._freeze(times_us=times, addresses=addresses, starts=starts)

    @classmethod
    def from_recordings(
        cls,
        name: str,
        recordings: Iterable[Any],
        labels: Any,
        n_classes: int,
        shape: tuple[int, int, int],
    ) -> EventDataset:
        """Gather recordings as tonic and others give them: structured arrays of events.

        Parameters
        ----------
        name : str
            What it is called in reports.
        recordings : iterable of structured array
            With the fields ``x``, ``y``, ``t`` [us since the beginning of the sample] and ``p``,
            all whole numbers. Events out of order are sorted by time.
        labels, n_classes, shape
            As in `EventDataset`.

        Raises
        ------
        DataError
            If a recording lacks a field, or an event lies outside ``shape`` or has a time < 0.
        ShapeError, ParameterError
            As `EventDataset`.

        Examples
        --------
        >>> kind = [("x", int), ("y", int), ("t", int), ("p", bool)]
        >>> events = np.array([(1, 0, 70, True), (0, 1, 30, False)], dtype=kind)
        >>> data = EventDataset.from_recordings("one", [events], [0], 1, (2, 2, 2))
        >>> data.times_us.tolist(), data.addresses.tolist()
        ([30, 70], [2, 5])
        """
        checked = check_shape(shape)
        named = ((f"recording {k}", events) for k, events in enumerate(recordings))
        return cls(name, *flatten_recordings(named, checked), labels, n_classes, checked)

    @property
    def n_events(self) -> int:
        """Events of all samples together."""
        return self.addresses.size

    def take(self, indices: Any) -> EventDataset:
        """Return the samples at ``indices``, in that order.

        Parameters
        ----------
        indices : (m,) int or slice
            Each in ``[0, n)``; repetitions are allowed.

        Raises
        ------
        ShapeError, ParameterError
            If there are none, or one lies outside the data set.
        """
        chosen = self._check_indices(indices)
        from neurosparse.data.event_kernels import gather_samples  # numba is slow to import

        starts = np.zeros(chosen.size + 1, dtype=np.int64)
        np.cumsum(self.starts[chosen + 1] - self.starts[chosen], out=starts[1:])
        times, addresses = np.empty((2, starts[-1]), dtype=np.int32)
        gather_samples(self.times_us, self.addresses, self.starts, chosen, times, addresses)
        return EventDataset(
            self.name, times, addresses, starts, self.labels[chosen], self.n_classes, self.shape
        )

    def samples(self, indices: Any = slice(None)) -> EventDataset:
        """Return the samples at ``indices`` as `take`, or the whole.

        Raises
        ------
        ShapeError, ParameterError
            As `take`.
        """
        whole = isinstance(indices, slice) and indices == slice(None)
        return self if whole else self.take(indices)

    def __repr__(self) -> str:
        return (
            f"EventDataset({self.name!r}, {len(self)} of {'x'.join(map(str, self.shape))}, "
            f"{self.n_events} events, {self.n_classes} classes)"
        )


def check_shape(shape: Any) -> tuple[int, int, int]:
    """Return polarities, height and width.

    Raises
    ------
    ShapeError, ParameterError
        If these are not three numbers >= 1, or more inputs than a network can have.
    """
    sides = tuple(check_count("shape", side, least=1) for side in shape)
    if len(sides) != 3:
        raise ShapeError(f"shape: got {sides}; expected (polarities, height, width)")
    check_count("shape: inputs", sides[0] * sides[1] * sides[2], most=MAX_SIZE)
    return sides


def _check_starts(given: Any, n_events: int) -> NDArray[np.int64]:
    starts = check_vector("starts", given, np.size(given), np.int64)
    if starts.size < 2:
        raise ShapeError(f"starts: got {starts.size} entries; expected one per sample and the end")
    if starts[0] != 0 or starts[-1] != n_events or (np.diff(starts) < 0).any():
        raise ParameterError(
            f"starts: got {starts[0]} to {starts[-1]}; expected 0 to n_events={n_events}, ascending"
        )
    return starts


def _check_times(times: NDArray[np.int32], starts: NDArray[np.int64]) -> None:
    if times.size and times.min() < 0:
        raise ParameterError(f"times_us: got {times.min()}; allowed is 0 to {MAX_TIME_US}")
    earlier = np.flatnonzero(times[1:] < times[:-1]) + 1
    wrong = earlier[~np.isin(earlier, starts)]
    if wrong.size:
        sample = int(np.searchsorted(starts, wrong[0], side="right")) - 1
        raise ParameterError(
            f"times_us: {times[wrong[0]]} after {times[wrong[0] - 1]} in sample {sample}; "
            "expected ascending times within a sample"
        )
