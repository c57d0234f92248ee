"""Turn what the user gives as input into sorted events and a table of currents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError, TopologyError
from neurosparse.network import Network, Spikes
from neurosparse.network.checks import check_count, check_finite
from neurosparse.simulate.engine_kernels import Drive

__all__ = ["InputSpec", "Inputs"]

InputSpec = Spikes | NDArray[Any]
"""Spikes or a raster (n_steps, size) for a source; currents (n_steps, size) for neurons."""


class Inputs:
    """Checked inputs of one run.

    Parameters
    ----------
    network : Network
        Whose inputs they are.
    given : mapping of str to InputSpec
        By population.
    n_steps : int, optional
        Length of the run; default the longest input. Shorter inputs are silent afterwards.
    dtype : dtype
        Of the currents.

    Raises
    ------
    TopologyError, ShapeError, ParameterError
        If a population is unknown, a shape does not fit, or a value is not allowed.
    """

    def __init__(
        self, network: Network, given: Mapping[str, InputSpec], n_steps: int | None, dtype: Any
    ) -> None:
        if not isinstance(given, Mapping):
            raise ParameterError(
                f"inputs: got {type(given).__name__}; expected a mapping of population names to "
                "spikes or currents"
            )
        self._dtype = np.dtype(np.int64) if network.is_integer else np.dtype(dtype)
        steps: list[NDArray[np.int64]] = []
        neurons: list[NDArray[np.int32]] = []
        self.current_columns: dict[str, int] = {}
        self._currents: list[NDArray[Any]] = []
        self._n_columns = 0
        longest = 0
        first = dict(
            zip(
                network.populations,
                np.cumsum([0, *(p.size for p in network.populations.values())]),
                strict=False,
            )
        )
        for name, value in given.items():
            if name not in network.populations:
                known = ", ".join(map(repr, network.populations))
                raise TopologyError(f"inputs: no population {name!r}; there are {known}")
            population = network.populations[name]
            if population.neuron is None:
                spikes = _as_spikes(name, value, population.size)
                steps.append(spikes.steps)
                neurons.append((spikes.neurons + first[name]).astype(np.int32))
                longest = max(longest, spikes.n_steps)
            else:
                currents = self._as_currents(name, value, population.size)
                self.current_columns[name] = self._n_columns
                self._n_columns += population.size
                self._currents.append(currents)
                longest = max(longest, currents.shape[0])
        if n_steps is None and not given:
            raise ParameterError("n_steps: needed where no input gives the length of the run")
        self.n_steps = longest if n_steps is None else check_count("n_steps", n_steps)
        all_steps = np.concatenate([np.zeros(0, np.int64), *steps])
        all_neurons = np.concatenate([np.zeros(0, np.int32), *neurons])
        order = np.lexsort((all_neurons, all_steps))
        self._steps, self._neurons = all_steps[order], all_neurons[order]

    def _as_currents(self, name: str, value: InputSpec, size: int) -> NDArray[Any]:
        if isinstance(value, Spikes):
            raise ShapeError(
                f"inputs[{name!r}]: got Spikes, but {name!r} holds neurons, which take currents "
                "of shape (n_steps, size); connect a source to give it spikes"
            )
        array = np.asarray(value)
        _check_table(name, array, size)
        where = f"inputs[{name!r}]"
        if array.dtype.kind not in "biuf":
            raise ParameterError(f"{where}: got {array.dtype} currents; expected numbers")
        if self._dtype.kind == "i":
            _check_integer_currents(where, array)
        check_finite(where, array)
        with np.errstate(over="ignore"):
            currents = array.astype(self._dtype)
        check_finite(f"{where} as {self._dtype}", currents)
        return currents

    def chunk(self, start: int, stop: int) -> Drive:
        """Return the drive of steps ``start`` to ``stop - 1``."""
        edges = np.searchsorted(self._steps, np.arange(start, stop + 1))
        currents = np.zeros((stop - start, self._n_columns), dtype=self._dtype)
        column = 0
        for table in self._currents:
            part = table[start:stop]
            currents[: part.shape[0], column : column + table.shape[1]] = part
            column += table.shape[1]
        return Drive(
            (edges - edges[0]).astype(np.int64),
            np.ascontiguousarray(self._neurons[edges[0] : edges[-1]]),
            currents,
        )


def _check_table(name: str, array: NDArray[Any], size: int) -> None:
    if array.ndim != 2 or array.shape[1] != size:
        raise ShapeError(f"inputs[{name!r}]: got shape {array.shape}; expected (n_steps, {size})")


def _check_integer_currents(where: str, array: NDArray[Any]) -> None:
    if array.dtype.kind == "f":
        raise ParameterError(
            f"{where}: got {array.dtype} currents for an integer network; expected integers"
        )
    limits = np.iinfo(np.int32)  # what a channel of Lava carries
    bad = (array < limits.min) | (array > limits.max)
    if bad.any():
        raise ParameterError(
            f"{where}: got {array[bad][0]}; allowed is {limits.min} to {limits.max}"
        )


def _as_spikes(name: str, value: InputSpec, size: int) -> Spikes:
    if isinstance(value, Spikes):
        if value.n_neurons != size:
            raise ShapeError(
                f"inputs[{name!r}]: spikes of {value.n_neurons} neurons; expected {size}"
            )
        return value
    array = np.asarray(value)
    _check_table(name, array, size)
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise ParameterError(f"inputs[{name!r}]: a raster holds zeros and ones only")
    return Spikes.from_raster(array)
