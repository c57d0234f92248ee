"""Whether numbers from outside can be used in the arithmetic of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network import Network
from neurosparse.network.checks import check_finite

__all__ = ["as_currents", "check_in_arithmetic", "engine_dtype"]

_LIMITS = np.iinfo(np.int32)  # what a channel of Lava carries


def engine_dtype(network: Network, dtype: Any) -> np.dtype[Any]:
    """Return the dtype of ``u`` and ``v``: int64 in an integer network, else the one asked for.

    Raises
    ------
    ParameterError
        Unless it is float32 or float64, also where an integer network has no use for it.
    """
    try:
        # numpy reads None as float64; here it is a mistake
        asked = None if dtype is None else np.dtype(dtype)
    except (TypeError, ValueError):
        asked = None
    if asked is None or asked not in (np.float32, np.float64):
        raise ParameterError(f"dtype: got {dtype!r}; allowed is float32 or float64")
    return np.dtype(np.int64) if network.is_integer else asked


def as_currents(where: str, array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Return currents in the engine's dtype.

    Parameters
    ----------
    where : str
        What messages call them.
    array : array
        Of any shape.
    dtype : {numpy.float32, numpy.float64, numpy.int64}
        Of the engine.

    Raises
    ------
    ParameterError
        If they are no numbers, not finite (in ``dtype`` as well), or, for an integer network, not
        integers or out of range.
    """
    if array.dtype.kind not in "biuf":
        raise ParameterError(f"{where}: got {array.dtype} currents; expected numbers")
    if dtype.kind == "i":
        _check_integer_currents(where, array)
    check_finite(where, array)
    with np.errstate(over="ignore"):
        currents = array.astype(dtype)
    check_finite(f"{where} as {dtype}", currents)
    return currents


def _check_integer_currents(where: str, array: NDArray[Any]) -> None:
    if array.dtype.kind == "f":
        raise ParameterError(
            f"{where}: got {array.dtype} currents for an integer network; expected integers"
        )
    bad = (array < _LIMITS.min) | (array > _LIMITS.max)
    if bad.any():
        raise ParameterError(
            f"{where}: got {array[bad][0]}; allowed is {_LIMITS.min} to {_LIMITS.max}"
        )


def check_in_arithmetic(where: str, what: str, values: NDArray[np.float64], dtype: Any) -> None:
    """Raise unless numbers that were given as float64 can be used in the arithmetic of the run."""
    if dtype.kind != "i":
        with np.errstate(over="ignore"):
            check_finite(f"{where} as {dtype}", np.atleast_1d(values.astype(dtype)))
        return
    if (values != np.rint(values)).any():
        raise ParameterError(f"{where}: fractional {what} for an integer network")
    if (np.abs(values) > _LIMITS.max).any():
        raise ParameterError(
            f"{where}: got {what} up to {np.abs(values).max():g}; allowed is {_LIMITS.min} to "
            f"{_LIMITS.max}"
        )
