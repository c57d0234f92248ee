"""Is an argument of the right kind at all? What `network.checks` does not ask."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError, StorageError

__all__ = ["MAX_KEY", "MAX_STEP", "as_array", "as_path", "check_kind", "shown"]

MAX_STEP = 2**62  # the kernels count in int64, and look ahead
MAX_KEY = 2**64 - 1  # the key of Philox4x32-10 has 64 bits


def shown(value: Any) -> str:
    """Return how a message shows a value: short ones as they are, of others the type."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if value is None or isinstance(value, str | bytes | bool | int | float | np.generic):
        text = repr(value)
        return text if len(text) < 60 else f"{text[:60]}..."
    kind = type(value).__name__
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"


def check_kind(name: str, value: Any, kind: type, expected: str) -> None:
    """Raise ParameterError unless ``value`` is a ``kind``; ``expected`` says so in words."""
    if not isinstance(value, kind):
        raise ParameterError(f"{name}: got {shown(value)}; expected {expected}")


def as_array(name: str, value: Any) -> NDArray[Any]:
    """Return ``value`` as an array.

    Raises
    ------
    ShapeError
        If it is nested lists of several lengths.
    ParameterError
        If it hides entries behind a mask, or refuses to become an array.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise ParameterError(f"{name}: got a masked array; fill its gaps first")
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ShapeError(f"{name}: got rows of several lengths; expected an array") from error
    except (TypeError, RuntimeError) as error:
        raise ParameterError(f"{name}: got {shown(value)}, which is no array: {error}") from error


def as_path(name: str, value: Any) -> Path:
    """Return the path of a file, there or not.

    Raises
    ------
    ParameterError
        If it is not text that can be the name of a file.
    StorageError
        If the operating system refuses it, for example as the name is too long.
    """
    try:
        text = os.fspath(value)
        possible = isinstance(text, str) and bool(text) and b"\0" not in os.fsencode(text)
    except (TypeError, UnicodeError):
        possible = False
    if not possible:
        raise ParameterError(f"{name}: got {shown(value)}; expected the path of a file")
    path = Path(text)
    try:
        path.exists()
    except OSError as error:
        raise StorageError(f"{path}: cannot be used: {error.strerror}") from error
    return path
