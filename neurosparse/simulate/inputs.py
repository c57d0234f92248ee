"""Turn what the user gives as input into sorted events, currents and rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import Network, Population, Spikes
from neurosparse.network.checks import check_count, check_finite
from neurosparse.simulate.arithmetic import as_currents, check_in_arithmetic, engine_dtype
from neurosparse.simulate.checks import check_kind
from neurosparse.simulate.engine_arrays import Drive
from neurosparse.simulate.probes import check_population
from neurosparse.simulate.stimuli import NoiseCurrent, Poisson, StepCurrent
from neurosparse.simulate.trains import Train, as_table, as_train
from neurosparse.simulate.wires import numbers_of

__all__ = ["InputSpec", "Inputs"]

Stimulus = Spikes | Poisson | StepCurrent | NoiseCurrent | NDArray[Any]
InputSpec = Stimulus | list[Stimulus] | tuple[Stimulus, ...]
"""For a source: Spikes, a raster (n_steps, size) of zeros and ones (or messages), or Poisson. For
neurons: currents (n_steps, size), StepCurrent, NoiseCurrent or Poisson; or several of these."""


@dataclass
class _Currents:
    """The currents of one population; their columns begin at ``column``."""

    name: str
    column: int
    size: int
    tables: list[NDArray[Any]] = field(default_factory=list)
    drawn: list[tuple[StepCurrent | NoiseCurrent, int]] = field(default_factory=list)

    def chunk(self, start: int, stop: int, dtype: Any, key: int) -> NDArray[Any]:
        """Return the sum of all, in the order given; tables first.

        Raises
        ------
        ParameterError
            If it is too large for ``dtype``.
        """
        total = np.zeros((stop - start, self.size), dtype=dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            for table in self.tables:
                part = table[start:stop]
                total[: part.shape[0]] += part
            for stimulus, stream in self.drawn:
                if isinstance(stimulus, NoiseCurrent):
                    total += stimulus.table(start, stop, self.size, key, stream).astype(dtype)
                else:
                    total += stimulus.table(start, stop, self.size).astype(dtype)
        if self.drawn or len(self.tables) > 1:
            check_finite(f"inputs[{self.name!r}]: sum of currents from step {start} on", total)
        return total


class Inputs:
    """Checked inputs of one run, in absolute time.

    Parameters
    ----------
    network : Network
        Whose inputs they are.
    given : mapping of str to InputSpec
        By population.
    dtype : dtype
        Of the currents.

    Attributes
    ----------
    trains : dict of str to Train
        Of the sources that are not driven by `Poisson`.

    Raises
    ------
    TopologyError, ShapeError, ParameterError
        If a population is unknown, a shape does not fit, or a value is not allowed.
    """

    def __init__(self, network: Network, given: Mapping[str, InputSpec], dtype: Any) -> None:
        check_kind("inputs", given, Mapping, "a mapping of population names to spikes or currents")
        self._network = network
        self._dtype = engine_dtype(network, dtype)
        self._currents: dict[str, _Currents] = {}
        self._poisson: dict[str, list[tuple[Poisson, int]]] = {}
        self.trains: dict[str, Train] = {}
        self.n_columns = 0
        self.longest = 0  # steps of the longest raster, train or table
        self.is_random = False
        n_stimuli = 0
        for name, value in given.items():
            check_population(network, "inputs", name)
            population = network.populations[name]
            stimuli = _stimuli(value)
            for stimulus in stimuli:
                if isinstance(stimulus, Poisson):
                    self._add_poisson(name, population, stimulus, n_stimuli)
                elif population.neuron is None:
                    self.trains[name] = as_train(network, name, stimulus)
                else:
                    self._add_current(name, population, stimulus, n_stimuli)
                n_stimuli += 1
            if population.neuron is None and len(stimuli) > 1:
                raise ParameterError(
                    f"inputs[{name!r}]: {len(stimuli)} stimuli for a spike source; give one"
                )
        self._steps, self._neurons = _merged(network, self.trains)
        lengths = [train.spikes.n_steps for train in self.trains.values()]
        self.longest = max([self.longest, *lengths])
        self._messages = {
            name: train.messages
            for name, train in self.trains.items()
            if train.messages is not None
        }
        # first column of every source that sends other numbers than 1
        edges = np.cumsum([0, *(table.shape[1] for table in self._messages.values())]).tolist()
        self.message_columns: dict[str, int] = dict(zip(self._messages, edges, strict=False))
        self.n_message_columns: int = edges[-1]

    @property
    def current_columns(self) -> dict[str, int]:
        """First column of the currents of every driven population."""
        return {name: currents.column for name, currents in self._currents.items()}

    def _add_poisson(
        self, name: str, population: Population, stimulus: Poisson, stream: int
    ) -> None:
        where = f"inputs[{name!r}]"
        if self._dtype.kind == "i" and stimulus.weight != round(stimulus.weight):
            raise ParameterError(
                f"{where}: got a Poisson weight of {stimulus.weight} for an integer network; "
                "expected a whole number"
            )
        if population.neuron is None and stimulus.weight != 1:
            raise ParameterError(
                f"{where}: got a Poisson weight of {stimulus.weight} for a spike source; leave it "
                "out: the weights are those of the synapses"
            )
        check_in_arithmetic(where, "weights", np.array(stimulus.weight), self._dtype)
        shape = stimulus.rate.shape
        if shape and shape[-1] not in (
            (population.size,) if len(shape) == 1 else (1, population.size)
        ):
            raise ShapeError(
                f"{where}: rates of shape {shape}; expected one number, ({population.size},) or "
                f"(n_steps, 1 or {population.size})"
            )
        n_receptors = 1 if population.neuron is None else population.neuron.n_receptors
        if stimulus.receptor >= n_receptors:
            raise ParameterError(
                f"{where}: receptor {stimulus.receptor}, but {name!r} has {n_receptors} "
                "(numbered from 0)"
            )
        if len(shape) == 2:
            self.longest = max(self.longest, shape[0])
        self.is_random = True
        self._poisson.setdefault(name, []).append((stimulus, stream))

    def _add_current(self, name: str, population: Population, value: Any, stream: int) -> None:
        if name not in self._currents:
            self._currents[name] = _Currents(name, self.n_columns, population.size)
            self.n_columns += population.size
        currents = self._currents[name]
        if isinstance(value, StepCurrent | NoiseCurrent):
            _check_described(f"inputs[{name!r}]", value, population.size, self._dtype)
            currents.drawn.append((value, stream))
            self.is_random |= isinstance(value, NoiseCurrent)
            return
        table = self._as_currents(name, value, population.size)
        currents.tables.append(table)
        self.longest = max(self.longest, table.shape[0])

    def _as_currents(self, name: str, value: Any, size: int) -> NDArray[Any]:
        if isinstance(value, Spikes):
            raise ShapeError(
                f"inputs[{name!r}]: got Spikes, but {name!r} holds neurons, which take currents "
                "of shape (n_steps, size); connect a source to give it spikes"
            )
        what = "currents, StepCurrent, NoiseCurrent or Poisson"
        return as_currents(f"inputs[{name!r}]", as_table(name, value, size, what), self._dtype)

    def n_steps(self, wanted: int | None, start: int) -> int:
        """Return how many steps to run from step ``start``: to the end of the longest input."""
        if wanted is not None:
            return check_count("n_steps", wanted)
        if not self.longest:
            raise ParameterError("n_steps: needed where no input gives the length of the run")
        return max(0, self.longest - start)

    def chunk(self, start: int, stop: int, key: int | None, n_history: int = 0) -> Drive:
        """Return the drive of steps ``start`` to ``stop - 1``; ``key`` is used if it is random.

        Messages reach back ``n_history`` steps further.
        """
        key = key if key is not None and self.is_random else 0
        edges = np.searchsorted(self._steps, np.arange(start, stop + 1))
        currents = np.zeros((stop - start, self.n_columns), dtype=self._dtype)
        for one in self._currents.values():
            columns = slice(one.column, one.column + one.size)
            currents[:, columns] = one.chunk(start, stop, self._dtype, key)
        if self._dtype.kind == "i":
            currents <<= 6  # as the weights: Lava adds both to u shifted by 6 bits
        spikes = np.ascontiguousarray(self._neurons[edges[0] : edges[-1]])
        ptr, rows, rates = self._poisson_rows(start, stop)
        # compiled for one layout: without columns the array would pass for another
        currents = currents if self.n_columns else np.zeros((1, 1), dtype=self._dtype)
        begins = (edges - edges[0]).astype(np.int64)
        messages = self._message_rows(start - n_history, stop)
        return Drive._make((begins, spikes, currents, ptr, *rows, rates, messages, np.uint64(key)))

    def _message_rows(self, start: int, stop: int) -> NDArray[np.int32]:
        """Return what sources send in steps ``start`` to ``stop - 1``; nothing before step 0."""
        rows = np.zeros((stop - start, max(1, self.n_message_columns)), dtype=np.int32)
        for name, table in self._messages.items():
            column = self.message_columns[name]
            part = table[max(0, start) : max(0, stop)]
            begin = max(0, -start)
            rows[begin : begin + len(part), column : column + table.shape[1]] = part
        return rows

    def _poisson_rows(
        self, start: int, stop: int
    ) -> tuple[NDArray[np.int64], tuple[NDArray[Any], ...], NDArray[np.float64]]:
        ptr = [0]
        rows: list[tuple[int, int, float, int, int, int]] = []
        rates: list[NDArray[np.float64]] = []
        used = 0
        for name in self._network.populations:
            for stimulus, stream in self._poisson.get(name, []):
                rate = stimulus.rate
                if rate.ndim == 2:
                    part = np.zeros((stop - start, rate.shape[1]))
                    given = rate[start:stop]
                    part[: given.shape[0]] = given
                else:
                    part = rate.reshape(1, -1)
                by_step = part.shape[1] if rate.ndim == 2 else 0
                by_neuron = int(part.shape[1] > 1)
                weight = stimulus.weight * (64 if self._dtype.kind == "i" else 1)
                place = (stream, stimulus.receptor, weight, used, by_step, by_neuron)
                rows.append(place)
                rates.append(part.ravel())
                used += part.size
            ptr.append(len(rows))
        columns = list(zip(*rows, strict=True)) if rows else [()] * 6
        kinds: tuple[Any, ...] = (np.int64, np.int64, self._dtype, np.int64, np.int64, np.int64)
        arrays = tuple(np.array(c, dtype=kind) for c, kind in zip(columns, kinds, strict=True))
        return np.array(ptr, dtype=np.int64), arrays, np.concatenate([np.zeros(0), *rates])


def _merged(
    network: Network, trains: Mapping[str, Train]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return steps and global numbers of all spikes, by step, then number."""
    first = dict(zip(network.populations, numbers_of(network)[0], strict=True))
    spikes = {name: train.spikes for name, train in trains.items()}
    steps = np.concatenate([np.zeros(0, np.int64), *(train.steps for train in spikes.values())])
    numbers = [(train.neurons + first[name]).astype(np.int32) for name, train in spikes.items()]
    neurons = np.concatenate([np.zeros(0, np.int32), *numbers])
    if len(trains) > 1:  # one is in order
        order = np.lexsort((neurons, steps))
        steps, neurons = steps[order], neurons[order]
    return steps, neurons


def _stimuli(value: Any) -> Sequence[Any]:
    """Return the stimuli of a population: several in a list, or one, such as a nested list."""
    several = isinstance(value, list | tuple) and any(
        isinstance(one, Spikes | Poisson | StepCurrent | NoiseCurrent)
        or (isinstance(one, np.ndarray) and one.ndim == 2)
        for one in value
    )
    return value if several else [value]


def _check_described(where: str, value: StepCurrent | NoiseCurrent, size: int, dtype: Any) -> None:
    arrays = (value.values,) if isinstance(value, StepCurrent) else (value.std, value.mean)
    widths = (
        {value.values.shape[1:]} if isinstance(value, StepCurrent) else {a.shape for a in arrays}
    )
    for shape in widths - {(), (1,), (size,)}:
        raise ShapeError(f"{where}: got values for {shape[0]} neurons; expected 1 or {size}")
    if dtype.kind == "i" and isinstance(value, NoiseCurrent):
        raise ParameterError(f"{where}: noise for an integer network; expected whole currents")
    for array in arrays:
        check_in_arithmetic(where, "currents", array, dtype)
