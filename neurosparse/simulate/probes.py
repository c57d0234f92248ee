"""Probes: what to record besides spikes, and where it lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, TopologyError
from neurosparse.network import Network
from neurosparse.network.checks import check_count, check_indices
from neurosparse.simulate.checks import as_array, check_kind, shown
from neurosparse.simulate.engine_arrays import Populations

__all__ = [
    "Probe",
    "ProbePlaces",
    "check_population",
    "check_probes",
    "check_recorded",
    "place_probes",
]


@dataclass(frozen=True)
class Probe:
    """What to record besides spikes.

    Parameters
    ----------
    population : str
        Which population.
    variable : {"u", "v"}
        Synaptic current (receptor 0 unless given) with all that has arrived, or membrane after
        reset.
    neurons : sequence or vector of int, optional
        Which neurons; default all. Kept as a tuple.
    receptor : int
        Receptor of ``u``; ``v`` has none.
    every : int [steps]
        Sample the steps that ``every`` divides, counted from the begin of the experiment.

    Raises
    ------
    ParameterError
        If ``variable`` is another, ``v`` is asked of a receptor, ``neurons`` or ``receptor`` are
        not whole numbers, or ``every`` is not positive.
    """

    population: str
    variable: Literal["u", "v"]
    neurons: tuple[int, ...] | None = None
    receptor: int = 0
    every: int = 1

    def __post_init__(self) -> None:
        fix = object.__setattr__
        check_kind("population", self.population, str, "the name of a population")
        where = f"probe of {self.population!r}"
        if self.variable not in ("u", "v"):
            raise ParameterError(f"{where}: variable: got {self.variable!r}; expected 'u' or 'v'")
        fix(self, "receptor", check_count(f"{where}: receptor", self.receptor))
        if self.variable == "v" and self.receptor:
            raise ParameterError(
                f"{where}: got receptor {self.receptor} of v; only u has receptors"
            )
        fix(self, "every", check_count("every", self.every, least=1))
        if self.neurons is None:
            return
        given = as_array(f"{where}: neurons", self.neurons)
        if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
            raise ParameterError(
                f"{where}: neurons: got {self.neurons!r}; expected a sequence of whole numbers"
            )
        # hashable, as probes are the keys of Run.traces
        fix(self, "neurons", tuple(int(neuron) for neuron in given))


class ProbePlaces(NamedTuple):
    """Where the probes of a run lie in the engine's arrays."""

    slots: NDArray[np.int64]  # of u
    slot_population: NDArray[np.int64]
    cells: NDArray[np.int64]  # of v
    cell_population: NDArray[np.int64]
    columns: list[tuple[str, slice]]  # per probe: variable, and its columns among them

    def samples(
        self,
        probes: Sequence[Probe],
        start: int,
        traces: dict[str, NDArray[Any]],
    ) -> list[NDArray[Any]]:
        """Pick what every probe samples out of traces that begin at step ``start``."""
        return [
            traces[variable][-start % probe.every :: probe.every, part].copy()
            for probe, (variable, part) in zip(probes, self.columns, strict=True)
        ]


def check_population(network: Network, where: str, name: Any) -> None:
    """Raise TopologyError if there is no such population."""
    if not isinstance(name, str) or name not in network.populations:
        known = ", ".join(map(repr, network.populations))
        raise TopologyError(f"{where}: no population {name!r}; there are {known}")


def check_recorded(network: Network, record: Any) -> tuple[str, ...]:
    """Return the names of the populations to record, in the order of the network; None means all.

    Raises
    ------
    ParameterError
        If it is no sequence of names.
    TopologyError
        If a population is not there.
    """
    if record is None:
        return tuple(network.populations)
    if isinstance(record, str | bytes) or not isinstance(record, Iterable):
        raise ParameterError(
            f"record: got {shown(record)}; expected a sequence of names of populations"
        )
    wanted = tuple(record)
    for name in wanted:
        check_population(network, "record", name)
    return tuple(name for name in network.populations if name in wanted)


def check_probes(probes: Any) -> tuple[Probe, ...]:
    """Return the probes.

    Raises
    ------
    ParameterError
        If it is no sequence of Probe.
    """
    if isinstance(probes, str | bytes) or not isinstance(probes, Iterable):
        raise ParameterError(f"probes: got {shown(probes)}; expected a sequence of Probe")
    given = tuple(probes)
    for place, probe in enumerate(given):
        check_kind(f"probes[{place}]", probe, Probe, "a Probe")
    return given


def place_probes(
    network: Network, populations: Populations, probes: Sequence[Probe]
) -> ProbePlaces:
    """Find what the probes look at.

    Raises
    ------
    TopologyError, ParameterError
        If a population, receptor or neuron is not there.
    """
    rows = {name: row for row, name in enumerate(network.populations)}
    places: dict[str, list[NDArray[np.int64]]] = {"u": [], "v": []}
    of: dict[str, list[NDArray[np.int64]]] = {"u": [], "v": []}
    used = {"u": 0, "v": 0}
    columns: list[tuple[str, slice]] = []
    for probe in probes:
        check_population(network, "probes", probe.population)
        population = network.populations[probe.population]
        if population.neuron is None:
            raise ParameterError(
                f"probes: cannot record {probe.variable!r} of {probe.population!r}; "
                "u and v of populations of neurons can be recorded"
            )
        if probe.receptor >= population.neuron.n_receptors:
            raise ParameterError(
                f"probes: {probe.population!r} has {population.neuron.n_receptors} receptors, "
                f"numbered from 0; got {probe.receptor}"
            )
        chosen = np.arange(population.size) if probe.neurons is None else np.array(probe.neurons)
        check_indices(f"probes: neurons of {probe.population!r}", chosen, population.size)
        chosen = chosen.astype(np.int64)
        row = rows[probe.population]
        if probe.variable == "v":
            offset = populations.cell[row]
        else:
            offset = populations.slot[row] + probe.receptor * populations.stride[row]
        places[probe.variable].append(chosen + offset)
        of[probe.variable].append(np.full(chosen.size, row, dtype=np.int64))
        begin = used[probe.variable]
        used[probe.variable] = begin + chosen.size
        columns.append((probe.variable, slice(begin, begin + chosen.size)))
    nothing = np.zeros(0, np.int64)
    return ProbePlaces(
        np.concatenate([nothing, *places["u"]]),
        np.concatenate([nothing, *of["u"]]),
        np.concatenate([nothing, *places["v"]]),
        np.concatenate([nothing, *of["v"]]),
        columns,
    )
