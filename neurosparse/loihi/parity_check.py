"""Hold our engines against Lava, step by step and population by population."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.loihi.bundle import Bundle, Tag
from neurosparse.loihi.bundle_writing import write_bundle
from neurosparse.loihi.lava import LavaRun, run_lava
from neurosparse.loihi.parity import Mismatch, Parity, compare_spikes, compare_traces, earliest
from neurosparse.loihi.quantisation import Quantisation
from neurosparse.network import Network
from neurosparse.simulate import Probe, Run, simulate
from neurosparse.simulate.inputs import InputSpec

__all__ = ["LayerParity", "ParityCheck", "check_parity"]


@dataclass(frozen=True)
class LayerParity:
    """How one population compares.

    Parameters
    ----------
    spikes : Parity
        Of its spikes.
    traces : Parity
        Of its ``u`` and ``v``, where they were recorded.
    """

    spikes: Parity
    traces: Parity

    @property
    def agrees(self) -> bool:
        """Whether spikes and traces agree."""
        return self.first is None

    @property
    def first(self) -> Mismatch | None:
        """The earliest difference; within a step that of a spike."""
        return earliest([m for m in (self.spikes.first, self.traces.first) if m is not None])


@dataclass(frozen=True)
class ParityCheck:
    """Both runs of one network and how they compare; prints as a table.

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

    @cached_property
    def layers(self) -> dict[str, LayerParity]:
        """Every population for itself, in the order of the network."""
        mine, theirs = self.ours, self.lava
        return {
            name: LayerParity(
                compare_spikes({name: spikes}, {name: theirs.spikes[name]}),
                compare_traces(_of(name, mine.traces), _of(name, theirs.traces)),
            )
            for name, spikes in mine.spikes.items()
        }

    def __str__(self) -> str:
        text = f"{self.lava.tag}, {self.lava.n_steps} steps: spikes: {self.spikes}"
        if self.traces.n_compared:
            text = f"{text}; u and v: {self.traces}"
        head = ("population", "spikes", "differ", "u and v", "differ", "first difference")
        rows = [head, *(_row(name, layer) for name, layer in self.layers.items())]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head) - 1)]
        lines = [text]
        for name, *numbers, first in rows:
            cells = [name.ljust(widths[0])]
            cells += [n.rjust(w) for n, w in zip(numbers, widths[1:], strict=True)]
            lines.append("  ".join(["", *cells, first]).rstrip())
        return "\n".join(lines)


def _of(population: str, traces: Mapping[Probe, NDArray[Any]]) -> dict[Probe, NDArray[Any]]:
    return {probe: trace for probe, trace in traces.items() if probe.population == population}


def _row(name: str, layer: LayerParity) -> tuple[str, ...]:
    counts = [
        str(n)
        for parity in (layer.spikes, layer.traces)
        for n in (parity.n_compared, parity.n_mismatches)
    ]
    first = layer.first
    if first is None:
        return (name, *counts, "-")
    what = f"{first.variable} of neuron {first.neuron} in step {first.step}"
    return (name, *counts, f"{what}: {first.ours:g} in ours, {first.theirs:g} in theirs")


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
