"""Made-up chunks of a run, and a child process that streams them until it is killed."""

from __future__ import annotations

import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosparse.errors import StorageError
from neurosparse.network import Spikes
from neurosparse.simulate.recording import Chunk, Layout, MemorySink, Recorded, sample_range


@dataclass(frozen=True)
class Looks:
    """Stands in for a probe."""

    population: str
    neurons: tuple[int, ...] | None = None
    every: int = 1


LAYOUT = Layout(
    {"E": 50, "silent": 3, "I/2": 7, "big": 70_000},
    ("I/2", "E", "big"),
    (Looks("E", (1, 2, 3), every=3), Looks("I/2"), Looks("E", ())),
    np.float32,
)


def length(start: int) -> int:
    """Say how long the chunk is that begins at ``start``."""
    return 1 + start * 7 % 40


def make_chunk(start: int, n_steps: int, layout: Layout = LAYOUT) -> Chunk:
    """Make a chunk that is the same whoever makes it, step by step."""
    rasters: dict[str, list[Spikes]] = {name: [] for name in layout.sizes}
    for step in range(start, start + n_steps):
        rng = np.random.default_rng(step)
        for name, size in layout.sizes.items():
            fired = np.unique(rng.integers(0, size, rng.poisson(min(size / 9, 30))))
            rasters[name].append(Spikes(np.zeros(fired.size, np.int64), fired, 1, size))
    spikes = {
        name: Spikes.joined([Spikes([], [], 0, layout.sizes[name]), *parts])  # type: ignore[arg-type]
        for name, parts in rasters.items()
    }
    traces = []
    for probe in layout.probes:
        at = np.array(sample_range(start, start + n_steps, probe.every), dtype=layout.dtype)
        traces.append(np.repeat(at[:, None], layout.width(probe), axis=1))
    return Chunk(
        start,
        n_steps,
        {name: spikes[name] for name in layout.recorded},
        {name: part.counts_per_step() for name, part in spikes.items()},
        traces,
    )


def stream(path: Path, start: int, lengths: list[int], layout: Layout = LAYOUT) -> int:
    """Stream chunks of these lengths to a new file; return the step after the last."""
    from neurosparse.simulate.stream import StreamSink  # needs h5py

    path.unlink(missing_ok=True)
    with StreamSink(path, layout, start) as sink:
        for n_steps in lengths:
            sink.append(make_chunk(start, n_steps, layout))
            start += n_steps
    return start


def recorded(start: int, stop: int, layout: Layout = LAYOUT) -> Recorded:
    """Say what a recording of these steps holds."""
    sink = MemorySink(layout, start)
    sink.append(make_chunk(start, stop - start, layout))
    return sink.recorded()


def same(one: Recorded, other: Recorded) -> bool:
    """Compare two recordings, dtypes and all."""
    pairs = [(one.counts[name], other.counts[name]) for name in other.counts]
    pairs += zip(one.traces, other.traces, strict=True)
    return (
        one.spikes == other.spikes
        and list(one.counts) == list(other.counts)
        and all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)
    )


def write_until_killed(path: str, at_step: int, limit: int) -> None:
    """Stream on and on, telling after every chunk; no file may grow over ``limit`` bytes."""
    from neurosparse.simulate.stream import StreamSink

    if limit:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then writes fail with EFBIG instead
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        if Path(path).exists():
            sink = StreamSink.resume(path, LAYOUT, at_step)
        else:
            sink = StreamSink(path, LAYOUT, at_step)
        with sink:
            while True:
                sink.append(make_chunk(at_step, length(at_step)))
                at_step += length(at_step)
                sys.stdout.write(f"{at_step}\n")
                sys.stdout.flush()
    except StorageError as error:
        sys.stdout.write(f"{error}\n")


if __name__ == "__main__":
    write_until_killed(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
