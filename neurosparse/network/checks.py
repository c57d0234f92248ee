"""Argument checks whose messages name the argument, what came and what is allowed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError, TopologyError

__all__ = [
    "check_count",
    "check_finite",
    "check_fraction",
    "check_generator",
    "check_indices",
    "check_name",
    "check_numbers",
    "check_positive",
    "check_sizes",
    "check_vector",
]


MAX_SIZE = 2**31 - 1  # neurons; what an int32 index holds


def check_count(name: str, value: Any, *, least: int = 0, most: int | None = None) -> int:
    """Return ``value`` as an int in ``[least, most]``.

    Raises
    ------
    ParameterError
        If it is not a whole number in the range.
    """
    allowed = f"a whole number >= {least}" if most is None else f"a whole number, {least} to {most}"
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        raise ParameterError(f"{name}: got {value!r}; allowed is {allowed}")
    return int(value)


def check_fraction(name: str, value: Any, *, open_below: bool = True) -> float:
    """Return ``value`` as a float in ``(0, 1]`` (or ``[0, 1]`` if not ``open_below``).

    Raises
    ------
    ParameterError
        If it lies outside or is not a number.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    low_ok = number > 0 if open_below else number >= 0
    if not (low_ok and number <= 1):
        allowed = "0 < value <= 1" if open_below else "0 <= value <= 1"
        raise ParameterError(f"{name}: got {value!r}; allowed is {allowed}")
    return number


def check_positive(name: str, value: Any) -> float:
    """Return ``value`` as a finite float above 0.

    Raises
    ------
    ParameterError
        If it is anything else.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 < number < np.inf:
        raise ParameterError(f"{name}: got {value!r}; allowed is > 0, finite")
    return number


def check_finite(name: str, values: NDArray[Any]) -> None:
    """Raise if any entry is NaN or infinite.

    Raises
    ------
    ParameterError
        Naming how many and where the first is.
    """
    if values.dtype.kind != "f":
        return
    finite = np.isfinite(values)
    if not finite.all():
        bad = ~finite
        first = int(np.flatnonzero(bad)[0])
        value = values.ravel()[first]
        raise ParameterError(
            f"{name}: {int(bad.sum())} of {values.size} entries are not finite "
            f"(first at {first}: {value}); every entry must be a finite number"
        )


def check_vector(name: str, values: Any, size: int, dtype: Any) -> NDArray[Any]:
    """Return ``values`` as a contiguous vector of ``size`` entries of ``dtype``.

    Raises
    ------
    ShapeError
        If it has another shape.
    ParameterError
        If entries are not numbers or, for an integer dtype, not whole or out of its range.
    """
    given = np.asarray(values)
    if given.shape != (size,):
        raise ShapeError(f"{name}: got shape {given.shape}; expected ({size},)")
    target = np.dtype(dtype)
    if given.dtype.kind not in "iuf":
        raise ParameterError(f"{name}: got dtype {given.dtype}; expected numbers")
    if target.kind in "iu" and given.size and not np.can_cast(given.dtype, target):
        _check_whole(name, given, target)
    with np.errstate(over="ignore"):  # what becomes infinite is named by check_finite
        return np.ascontiguousarray(given, dtype=target)


def _check_whole(name: str, given: NDArray[Any], target: np.dtype[Any]) -> None:
    limits = np.iinfo(target)
    if given.dtype.kind in "iu" and given.min() >= limits.min and given.max() <= limits.max:
        return  # without temporary vectors
    bad = (given < limits.min) | (given > limits.max) | (given != np.rint(given))
    if bad.any():
        raise ParameterError(
            f"{name}: got {given[bad][0]}; allowed are whole numbers, "
            f"{limits.min} to {limits.max} ({target})"
        )


def check_numbers(name: str, values: NDArray[Any]) -> None:
    """Raise if ``values`` holds anything but integers or floats.

    Raises
    ------
    ParameterError
        Naming the dtype.
    """
    if values.dtype.kind not in "iuf":
        raise ParameterError(f"{name}: got dtype {values.dtype}; expected numbers")


def check_indices(name: str, values: NDArray[Any], bound: int) -> None:
    """Raise if an index lies outside ``[0, bound)``.

    Raises
    ------
    TopologyError
        Naming how many and where the first is.
    ParameterError
        If these are not numbers.
    """
    check_numbers(name, values)
    if not values.size or (values.min() >= 0 and values.max() < bound):  # no temporary vectors
        return
    bad = (values < 0) | (values >= bound)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise TopologyError(
            f"{name}: {int(bad.sum())} entries outside 0..{bound - 1} (first at {first}: "
            f"{values.ravel()[first]})"
        )


def check_sizes(n_pre: int, n_post: int) -> None:
    """Raise unless both are numbers of neurons.

    Raises
    ------
    ParameterError
        If one is no whole number from 1 to 2^31 - 1.
    """
    check_count("n_post", n_post, least=1, most=MAX_SIZE)
    check_count("n_pre", n_pre, least=1, most=MAX_SIZE)


def check_generator(rng: Any) -> np.random.Generator:
    """Return ``rng`` if it is a numpy Generator.

    Raises
    ------
    ParameterError
        If it is anything else.
    """
    if not isinstance(rng, np.random.Generator):
        raise ParameterError(f"rng: got {rng!r}; pass numpy.random.default_rng(seed)")
    return rng


def check_name(kind: str, name: Any) -> str:
    """Return ``name`` if it can be a key in files and reports.

    Raises
    ------
    TopologyError
        If it is empty, not a string, or has control characters.
    """
    if not isinstance(name, str) or not name or not name.isprintable():
        raise TopologyError(f"{kind} name: got {name!r}; expected printable text, not empty")
    return name
