"""Compare two runs of one network, spike by spike and value by value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ShapeError
from neurosparse.network import Spikes
from neurosparse.simulate import Probe

__all__ = ["Mismatch", "Parity", "compare_spikes", "compare_traces", "earliest"]


@dataclass(frozen=True)
class Mismatch:
    """Where two runs first differ.

    Parameters
    ----------
    population : str
        Which population.
    step, neuron : int
        Where, counted from 0.
    variable : str
        ``"spike"``, ``"u"`` or ``"v"``.
    ours, theirs : float
        The two values; 0 or 1 for spikes, -1 for those of the other sign.
    """

    population: str
    step: int
    neuron: int
    variable: str
    ours: float
    theirs: float

    def __str__(self) -> str:
        where = f"step {self.step}, population {self.population!r}, neuron {self.neuron}"
        if self.variable == "spike" and not (self.ours and self.theirs):
            return f"{where}: {'ours' if self.ours else 'theirs'} spiked, the other did not"
        if self.variable == "spike":
            return (
                f"{where}: a spike of sign {self.ours:+.0f} in ours, {self.theirs:+.0f} in theirs"
            )
        return f"{where}: {self.variable} is {self.ours!r} in ours, {self.theirs!r} in theirs"


@dataclass(frozen=True)
class Parity:
    """Outcome of a comparison.

    Parameters
    ----------
    n_compared : int
        Entries compared: spikes of either side, or values of traces.
    n_mismatches : int
        Entries that differ.
    first : Mismatch or None
        The earliest; within a step, populations in the order of the network.
    """

    n_compared: int
    n_mismatches: int
    first: Mismatch | None

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return self.n_mismatches == 0

    def __str__(self) -> str:
        if self.first is None:
            return f"{self.n_compared} compared, all agree"
        return f"{self.n_compared} compared, {self.n_mismatches} differ; first at {self.first}"


def compare_spikes(ours: Mapping[str, Spikes], theirs: Mapping[str, Spikes]) -> Parity:
    """Compare spikes of two runs, event by event.

    Parameters
    ----------
    ours, theirs : mapping of str to Spikes
        By population; both must hold the same populations.

    Returns
    -------
    Parity
        ``n_compared`` is the number of different (step, neuron) at which either side spiked. Spikes
        without signs count as +1.

    Raises
    ------
    ShapeError
        If populations or extents differ.
    """
    _check_same_keys("population", ours, theirs)
    n_compared = n_mismatches = 0
    found: list[Mismatch] = []
    for name, mine in ours.items():
        other = theirs[name]
        size = mine.n_neurons
        if (mine.n_steps, size) != (other.n_steps, other.n_neurons):
            raise ShapeError(
                f"population {name!r}: {mine.n_steps} steps of {size} neurons in ours, "
                f"{other.n_steps} of {other.n_neurons} in theirs"
            )
        at, ours_signs, their_signs = _side_by_side(mine, other)
        differ = np.flatnonzero(ours_signs != their_signs)
        n_compared += at.size
        n_mismatches += differ.size
        if differ.size:
            step, neuron = divmod(int(at[differ[0]]), size)
            values = float(ours_signs[differ[0]]), float(their_signs[differ[0]])
            found.append(Mismatch(name, step, neuron, "spike", *values))
    return Parity(n_compared, n_mismatches, earliest(found))


def _side_by_side(
    mine: Spikes, other: Spikes
) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int8]]:
    """Return where either side spiked, as step * size + neuron, and both signs, 0 where none."""
    places = [spikes.steps * spikes.n_neurons + spikes.neurons for spikes in (mine, other)]
    at = np.union1d(*places)
    signs = []
    for spikes, own in zip((mine, other), places, strict=True):
        column = np.zeros(at.size, dtype=np.int8)
        column[np.searchsorted(at, own)] = 1 if spikes.signs is None else spikes.signs
        signs.append(column)
    return at, signs[0], signs[1]


def compare_traces(
    ours: Mapping[Probe, NDArray[Any]], theirs: Mapping[Probe, NDArray[Any]]
) -> Parity:
    """Compare traces of ``u`` and ``v`` for exact equality.

    Parameters
    ----------
    ours, theirs : mapping of Probe to (n_steps, n_probed) array
        As in `Run` and `LavaRun`; both must hold the same probes.

    Returns
    -------
    Parity

    Raises
    ------
    ShapeError
        If probes or shapes differ.
    """
    _check_same_keys("probe", ours, theirs)
    n_compared = n_mismatches = 0
    found: list[Mismatch] = []
    for probe, mine in ours.items():
        other = theirs[probe]
        if mine.shape != other.shape:
            raise ShapeError(f"{probe}: {mine.shape} in ours, {other.shape} in theirs")
        differ = mine != other
        n_compared += differ.size
        n_mismatches += int(differ.sum())
        if differ.any():
            step, column = (int(k) for k in np.argwhere(differ)[0])
            neuron = column if probe.neurons is None else probe.neurons[column]
            values = mine[step, column].item(), other[step, column].item()
            found.append(Mismatch(probe.population, step, neuron, probe.variable, *values))
    return Parity(n_compared, n_mismatches, earliest(found))


def earliest(found: Sequence[Mismatch]) -> Mismatch | None:
    """Return the first of the earliest step; None of none."""
    return min(found, key=lambda mismatch: mismatch.step, default=None)


def _check_same_keys(what: str, ours: Mapping[Any, Any], theirs: Mapping[Any, Any]) -> None:
    lonely = [key for key in [*ours, *theirs] if key not in ours or key not in theirs]
    if lonely:
        raise ShapeError(f"{what} {lonely[0]!r}: only on one side; compare runs of one network")
