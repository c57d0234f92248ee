"""Does a state fit a network? The checks behind `State`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError, TopologyError
from neurosparse.network import Network, Neuron, Population, Spikes
from neurosparse.network.checks import check_finite, check_numbers
from neurosparse.simulate.checks import as_array
from neurosparse.simulate.wires import has_signs

__all__ = [
    "check_array",
    "check_names",
    "check_recent",
    "check_wait",
    "expand_start",
    "neurons_of",
    "no_spikes",
]

# Lava's v is clipped to 24 bits; its u, of 32 bits, turns over at 24 once a step, and may stay
# beyond
_REGISTER = (-(2**31), 2**31 - 1)
_INTEGER_LIMITS = {"u": _REGISTER, "v": (1 - 2**23, 2**23 - 1), "pending": _REGISTER}


def neurons_of(network: Network) -> dict[str, Neuron]:
    """Return the parameters of every population of neurons (sources have no state)."""
    return {of: p.neuron for of, p in network.populations.items() if p.neuron is not None}


def no_spikes(n_steps: int, population: Population) -> Spikes:
    """Return a silent recording of a population, with signs where its spikes have some."""
    signed = has_signs(population.neuron)
    signs = np.zeros(0, np.int8) if signed else None
    return Spikes.of_engine(
        np.zeros(0, np.int64), np.zeros(0, np.int32), n_steps, population.size, signs
    )


def expand_start(
    name: str, of: str, value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Return a given number or array as the (shape) array of ``dtype`` that a state holds."""
    given = as_array(f"{name} of {of!r}", value)
    check_numbers(f"{name} of {of!r}", given)
    if given.shape not in ((), shape[-1:], shape):
        allowed = " or ".join(str(s) for s in dict.fromkeys((shape[-1:], shape)))
        raise ShapeError(
            f"{name} of {of!r}: got shape {given.shape}; expected a number or {allowed}"
        )
    check_finite(f"{name} of {of!r}", given)
    if dtype.kind == "i":
        if np.any(given != np.rint(given)):
            raise ParameterError(f"{name} of {of!r}: an integer network takes whole numbers only")
        _check_register(name, of, given)
    with np.errstate(over="ignore"):  # what becomes infinite is named by check_fits
        return np.broadcast_to(given, shape).astype(dtype)


def check_names(
    name: str, given: Collection[str], expected: Collection[str], *, allow_missing: bool = False
) -> None:
    """Raise TopologyError if ``given`` names other populations than ``expected``."""
    for of in given:
        if of not in expected:
            known = ", ".join(map(repr, expected)) or "none"
            raise TopologyError(f"{name}: {of!r} has no place in it; allowed are {known}")
    missing = [of for of in expected if of not in given]
    if missing and not allow_missing:
        raise TopologyError(
            f"{name}: nothing for {', '.join(map(repr, missing))}; "
            "start from State.at_rest(network) or from the state of a run of this network"
        )


def check_array(
    name: str, of: str, array: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> None:
    """Raise if an array of a state has another shape or dtype, or values nothing can reach."""
    where = f"{name} of {of!r}"
    if array.shape != shape:
        raise ShapeError(f"{where}: got shape {array.shape}; expected {shape}")
    if array.dtype != dtype:
        raise ShapeError(f"{where}: got dtype {array.dtype}; this run takes {dtype}")
    check_finite(where, array)
    if dtype.kind == "i" and name in _INTEGER_LIMITS:
        _check_register(name, of, array)


def _check_register(name: str, of: str, values: NDArray[Any]) -> None:
    low, high = _INTEGER_LIMITS[name]
    bad = (values < low) | (values > high)
    if bad.any():
        raise ParameterError(f"{name} of {of!r}: got {values[bad][0]}; allowed is {low} to {high}")


def check_wait(of: str, wait: NDArray[np.int64], neuron: Neuron) -> None:
    """Raise ParameterError if a neuron would be refractory for a negative or too long time."""
    longest = np.asarray(getattr(neuron, "refractory", 0))
    bad = (wait < 0) | (wait > longest)
    if bad.any():
        raise ParameterError(
            f"wait of {of!r}: got {wait[bad][0]}; allowed is 0 to {longest.max()}, "
            "its refractory steps"
        )


def check_recent(recent: Mapping[str, Spikes], network: Network, n_steps: int) -> None:
    """Raise if the spikes under way have another extent than ``n_steps``, or wrong signs."""
    for of, spikes in recent.items():
        population = network.populations[of]
        size = population.size
        if spikes.signs is not None and not has_signs(population.neuron):
            raise ParameterError(
                f"recent of {of!r}: got spikes with signs; only those of FixedPointTernaryLIF have "
                "some"
            )
        if (spikes.n_steps, spikes.n_neurons) != (n_steps, size):
            raise ShapeError(
                f"recent of {of!r}: got {spikes.n_steps} steps of {spikes.n_neurons} neurons; "
                f"expected the last {n_steps} steps of {size} neurons"
            )
