"""Weights and delays of synapses: given, drawn, or one number for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network.checks import check_finite, check_numbers, check_vector
from neurosparse.network.rows import frozen, is_constant

__all__ = [
    "MAX_DELAY",
    "DelaySpec",
    "WeightSpec",
    "check_delays",
    "check_weights",
    "make_delays",
    "make_weights",
]

MAX_DELAY = 255  # steps; what a uint8 holds

WeightSpec = float | NDArray[Any] | Callable[[np.random.Generator, int], NDArray[Any]]
"""One weight for all, a vector with one per synapse, or ``f(rng, n_active)`` that draws them."""

DelaySpec = NDArray[Any] | Callable[[np.random.Generator, int], NDArray[Any]] | None
"""A vector with one delay per synapse, ``f(rng, n_active)`` that draws them, or none [steps]."""

_WEIGHT_DTYPES = (np.float32, np.float64, np.int16)


def make_weights(
    spec: WeightSpec, n_active: int, rng: np.random.Generator | None, dtype: Any
) -> NDArray[Any]:
    """Return validated, read-only weights of ``dtype``, (n_active,); a number is stored once.

    Raises
    ------
    ParameterError
        If an entry is no finite number, or a callable comes without ``rng``.
    ShapeError
        If there are more or fewer than ``n_active``, or the dtype is none that weights can have.
    """
    if callable(spec):
        spec = np.asarray(_draw(spec, n_active, rng, "weights"))
        return check_weights(check_vector("weights", spec, n_active, dtype), n_active)
    given = np.asarray(spec)
    if is_constant(given) and given.shape == (n_active,):
        given = given[0]
    if given.ndim == 0:
        one = check_vector("weights", given.reshape(1), 1, dtype)
        return check_weights(one[0], n_active)
    return check_weights(check_vector("weights", given, n_active, dtype), n_active)


def check_weights(weights: Any, n_active: int) -> NDArray[Any]:
    """Return weights in the dtype they have, (n_active,), validated and read-only.

    A number stands for all synapses; it is float32 unless it has a numpy dtype of its own.
    """
    plain = isinstance(weights, int | float) and not isinstance(weights, np.generic)
    values = np.asarray(weights, dtype=np.float32 if plain else None)
    if values.dtype.type not in _WEIGHT_DTYPES:
        raise ShapeError(f"weights: got dtype {values.dtype}; allowed is float32, float64 or int16")
    if values.ndim == 0:
        check_finite("weights", values.reshape(1))
        return np.broadcast_to(values, n_active)
    if is_constant(values) and values.shape == (n_active,):
        return check_weights(values[0], n_active)
    values = check_vector("weights", values, n_active, values.dtype)
    check_finite("weights", values)
    return frozen(values)


def make_delays(
    spec: DelaySpec, n_active: int, rng: np.random.Generator | None
) -> NDArray[np.uint8] | None:
    """Return validated, read-only delays, (n_active,) uint8, or None.

    Raises
    ------
    ParameterError
        If a delay is no whole number from 1 to 255, or a callable comes without ``rng``.
    ShapeError
        If there are more or fewer than ``n_active``.
    """
    return None if spec is None else check_delays(_draw(spec, n_active, rng, "delays"), n_active)


def check_delays(delays: Any, n_active: int) -> NDArray[np.uint8]:
    """Return delays as they are stored; raises as `make_delays`."""
    raw = np.asarray(delays)
    check_numbers("delays", raw)
    if raw.size and not (raw.min() >= 1 and raw.max() <= MAX_DELAY):
        bad = raw[~((raw >= 1) & (raw <= MAX_DELAY))][0]
        raise ParameterError(
            f"delays: got {bad}; allowed is 1 to {MAX_DELAY} steps (one step is the least)"
        )
    return frozen(check_vector("delays", raw, n_active, np.uint8))


def _draw(spec: Any, n_active: int, rng: np.random.Generator | None, name: str) -> Any:
    if not callable(spec):
        return spec
    if rng is None:
        raise ParameterError(f"rng: needed to draw {name}; pass numpy.random.default_rng(seed)")
    return spec(rng, n_active)
