"""Spike events as lists of (step, neuron); rasters are a view made on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError
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
    signs : (n_spikes,) int8, optional
        1 or -1 for every spike, of neurons that have two kinds (`FixedPointTernaryLIF`). None: all
        are 1.

    Raises
    ------
    ShapeError, TopologyError
        If the vectors differ in length, an entry is out of range, or an event stands twice.
    ParameterError
        If a sign is neither 1 nor -1.

    Examples
    --------
    >>> Spikes([0, 2], [1, 0], n_steps=3, n_neurons=2).raster().tolist()
    [[0, 1], [0, 0], [1, 0]]
    """

    steps: NDArray[np.int64]
    neurons: NDArray[np.int32]
    n_steps: int
    n_neurons: int
    signs: NDArray[np.int8] | None = None

    def __post_init__(self) -> None:
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
        signs = None if self.signs is None else _as_signs(self.signs, steps.size)
        keys = steps * self.n_neurons + neurons
        if keys.size and np.any(np.diff(keys) <= 0):
            order = np.argsort(keys, kind="stable")
            steps, neurons = steps[order], neurons[order]
            signs = None if signs is None else signs[order]
            if np.any(np.diff(keys[order]) == 0):
                raise ShapeError("spikes: a neuron spikes twice in one step; remove doubles")
        self._keep(steps, neurons, signs)

    def _keep(
        self, steps: NDArray[np.int64], neurons: NDArray[np.int32], signs: NDArray[np.int8] | None
    ) -> None:
        for name, array in (("steps", steps), ("neurons", neurons), ("signs", signs)):
            frozen = None if array is None else array.view()
            if frozen is not None:
                frozen.setflags(write=False)
            object.__setattr__(self, name, frozen)

    @classmethod
    def of_engine(
        cls,
        steps: NDArray[np.int64],
        neurons: NDArray[np.int32],
        n_steps: int,
        n_neurons: int,
        signs: NDArray[np.int8] | None = None,
    ) -> Spikes:
        """Wrap events that are known to be sorted, distinct and in range; nothing is checked."""
        spikes = object.__new__(cls)
        object.__setattr__(spikes, "n_steps", n_steps)
        object.__setattr__(spikes, "n_neurons", n_neurons)
        spikes._keep(steps, neurons, signs)
        return spikes

    @classmethod
    def from_raster(cls, raster: Any, *, signed: bool = False) -> Spikes:
        """Take a raster (n_steps, n_neurons); every non-zero entry is a spike.

        With ``signed`` the spikes keep the signs of the entries.

        Examples
        --------
        >>> Spikes.from_raster([[0, -1, 1]], signed=True).signs.tolist()
        [-1, 1]
        """
        array = np.asarray(raster)
        if array.ndim != 2:
            raise ShapeError(f"raster: got shape {array.shape}; expected (n_steps, n_neurons)")
        steps, neurons = np.nonzero(array)
        signs = np.sign(array[steps, neurons]).astype(np.int8) if signed else None
        return cls(steps, neurons.astype(np.int32), array.shape[0], array.shape[1], signs)

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
        signed = any(part.signs is not None for part in parts)
        signs = np.concatenate([part._signs_or_ones() for part in parts]) if signed else None
        return cls.of_engine(
            np.concatenate(steps), np.concatenate(neurons), int(starts[-1]), sizes[0], signs
        )

    def raster(self) -> NDArray[Any]:
        """Return (n_steps, n_neurons) uint8 of zeros and ones; int8 with -1 if there are signs."""
        dtype = np.uint8 if self.signs is None else np.int8
        dense: NDArray[Any] = np.zeros((self.n_steps, self.n_neurons), dtype=dtype)
        dense[self.steps, self.neurons] = 1 if self.signs is None else self.signs
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
        signs = None if self.signs is None else self.signs[low:high]
        return Spikes.of_engine(
            self.steps[low:high] - start,
            self.neurons[low:high],
            stop - start,
            self.n_neurons,
            signs,
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
            and (
                self.signs is other.signs is None
                or np.array_equal(self._signs_or_ones(), other._signs_or_ones())
            )
        )

    def _signs_or_ones(self) -> NDArray[np.int8]:
        return np.ones(self.n_spikes, dtype=np.int8) if self.signs is None else self.signs

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Spikes({self.n_spikes} in {self.n_steps} steps of {self.n_neurons} neurons)"


def _as_signs(given: Any, n_spikes: int) -> NDArray[np.int8]:
    """Return checked signs as int8."""
    signs = np.asarray(given)
    if signs.shape != (n_spikes,):
        raise ShapeError(f"signs: got shape {signs.shape}; expected ({n_spikes},)")
    if not np.isin(signs, (-1, 1)).all():
        raise ParameterError("signs: got others than 1 and -1; allowed is nothing else")
    return signs.astype(np.int8)
