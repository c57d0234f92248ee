"""What a run records, chunk by chunk, and the sink that keeps it in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network import Spikes

__all__ = ["Chunk", "Layout", "MemorySink", "Recorded", "Sink", "sample_range"]


class Chunk(NamedTuple):
    """What some steps in a row gave."""

    start: int  # absolute step
    n_steps: int
    spikes: dict[str, Spikes]  # of the recorded populations, steps relative to start
    counts: dict[str, NDArray[np.int64]]  # (n_steps,) spikes per step, of all populations
    traces: list[NDArray[Any]]  # one (n_samples, n_probed) per probe, of the sampled steps only

    @property
    def stop(self) -> int:
        """Step after the last."""
        return self.start + self.n_steps


class Recorded(NamedTuple):
    """All chunks of a run in one piece."""

    spikes: dict[str, Spikes]
    counts: dict[str, NDArray[np.int64]]
    traces: list[NDArray[Any]]


class Sink(Protocol):
    """Takes the chunks of a run in order of time."""

    def append(self, chunk: Chunk) -> None:
        """Take one chunk; when this returns, the chunk is as safe as the sink can make it."""

    def close(self) -> None:
        """Take no more chunks; may be called twice."""


class ProbeLike(Protocol):
    """What a sink needs to know of a probe (a dataclass)."""

    @property
    def population(self) -> str: ...
    @property
    def neurons(self) -> tuple[int, ...] | None: ...
    @property
    def every(self) -> int: ...


@dataclass(frozen=True)
class Layout:
    """Which chunks to expect.

    Parameters
    ----------
    sizes : mapping of str to int
        Neurons of every population; their spikes are counted in every step.
    recorded : tuple of str
        Populations whose spikes are kept.
    probes : tuple of Probe
        Traces that are kept.
    dtype : dtype
        Of the traces.
    signed : tuple of str
        Populations whose spikes have signs.
    """

    sizes: Mapping[str, int]
    recorded: tuple[str, ...]
    probes: tuple[Any, ...] = ()
    dtype: Any = np.float32
    signed: tuple[str, ...] = ()

    def silence(self, name: str) -> Spikes:
        """Return the spikes of no steps of a population."""
        return Spikes(
            np.zeros(0, dtype=np.int64),
            np.zeros(0, dtype=np.int32),
            0,
            self.sizes[name],
            np.zeros(0, dtype=np.int8) if name in self.signed else None,
        )

    def width(self, probe: ProbeLike) -> int:
        """Return how many neurons a probe looks at."""
        return self.sizes[probe.population] if probe.neurons is None else len(probe.neurons)


def sample_range(start: int, stop: int, every: int) -> range:
    """Return the steps from ``start`` to ``stop - 1`` in which a probe is sampled.

    These are the absolute steps that ``every`` divides, so that a run in pieces samples the same.

    Examples
    --------
    >>> list(sample_range(3, 10, 4))
    [4, 8]
    """
    return range(-(-start // every) * every, stop, every)


def check_follows(chunk: Chunk, at_step: int) -> None:
    """Raise ParameterError unless ``chunk`` begins where the last one ended."""
    if chunk.start != at_step:
        raise ParameterError(f"chunk: starts at step {chunk.start}; expected step {at_step}")


class MemorySink:
    """Keeps everything in memory.

    Parameters
    ----------
    layout : Layout
        What comes.
    start : int [steps]
        First step of the run.
    """

    def __init__(self, layout: Layout, start: int = 0) -> None:
        self.layout = layout
        self._stop = start
        # an empty first part, so that a run of no steps has the right shapes
        self._spikes = {name: [layout.silence(name)] for name in layout.recorded}
        self._counts = {name: [np.zeros(0, dtype=np.int64)] for name in layout.sizes}
        self._traces = [[np.zeros((0, layout.width(p)), layout.dtype)] for p in layout.probes]

    def append(self, chunk: Chunk) -> None:
        """Keep a chunk.

        Raises
        ------
        ParameterError
            If it does not follow the last one.
        """
        check_follows(chunk, self._stop)
        self._stop = chunk.stop
        for name, spikes in self._spikes.items():
            spikes.append(chunk.spikes[name])
        for name, counts in self._counts.items():
            counts.append(chunk.counts[name])
        for kept, rows in zip(self._traces, chunk.traces, strict=True):
            kept.append(rows)

    def close(self) -> None:
        """Do nothing."""

    def recorded(self) -> Recorded:
        """Return everything in one piece, steps counted from the start of the run."""
        return Recorded(
            {name: Spikes.joined(parts) for name, parts in self._spikes.items()},
            {name: np.concatenate(parts) for name, parts in self._counts.items()},
            [np.concatenate(parts) for parts in self._traces],
        )
