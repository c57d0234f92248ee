"""Files of event cameras, one recording each, read by tonic.

.. list-table::

   * - ``.bin``, ``.bs2``
     - N-MNIST and N-Caltech101, 5 bytes an event; one at y = 240 says that the clock overflowed
   * - ``.aedat4``
     - iniVation's AEDAT 4 (needs the package aedat too)

tonic 1.7.0 has readers of AEDAT 2 and 3 as well; they fail (its issue 302), or take the pixels of
frames for events.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from functools import partial
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import BackendMissingError, DataError

__all__ = ["SUFFIXES", "event_reader"]

_MNIST = (".bin", ".bs2")
SUFFIXES = (*_MNIST, ".aedat4")

_MNIST_EVENT_BYTES = 5
_EVENT = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", np.bool_)])


def event_reader(suffix: str) -> Callable[[Path], NDArray[Any]]:
    """Return the function that reads a file of one recording.

    Parameters
    ----------
    suffix : str
        One of `SUFFIXES`.

    Returns
    -------
    callable
        From a path to a structured array with the fields ``x``, ``y``, ``t`` [us since the
        beginning] and ``p``. It raises DataError, naming the file, if that is missing, truncated or
        of another format.

    Raises
    ------
    BackendMissingError
        If tonic is not installed, or aedat for ``.aedat4``.
    """
    tonic = _load_tonic_io()
    if suffix in _MNIST:
        return partial(_read_mnist, tonic)
    if util.find_spec("aedat") is None:
        raise BackendMissingError(
            "events: aedat, which reads AEDAT 4, is not installed; "
            "run: pip install 'neurosparse[events]'"
        )
    return partial(_read_aedat4, tonic)


def _load_tonic_io() -> ModuleType:
    """Load tonic's readers without the rest of tonic.

    ``import tonic.io`` runs the whole package first. That imports torch, which must not come before
    `neurosparse.train` has said how its threads wait, and packages that reading does not need.
    """
    loaded = sys.modules.get("tonic.io")
    if loaded is not None:
        return loaded
    package = util.find_spec("tonic")
    for folder in (package and package.submodule_search_locations) or ():
        spec = util.spec_from_file_location("neurosparse_tonic_io", Path(folder) / "io.py")
        if spec is not None and spec.loader is not None:
            module = util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise BackendMissingError(
        "events: tonic, which reads files of event cameras, is not installed; "
        "run: pip install --no-deps tonic==1.7.0"
    )


def _read_mnist(tonic: ModuleType, path: Path) -> NDArray[Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: not a readable file ({error})") from error
    if len(content) % _MNIST_EVENT_BYTES:
        raise DataError(
            f"{path}: {len(content)} bytes are no whole number of events of "
            f"{_MNIST_EVENT_BYTES} bytes; the file is truncated or of another format"
        )
    events: NDArray[Any] = tonic.read_mnist_file(io.BytesIO(content), _EVENT, is_stream=True)
    return events


def _read_aedat4(tonic: ModuleType, path: Path) -> NDArray[Any]:
    try:
        given = tonic.read_aedat4(str(path))
    except Exception as error:
        raise DataError(f"{path}: not a readable AEDAT 4 file with events ({error})") from error
    events = np.empty(len(given), dtype=_EVENT)
    for field in ("x", "y", "p"):
        events[field] = given[field]
    if events.size:
        events["t"] = given["t"] - given["t"].min()  # the file counts from 1970
    return events
