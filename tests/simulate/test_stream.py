from __future__ import annotations

import contextlib
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosparse.errors import (
    StorageError,
)
from neurosparse.simulate.recording import Layout, MemorySink
from tests.simulate.chunks import LAYOUT, Looks, length, make_chunk, recorded, same, stream

h5py = pytest.importorskip("h5py", reason="h5py is not installed")

from neurosparse.simulate.stream import Recording, StreamSink  # noqa: E402

ROOT = Path(__file__).parents[2]
WAIT = 60  # seconds a child may take; it compiles nothing
one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.h5"


# ---------------------------------------------------------------------- what goes in comes out


@one_folder
@given(st.integers(0, 100), st.lists(st.integers(1, 12), max_size=6), st.data())
def test_a_file_holds_what_memory_holds(
    path: Path, start: int, lengths: list[int], data: st.DataObject
) -> None:
    stop = stream(path, start, lengths)
    memory = MemorySink(LAYOUT, start)
    for n_steps in lengths:
        memory.append(make_chunk(start, n_steps))
        start += n_steps
    whole = memory.recorded()
    first = data.draw(st.integers(0, sum(lengths)))
    last = data.draw(st.integers(first, sum(lengths)))
    with Recording(path) as recording:
        assert (recording.start + recording.n_steps, recording.n_steps) == (stop, sum(lengths))
        assert recording.populations == tuple(LAYOUT.sizes)
        assert recording.recorded == LAYOUT.recorded
        assert same(recording.read(), whole)
        for name in LAYOUT.recorded:
            assert recording.spikes(name, first, last) == whole.spikes[name].window(first, last)
        for name in LAYOUT.sizes:
            assert np.array_equal(
                recording.counts(name, first, last), whole.counts[name][first:last]
            )
        begin = recording.start
        part = recorded(begin + first, begin + last).traces
        for index, probe in enumerate(LAYOUT.probes):
            assert np.array_equal(recording.trace(probe, first, last), part[index])
            assert np.array_equal(recording.trace(index), whole.traces[index])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_nothing_but_counts_and_every_dtype(path: Path, dtype: Any) -> None:
    layout = Layout({"a": 2}, (), (), dtype)
    stream(path, 0, [3, 4], layout)
    with Recording(path) as recording:
        assert same(recording.read(), recorded(0, 7, layout))
    layout = Layout({"a": 2}, ("a",), (Looks("a"),), dtype)
    stream(path, 0, [3, 4], layout)
    with Recording(path) as recording:
        assert same(recording.read(), recorded(0, 7, layout))
        assert recording.trace(0).dtype == dtype


def test_others_read_the_file_with_plain_h5py(path: Path) -> None:
    stream(path, 0, [5, 6])
    with h5py.File(path) as file:
        assert (file.attrs["format"], file.attrs["version"]) == ("neurosparse-recording", 2)
        assert file["spikes/0"].dtype == np.uint16
        assert file["spikes/2"].dtype == np.int32  # 70,000 neurons
        assert file["counts"].shape == (11, 4)
        assert file["chunks"][:, 0].tolist() == [5, 11]


# ---------------------------------------------------------------------- killed and full


@contextlib.contextmanager
def started_child(path: Path, at_step: int, limit: int = 0) -> Iterator[subprocess.Popen[str]]:
    """Start a child that streams; it is gone after ``WAIT`` seconds, whatever it waits for."""
    command = [sys.executable, "-m", "tests.simulate.chunks", str(path), str(at_step), str(limit)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        guard = threading.Timer(WAIT, child.kill)
        guard.start()
        try:
            yield child
        finally:
            guard.cancel()
            child.kill()


def test_killed_again_and_again_and_resumed(path: Path) -> None:
    rng = random.Random(3)
    at_step = 5
    for _ in range(4):
        with started_child(path, at_step) as child:
            assert child.stdout is not None
            told = [int(child.stdout.readline())]
            time.sleep(rng.uniform(0, 0.1))  # anywhere in a chunk
            child.kill()
            rest, _ = child.communicate(timeout=WAIT)
        told += [int(line) for line in rest.split("\n")[:-1]]
        with Recording(path) as recording:
            stop = recording.start + recording.n_steps
            # what was told is there, and the chunk after it where the kill came just behind it
            assert stop in (told[-1], told[-1] + length(told[-1]))
            assert same(recording.read(), recorded(5, stop))
        at_step = rng.randint(at_step, stop)
    with StreamSink.resume(path, LAYOUT, at_step) as sink:
        sink.append(make_chunk(at_step, 3))
    with Recording(path) as recording:
        assert same(recording.read(), recorded(5, at_step + 3))
    assert [file.name for file in path.parent.iterdir()] == ["run.h5"]


@pytest.mark.parametrize("limit", [100_000, 500_000, 540_001, 600_000])
def test_a_full_disk(path: Path, limit: int) -> None:
    pytest.importorskip("resource", reason="no limits on files here")
    with started_child(path, 5, limit) as child:
        assert child.stdout is not None
        *told, said = child.stdout.read().splitlines()
        child.wait(WAIT)
    assert child.returncode == 0
    stop = int(told[-1]) if told else 5
    last = stop + length(stop) - 1
    assert said == (
        f"{path}: steps {stop} to {last} cannot be written: File too large; the file is readable "
        f"up to step {stop}, where StreamSink.resume continues it"
    )
    assert path.stat().st_size <= limit
    with Recording(path) as recording:
        assert recording.start + recording.n_steps == stop
        assert same(recording.read(), recorded(5, stop))
    with StreamSink.resume(path, LAYOUT, stop) as sink:
        sink.append(make_chunk(stop, 9))
    with Recording(path) as recording:
        assert same(recording.read(), recorded(5, stop + 9))


def test_no_room_for_the_first_byte(path: Path) -> None:
    with started_child(path, 5, 1000) as child:
        assert child.stdout is not None
        said = child.stdout.read()
    assert re.search("run.h5: cannot be created: .*File too large", said)
    assert not path.exists()


def test_a_failed_sink_takes_no_more(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = StreamSink(path, LAYOUT)
    sink.append(make_chunk(0, 4))

    def fail(*_: Any) -> None:
        raise OSError("error message = 'No space left on device', buf = 0x0")

    with monkeypatch.context() as patched:
        patched.setattr("neurosparse.simulate.stream.commit_row", fail)
        message = (
            "steps 4 to 5 cannot be written: No space left on device; "
            "the file is readable up to step 4"
        )
        with pytest.raises(StorageError, match=message):
            sink.append(make_chunk(4, 2))
    with pytest.raises(StorageError, match="closed; it is readable up to step 4"):
        sink.append(make_chunk(4, 2))
    sink.close()
    with Recording(path) as recording:
        assert same(recording.read(), recorded(0, 4))


def test_an_interrupted_chunk_can_be_written_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with StreamSink(path, LAYOUT) as sink:
        sink.append(make_chunk(0, 4))
        with monkeypatch.context() as patched:
            patched.setattr("neurosparse.simulate.stream.commit_row", interrupt)
            with contextlib.suppress(KeyboardInterrupt):
                sink.append(make_chunk(4, 30))
        sink.append(make_chunk(4, 2))
    with Recording(path) as recording:
        assert same(recording.read(), recorded(0, 6))


def test_a_torn_commit_does_not_count(path: Path) -> None:
    stream(path, 0, [4, 5])
    with h5py.File(path, "r+") as file:
        file["chunks"][1, -1] += 1
    with Recording(path) as recording:
        assert same(recording.read(), recorded(0, 4))
