"""What reaches a network from outside, step by step, the slow and obvious way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import Network, Spikes
from neurosparse.simulate import NoiseCurrent, Poisson, StepCurrent
from tests.reference.philox import poisson_counts

__all__ = ["Outside"]


class Outside:
    """The inputs of a run, as `neurosparse.simulate.simulate` takes them.

    Parameters
    ----------
    network : Network
        What is driven.
    inputs : mapping of str to stimulus or list of stimuli
        The stimuli are numbered in the order they stand in here; the number is their stream.
    key : int
        Of the random streams.
    dtype : dtype
        In which currents are summed.
    """

    def __init__(
        self, network: Network, inputs: Mapping[str, Any], key: int | None, dtype: Any
    ) -> None:
        self._sizes = {name: population.size for name, population in network.populations.items()}
        self._key = 0 if key is None else key
        self._dtype = dtype
        self._stimuli: dict[str, list[tuple[int, Any]]] = {name: [] for name in self._sizes}
        number = 0
        for name, given in inputs.items():
            kinds = (Spikes, Poisson, StepCurrent, NoiseCurrent, np.ndarray)
            several = isinstance(given, list) and any(isinstance(one, kinds) for one in given)
            for stimulus in given if several else [given]:
                self._stimuli[name].append((number, stimulus))
                number += 1

    def events(self, name: str, step: int) -> list[tuple[int, float, NDArray[np.int64]]]:
        """Return receptor, weight and counts (size,) of every Poisson stimulus in a step."""
        size = self._sizes[name]
        found = []
        for stream, stimulus in self._stimuli[name]:
            if isinstance(stimulus, Poisson):
                rate = stimulus.rate
                if rate.ndim == 2:
                    rate = rate[step] if step < len(rate) else np.zeros(rate.shape[1])
                counts = poisson_counts(rate, self._key, stream, step, size)
                found.append((stimulus.receptor, stimulus.weight, np.array(counts)))
        return found

    def source_spikes(self, name: str, step: int) -> NDArray[np.bool_]:
        """Return which neurons of a source fire in a step."""
        fires = np.zeros(self._sizes[name], dtype=bool)
        for _, _, counts in self.events(name, step):
            fires |= counts > 0
        for _, stimulus in self._stimuli[name]:
            if isinstance(stimulus, Spikes):
                fires[stimulus.neurons[stimulus.steps == step]] = True
            elif not isinstance(stimulus, Poisson):
                table = np.asarray(stimulus)
                if step < len(table):
                    fires |= table[step] > 0
        return fires

    def current(self, name: str, step: int) -> NDArray[Any]:
        """Return the sum of all currents in a step: tables first, then what is described."""
        total = np.zeros(self._sizes[name], dtype=self._dtype)
        described = []
        for stream, stimulus in self._stimuli[name]:
            if isinstance(stimulus, StepCurrent):
                described.append(self._stepped(stimulus, step))
            elif isinstance(stimulus, NoiseCurrent):
                described.append(self._noise(stimulus, stream, step, total.size))
            elif not isinstance(stimulus, Poisson):
                table = np.asarray(stimulus)
                if step < len(table):
                    total += table[step].astype(self._dtype)
        for current in described:
            total += np.asarray(current).astype(self._dtype)
        return total

    def _stepped(self, stimulus: StepCurrent, step: int) -> Any:
        value: Any = 0.0
        for start, given in zip(stimulus.starts, stimulus.values, strict=True):
            if start <= step:
                value = given
        return value

    def _noise(self, stimulus: NoiseCurrent, stream: int, step: int, size: int) -> Any:
        bits = np.random.Philox(key=self._key, counter=[0, step, stream, 0])
        drawn = np.random.Generator(bits).standard_normal(size, dtype=np.float32)
        return stimulus.mean + stimulus.std * drawn
