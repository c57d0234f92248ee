"""Runs that save themselves: stopped or killed, they are resumed to the identical result."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.errors import StorageError
from neurosparse.network import Network
from neurosparse.simulate import Moment, Recording, Run, State
from tests.simulate.agreement import assert_same_run, assert_same_state, joined
from tests.simulate.resumable import PROBES, SAVE_EVERY, network, rewire, run

ROOT = Path(__file__).parents[2]
WAIT = 120  # seconds, for a child that may have to compile the kernels first


class Stopped(Exception):
    """Raised by a hook, as an interrupt would be."""


@pytest.fixture(scope="module")
def whole() -> Run:
    done = run(60)
    assert 0.02 < done.spikes["E"].raster().mean() < 0.3  # alive
    return done


def assert_recorded(path: Path, whole: Run) -> None:
    """A file holds exactly the run."""
    with Recording(path) as recording:
        assert (recording.start, recording.n_steps) == (0, whole.n_steps)
        read = recording.read()
    assert read.spikes == whole.spikes
    for name, counts in whole.counts.items():
        np.testing.assert_array_equal(read.counts[name], counts)
    for probe, trace in zip(PROBES, read.traces, strict=True):
        np.testing.assert_array_equal(trace, whole.traces[probe])


@pytest.mark.parametrize("every", [None, 1, 7, 60, 100])
def test_saving_changes_nothing(tmp_path: Path, whole: Run, every: int | None) -> None:
    path = tmp_path / "state.npz"
    done = run(60, checkpoint=path, checkpoint_every=every)
    assert_same_run(whole, done)
    assert_same_state(State.load(path), whole.state)
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]


@pytest.mark.parametrize("threads", [1, 2])
def test_stopped_and_resumed(tmp_path: Path, whole: Run, threads: int) -> None:
    path = tmp_path / "state.npz"

    def stop(moment: Moment) -> None:
        if moment.step == 34:
            raise Stopped

    with pytest.raises(Stopped):
        run(
            60,
            checkpoint=path,
            checkpoint_every=SAVE_EVERY,
            between=stop,
            between_every=17,
            threads=threads,
        )
    state = State.load(path)
    assert state.step == 30
    assert_same_run(whole, joined([run(30), run(30, state=state, threads=3 - threads)]))


def test_it_is_saved_at_the_same_steps_however_a_run_is_cut(tmp_path: Path) -> None:
    path, first = tmp_path / "state.npz", run(24)
    saved: list[int] = []

    def look(_: Moment) -> None:
        if path.exists():
            saved.append(State.load(path).step)

    run(
        20,
        state=first.state,
        checkpoint=path,
        checkpoint_every=SAVE_EVERY,
        between=look,
        between_every=1,
    )
    assert saved == [30] * 10 + [40] * 4
    assert State.load(path).step == 44


@pytest.mark.parametrize("failing", [Network, State])
def test_no_room_for_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: type
) -> None:
    """State and network of the last checkpoint stay, as a pair; nothing half-written does."""
    path, hook = tmp_path / "state.npz", {"between": rewire, "between_every": 5}
    run(30, checkpoint=path, **hook)
    state, network = State.load(path), Network.load(tmp_path / "state.npz.network")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(failing, "save", full)
        message = r"state\.npz: cannot be written: No space left on device"
        with pytest.raises(StorageError, match=message):
            run(30, state=state, of=network, checkpoint=path, checkpoint_every=SAVE_EVERY, **hook)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["state.npz", "state.npz.network"]
    assert State.load(path) == state
    assert Network.load(tmp_path / "state.npz.network") == network


def test_a_rewired_run_is_resumed_with_its_network(tmp_path: Path) -> None:
    path, hook = tmp_path / "state.npz", {"between": rewire, "between_every": 5}
    whole = run(60, **hook)
    assert whole.network != network()
    first = run(40, checkpoint=path, checkpoint_every=SAVE_EVERY, **hook)
    saved = Network.load(tmp_path / "state.npz.network")
    assert saved == first.network
    second = run(20, state=State.load(path), of=saved, **hook)
    assert second.network == whole.network
    assert_same_run(whole, joined([first, second]))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["state.npz", "state.npz.network"]


def test_the_network_is_saved_with_the_state_of_the_same_step(tmp_path: Path) -> None:
    """Where rewiring and saving fall on one step, the network saved is the new one."""
    path, seen = tmp_path / "state.npz", {}

    def remember(moment: Moment) -> Any:
        seen[moment.step] = moment.network.with_synapses(rewire(moment))
        if moment.step == 30:
            raise Stopped
        return rewire(moment)

    with pytest.raises(Stopped):
        run(60, checkpoint=path, checkpoint_every=5, between=remember, between_every=5)
    assert State.load(path).step == 25
    assert Network.load(tmp_path / "state.npz.network") == seen[25]


def test_a_stream_is_continued_from_a_checkpoint(tmp_path: Path, whole: Run) -> None:
    """What was streamed after the checkpoint is dropped and comes again."""
    stream, path = tmp_path / "run.h5", tmp_path / "state.npz"

    def stop(moment: Moment) -> None:
        if moment.step == 44:
            raise Stopped

    with pytest.raises(Stopped):
        run(
            60,
            stream=stream,
            checkpoint=path,
            checkpoint_every=SAVE_EVERY,
            between=stop,
            between_every=11,
        )
    with Recording(stream) as recording:
        assert recording.n_steps == 44
    state = State.load(path)
    assert state.step == 40
    done = run(20, stream=stream, state=state)
    assert_same_state(done.state, whole.state)
    assert_recorded(stream, whole)


def test_a_new_run_does_not_overwrite_a_recording(tmp_path: Path) -> None:
    stream = tmp_path / "run.h5"
    run(5, stream=stream)
    before = stream.read_bytes()
    with pytest.raises(StorageError, match=r"run\.h5: exists; remove it"):
        run(5, stream=stream)
    assert stream.read_bytes() == before


def test_killed_while_streaming(tmp_path: Path) -> None:
    """SIGKILL anywhere: readable to the last chunk, and resumed to the identical result."""
    command = [sys.executable, "-m", "tests.simulate.resumable", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        guard = threading.Timer(WAIT, child.kill)
        guard.start()
        try:
            assert child.stdout is not None
            told = 0
            while told < 50 and (line := child.stdout.readline()):
                told = int(line)
            assert told >= 50, f"told of step {told} in {WAIT} seconds"
        finally:
            child.kill()
            guard.cancel()
    assert child.returncode == -signal.SIGKILL
    state = State.load(tmp_path / "state.npz")
    with Recording(tmp_path / "run.h5") as recording:
        kept = recording.n_steps
        read = recording.read()
    assert kept >= max(told, state.step)
    whole = run(kept + 20)
    assert read.spikes == {name: s.window(0, kept) for name, s in whole.spikes.items()}
    done = run(kept + 20 - state.step, state=state, stream=tmp_path / "run.h5")
    assert_same_state(done.state, whole.state)
    assert_recorded(tmp_path / "run.h5", whole)
