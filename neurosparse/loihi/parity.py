"""Hold our engines against Lava, step by step."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ShapeError
from neurosparse.loihi.bundle import Bundle, Tag, write_bundle
from neurosparse.loihi.lava import LavaRun, run_lava
from neurosparse.loihi.quantise import Quantisation
from neurosparse.network import Network, Spikes
from neurosparse.simulate import Probe, Run, simulate
from neurosparse.simulate.inputs import InputSpec

__all__ = [
    "Mismatch",
    "Parity",
    "ParityCheck",
    "check_parity",
    "compare_spikes",
    "compare_traces",
]


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
        The two values; 0 or 1 for spikes.
    """

    population: str
    step: int
    neuron: int
    variable: str
    ours: float
    theirs: float

    def __str__(self) -> str:
        where = f"step {self.step}, population {self.population!r}, neuron {self.neuron}"
        if self.variable == "spike":
            return f"{where}: {'ours' if self.ours else 'theirs'} spiked, the other did not"
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


@dataclass(frozen=True)
class ParityCheck:
    """Both runs of one network and how they compare.

    Parameters
    ----------
    spikes : Parity
        Of all populations.
    traces : Parity
        Of ``u`` and ``v`` of the recorded populations, exact.
    ours : Run
        Of `simulate`.
    lava : LavaRun
        Of `run_lava`.
    """

    spikes: Parity
    traces: Parity
    ours: Run
    lava: LavaRun

    @property
    def agrees(self) -> bool:
        """Whether spikes and traces all agree."""
        return self.spikes.agrees and self.traces.agrees

    def __str__(self) -> str:
        text = f"{self.lava.tag}, {self.lava.n_steps} steps: spikes: {self.spikes}"
        return f"{text}; u and v: {self.traces}" if self.traces.n_compared else text


def compare_spikes(ours: Mapping[str, Spikes], theirs: Mapping[str, Spikes]) -> Parity:
    """Compare spikes of two runs, event by event.

    Parameters
    ----------
    ours, theirs : mapping of str to Spikes
        By population; both must hold the same populations.

    Returns
    -------
    Parity
        ``n_compared`` is the number of different (step, neuron) at which either side spiked.

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
        keys = mine.steps * size + mine.neurons
        other_keys = other.steps * size + other.neurons
        differ = np.setxor1d(keys, other_keys, assume_unique=True)
        n_compared += np.union1d(keys, other_keys).size
        n_mismatches += differ.size
        if differ.size:
            step, neuron = divmod(int(differ[0]), size)
            ours_spiked = bool(np.isin(differ[0], keys))
            found.append(
                Mismatch(name, step, neuron, "spike", float(ours_spiked), float(not ours_spiked))
            )
    return Parity(n_compared, n_mismatches, _earliest(found))


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
    return Parity(n_compared, n_mismatches, _earliest(found))


def _earliest(found: Sequence[Mismatch]) -> Mismatch | None:
    return min(found, key=lambda mismatch: mismatch.step, default=None)


def _check_same_keys(what: str, ours: Mapping[Any, Any], theirs: Mapping[Any, Any]) -> None:
    lonely = [key for key in [*ours, *theirs] if key not in ours or key not in theirs]
    if lonely:
        raise ShapeError(f"{what} {lonely[0]!r}: only on one side; compare runs of one network")


def check_parity(
    exported: Bundle | Quantisation | Network,
    inputs: Mapping[str, InputSpec],
    n_steps: int | None = None,
    *,
    tag: Tag,
    reset_every: int | None = None,
    record: Sequence[str] = (),
    interpreter: str | os.PathLike[str] | None = None,
    timeout_s: float = 300.0,
) -> ParityCheck:
    """Run a network in our engine and in Lava and compare every spike.

    Parameters
    ----------
    exported : Bundle, Quantisation or Network
        What to run; other than a Bundle it is exported to a temporary one.
    inputs, n_steps, reset_every, record, interpreter, timeout_s
        As in `run_lava`; ``u`` and ``v`` of the populations in ``record`` are compared too.
    tag : {"floating_pt", "fixed_pt"}
        ``floating_pt`` is held against our float64 engine, ``fixed_pt`` against the integer one.

    Returns
    -------
    ParityCheck
        Both runs and the comparison; nothing is raised when they differ.

    Raises
    ------
    NeurosparseError
        What `write_bundle` and `run_lava` raise.

    Notes
    -----
    Integers agree bit for bit. In float64 both sides do the same operations in the same order,
    except that Lava adds up each projection before it adds them together; sums of float32 weights
    are exact in float64, so that this makes no difference unless their sizes span 2^29 or more.
    """
    if not isinstance(exported, Bundle):
        network = exported.network if isinstance(exported, Quantisation) else exported
        with tempfile.TemporaryDirectory(prefix="neurosparse-bundle-") as folder:
            return check_parity(
                write_bundle(Path(folder) / "bundle", network),
                inputs,
                n_steps,
                tag=tag,
                reset_every=reset_every,
                record=record,
                interpreter=interpreter,
                timeout_s=timeout_s,
            )
    theirs = run_lava(
        exported,
        inputs,
        n_steps,
        tag=tag,
        reset_every=reset_every,
        record=record,
        interpreter=interpreter,
        timeout_s=timeout_s,
    )
    ours = simulate(
        exported.network(tag),
        inputs,
        theirs.n_steps,
        probes=list(theirs.traces),
        dtype=np.float64,
        reset_every=reset_every,
    )
    return ParityCheck(
        compare_spikes(ours.spikes, theirs.spikes),
        compare_traces(ours.traces, theirs.traces),
        ours,
        theirs,
    )
