"""Stimuli that are described rather than listed: Poisson trains, steps and noise of current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network.checks import check_count, check_finite, check_numbers
from neurosparse.simulate.checks import as_array

__all__ = ["NoiseCurrent", "Poisson", "StepCurrent"]

MAX_RATE = 500.0  # events per neuron and step; beyond it the law is as good as normal


def _numbers(name: str, value: Any, max_dimensions: int) -> NDArray[np.float64]:
    array = as_array(name, value)
    check_numbers(name, array)
    if array.ndim > max_dimensions:
        raise ShapeError(
            f"{name}: got {array.ndim} dimensions; allowed is at most {max_dimensions}"
        )
    with np.errstate(over="ignore"):  # of a longdouble; named by check_finite
        array = array.astype(np.float64)
    check_finite(name, array)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Poisson:
    """Independent Poisson trains of events, one for every neuron of a population.

    On a population of neurons, ``k`` events in a step add ``k * weight`` to ``u`` of the receptor,
    as ``k`` incoming spikes would. On a spike source, a neuron fires in a step with at least one
    event (probability ``1 - exp(-rate)``).

    Parameters
    ----------
    rate : float, (size,) or (n_steps, 1 or size) array [events per step]
        Expected events per neuron; a table gives rates that change, step 0 being the begin of the
        experiment, and no events after its end. 0 to 500.
    weight : float
        Weight of one event; for populations of neurons.
    receptor : int
        Receptor the events reach.

    Raises
    ------
    ParameterError, ShapeError
        If a rate is negative, too high or not finite, or the shape is another.

    Notes
    -----
    Drawn by inversion from counter-based random numbers (Philox4x32-10, Salmon et al. 2011), in
    steps of 2^-32: the events of a neuron in a step depend on the seed, the step and the neuron
    only, not on threads or on how a run is cut.

    Examples
    --------
    >>> Poisson.from_hz(20.0, dt_ms=0.1).rate.item()
    0.002
    """

    rate: Any
    weight: float = 1.0
    receptor: int = 0

    def __post_init__(self) -> None:
        fix = object.__setattr__
        rate = _numbers("rate", self.rate, 2)
        bad = (rate < 0) | (rate > MAX_RATE)
        if bad.any():
            raise ParameterError(
                f"rate: got {rate[bad].flat[0]}; allowed is 0 to {MAX_RATE:g} events per step"
            )
        fix(self, "rate", rate)
        fix(self, "weight", float(_numbers("weight", self.weight, 0)))
        fix(self, "receptor", check_count("receptor", self.receptor))

    @classmethod
    def from_hz(
        cls, rate_hz: Any, dt_ms: float, *, weight: float = 1.0, receptor: int = 0
    ) -> Poisson:
        """Make one from rates in hertz and the length of a step in milliseconds."""
        step = float(_numbers("dt_ms", dt_ms, 0))
        if step <= 0:
            raise ParameterError(f"dt_ms: got {dt_ms}; allowed is > 0 ms")
        return cls(_numbers("rate_hz", rate_hz, 2) * (step / 1000.0), weight, receptor)


@dataclass(frozen=True, eq=False)
class StepCurrent:
    """A current that is constant between given steps.

    Parameters
    ----------
    starts : sequence of int [steps]
        Ascending; before the first the current is 0.
    values : sequence of float, or (n, size) array
        The current from each start on: one number for all neurons, or one for each.

    Raises
    ------
    ParameterError, ShapeError
        If starts do not ascend, or there are not as many values.

    Examples
    --------
    >>> StepCurrent([10, 20], [0.5, 0.0]).table(8, 12, size=2)[:, 0].tolist()
    [0.0, 0.0, 0.5, 0.5]
    """

    starts: Any
    values: Any

    def __post_init__(self) -> None:
        starts = as_array("starts", self.starts)
        if starts.ndim != 1 or starts.dtype.kind not in "iu" or not starts.size:
            raise ParameterError(f"starts: got {self.starts!r}; expected whole numbers of steps")
        starts = starts.astype(np.int64)
        if starts[0] < 0 or np.any(np.diff(starts) <= 0):
            raise ParameterError(f"starts: got {self.starts!r}; they must ascend from 0 or later")
        values = _numbers("values", self.values, 2)
        if values.ndim == 0 or values.shape[0] != starts.size:
            raise ShapeError(
                f"values: got shape {values.shape}; expected one for each of {starts.size} starts"
            )
        object.__setattr__(self, "starts", starts)
        object.__setattr__(self, "values", values)

    def table(self, start: int, stop: int, size: int) -> NDArray[np.float64]:
        """Return the currents of steps ``start`` to ``stop - 1``, (stop - start, size)."""
        values = self.values.reshape(self.starts.size, -1)
        before = np.vstack([np.zeros((1, values.shape[1])), values])
        at = np.searchsorted(self.starts, np.arange(start, stop), side="right")
        return np.broadcast_to(before[at], (stop - start, size))


@dataclass(frozen=True, eq=False)
class NoiseCurrent:
    """White noise: a normally distributed current, independent between neurons and steps.

    Parameters
    ----------
    std : float or (size,) array
        Standard deviation per step, >= 0.
    mean : float or (size,) array
        Mean per step.

    Raises
    ------
    ParameterError, ShapeError
        If a value is negative (``std``), not finite, or of another shape.

    Notes
    -----
    Drawn in float32 by numpy's ziggurat from a Philox generator whose counter is the step, hence
    independent of threads and of how a run is cut.
    """

    std: Any
    mean: Any = 0.0

    def __post_init__(self) -> None:
        std = _numbers("std", self.std, 1)
        if (std < 0).any():
            raise ParameterError(f"std: got {std.min()}; allowed is >= 0")
        object.__setattr__(self, "std", std)
        object.__setattr__(self, "mean", _numbers("mean", self.mean, 1))

    def table(self, start: int, stop: int, size: int, key: int, stream: int) -> NDArray[np.float64]:
        """Return the currents of steps ``start`` to ``stop - 1``, (stop - start, size)."""
        rows = np.empty((stop - start, size), dtype=np.float32)
        for i, step in enumerate(range(start, stop)):
            # 2^64 draws apart: no two steps or streams ever share a number
            bits = np.random.Philox(key=key, counter=[0, step, stream, 0])
            np.random.Generator(bits).standard_normal(size, dtype=np.float32, out=rows[i])
        currents: NDArray[np.float64] = self.mean + self.std * rows
        return currents
