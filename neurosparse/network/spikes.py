"""Spike events as lists of (step, neuron); rasters are a view made on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ShapeError
from neurosparse.network.checks import check_count, check_indices, check_vector

__all__ = ["Spikes"]


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spike events of one population.

    Parameters
    ----------
    steps : (n_spikes,) int64
        Step of every spike, in ``[0, n_steps)``.
    neurons : (n_spikes,) int32
        Neuron of every spike, in ``[0, n_neurons)``. Events are kept sorted by step, then neuron.
    n_steps, n_neurons : int
        Extent of the recording.

    Raises
    ------
    ShapeError, TopologyError
        If the vectors differ in length, an entry is out of range, or an event stands twice.

    Examples
    --------
    >>> Spikes([0, 2], [1, 0], n_steps=3, n_neurons=2).raster().tolist()
    [[0, 1], [0, 0], [1, 0]]
    """

    steps: NDArray[np.int64]
    neurons: NDArray[np.int32]
    n_steps: int
    n_neurons: int

    def __post_init__(self) -> None:
        fix = object.__setattr__
        check_count("n_steps", self.n_steps)
        check_count("n_neurons", self.n_neurons, least=1)
        steps = np.asarray(self.steps)
        neurons = np.asarray(self.neurons)
        if steps.ndim != 1:
            raise ShapeError(f"steps: got shape {steps.shape}; expected a vector")
        check_indices("steps", steps, self.n_steps)
        check_indices("neurons", neurons, self.n_neurons)
        steps = check_vector("steps", steps, steps.size, np.int64)
        neurons = check_vector("neurons", neurons, steps.size, np.int32)
        keys = steps * self.n_neurons + neurons
        if keys.size and np.any(np.diff(keys) <= 0):
            order = np.argsort(keys, kind="stable")
            steps, neurons = steps[order], neurons[order]
            if np.any(np.diff(keys[order]) == 0):
                raise ShapeError("spikes: a neuron spikes twice in one step; remove doubles")
        for name, array in (("steps", steps), ("neurons", neurons)):
            frozen = array.view()
            frozen.setflags(write=False)
            fix(self, name, frozen)

    @classmethod
    def of_engine(
        cls, steps: NDArray[np.int64], neurons: NDArray[np.int32], n_steps: int, n_neurons: int
    ) -> Spikes:
        """Wrap events that are known to be sorted, distinct and in range; nothing is checked."""
        spikes = object.__new__(cls)
        fields = {"n_steps": n_steps, "n_neurons": n_neurons}
        for name, value in fields.items():
            object.__setattr__(spikes, name, value)
        for name, array in (("steps", steps), ("neurons", neurons)):
            frozen = array.view()
            frozen.setflags(write=False)
            object.__setattr__(spikes, name, frozen)
        return spikes

    @classmethod
    def from_raster(cls, raster: Any) -> Spikes:
        """Take a raster (n_steps, n_neurons); every non-zero entry is a spike."""
        array = np.asarray(raster)
        if array.ndim != 2:
            raise ShapeError(f"raster: got shape {array.shape}; expected (n_steps, n_neurons)")
        steps, neurons = np.nonzero(array)
        return cls(steps, neurons.astype(np.int32), array.shape[0], array.shape[1])

    @classmethod
    def joined(cls, parts: Sequence[Spikes]) -> Spikes:
        """Put recordings of the same neurons one after the other; there must be at least one.

        Raises
        ------
        ShapeError
            If there is none, or they differ in the number of neurons.

        Examples
        --------
        >>> one = Spikes([0], [1], n_steps=2, n_neurons=2)
        >>> Spikes.joined([one, one]).steps.tolist()
        [0, 2]
        """
        sizes = sorted({part.n_neurons for part in parts})
        if len(sizes) != 1:
            raise ShapeError(f"parts: got recordings of {sizes} neurons; expected one size")
        starts = np.cumsum([0, *(part.n_steps for part in parts)])
        steps = [part.steps + start for part, start in zip(parts, starts[:-1], strict=True)]
        neurons = [part.neurons for part in parts]
        return cls.of_engine(
            np.concatenate(steps), np.concatenate(neurons), int(starts[-1]), sizes[0]
        )

    def raster(self) -> NDArray[np.uint8]:
        """Return (n_steps, n_neurons) uint8 of zeros and ones."""
        dense = np.zeros((self.n_steps, self.n_neurons), dtype=np.uint8)
        dense[self.steps, self.neurons] = 1
        return dense

    @property
    def n_spikes(self) -> int:
        """Number of spikes."""
        return self.steps.size

    def counts(self) -> NDArray[np.int64]:
        """Spikes per neuron, (n_neurons,) int64."""
        return np.bincount(self.neurons, minlength=self.n_neurons).astype(np.int64)

    def window(self, start: int, stop: int) -> Spikes:
        """Return the spikes of steps ``start`` to ``stop - 1``, renumbered from 0."""
        check_count("start", start, most=self.n_steps)
        check_count("stop", stop, least=start, most=self.n_steps)
        low, high = np.searchsorted(self.steps, [start, stop])
        return Spikes(
            self.steps[low:high] - start, self.neurons[low:high], stop - start, self.n_neurons
        )

    def counts_per_step(self) -> NDArray[np.int64]:
        """Spikes in every step, (n_steps,) int64."""
        return np.bincount(self.steps, minlength=self.n_steps).astype(np.int64)

    def counts_per_window(self, length: int, *, start: int = 0) -> NDArray[np.int64]:
        """Count spikes per neuron in back-to-back windows.

        Parameters
        ----------
        length : int [steps]
            Length of a window.
        start : int [steps]
            Where the first begins.

        Returns
        -------
        (n_windows, n_neurons) int64
            For every window that fits completely.
        """
        check_count("length", length, least=1)
        check_count("start", start, most=self.n_steps)
        n_windows = (self.n_steps - start) // length
        window = (self.steps - start) // length
        keep = (self.steps >= start) & (window < n_windows)
        keys = window[keep] * self.n_neurons + self.neurons[keep]
        counts = np.bincount(keys, minlength=n_windows * self.n_neurons)
        return counts.reshape(n_windows, self.n_neurons).astype(np.int64)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spikes):
            return NotImplemented
        return (
            (self.n_steps, self.n_neurons) == (other.n_steps, other.n_neurons)
            and np.array_equal(self.steps, other.steps)
            and np.array_equal(self.neurons, other.neurons)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Spikes({self.n_spikes} in {self.n_steps} steps of {self.n_neurons} neurons)"
