"""Events as cameras' readers give them (x, y, t, p), flattened to times and addresses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import DataError

__all__ = ["MAX_TIME_US", "flatten_recordings"]

MAX_TIME_US = 2**31 - 1  # what int32 holds: 36 minutes

_FIELDS = ("x", "y", "t", "p")


def flatten_recordings(
    recordings: Iterable[tuple[str, Any]], shape: tuple[int, int, int]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Flatten recordings one after the other, each sorted by time (stably).

    Parameters
    ----------
    recordings : iterable of (str, structured array)
        What to call a recording in errors, and its events with the fields ``x``, ``y``,
        ``t`` [us] and ``p``.
    shape : tuple of int
        Polarities, height and width.

    Returns
    -------
    times_us, addresses : (n_events,) int32
        As in `EventDataset`.
    starts : (n + 1,) int64
        First event of every recording.

    Raises
    ------
    DataError
        If a field is missing or holds no whole numbers, or an event lies outside.
    """
    times: list[NDArray[np.int32]] = []
    addresses: list[NDArray[np.int32]] = []
    for where, events in recordings:
        own_times, own_addresses = _flatten(where, events, shape)
        times.append(own_times)
        addresses.append(own_addresses)
    starts = np.zeros(len(times) + 1, dtype=np.int64)
    np.cumsum([part.size for part in times], out=starts[1:])
    return _join(times), _join(addresses), starts


def _join(parts: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    whole = np.concatenate([*parts, np.empty(0, np.int32)])
    parts.clear()  # gigabytes for a full data set
    return whole


def _flatten(
    where: str, events: Any, shape: tuple[int, int, int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    names = getattr(getattr(events, "dtype", None), "names", None) or ()
    if not set(_FIELDS) <= set(names):
        raise DataError(
            f"{where}: got {type(events).__name__} with fields {list(names)}; expected a "
            f"structured array with {', '.join(_FIELDS)}"
        )
    kinds = {name: events[name].dtype.kind for name in _FIELDS}
    if events.ndim != 1 or not set(kinds.values()) <= set("iub"):
        raise DataError(
            f"{where}: got shape {events.shape} and kinds {kinds}; expected a vector of whole "
            "numbers"
        )
    x, y, t, p = (events[name] for name in _FIELDS)
    if not t.size:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    polarities, height, width = shape
    for name, values, size in (("x", x, width), ("y", y, height), ("p", p, polarities)):
        if values.min() < 0 or values.max() >= size:
            first = int(np.flatnonzero((values < 0) | (values >= size))[0])
            raise DataError(
                f"{where}: event {first} has {name}={int(values[first])}; allowed is 0 to "
                f"{size - 1} for shape {shape} (polarities, height, width)"
            )
    if t.min() < 0 or t.max() > MAX_TIME_US:
        raise DataError(
            f"{where}: times from {t.min()} to {t.max()}; allowed is 0 to {MAX_TIME_US}, "
            "microseconds since the beginning of the recording"
        )
    # inside the shape, so that int32 is enough
    plane = p.astype(np.int32) * np.int32(height) + y
    address = plane * np.int32(width) + x
    if (t[1:] < t[:-1]).any():
        order = np.argsort(t, kind="stable")
        t, address = t[order], address[order]
    return t.astype(np.int32), address.astype(np.int32, copy=False)
