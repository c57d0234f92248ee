"""A disk that is really full: what is complete stays readable, and the run goes on from there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from neurosparse.network import Network
from neurosparse.simulate import State
from tests.simulate.agreement import assert_same_state
from tests.simulate.chunks import LAYOUT, length, make_chunk, recorded, same
from tests.simulate.resumable import run

pytest.importorskip("h5py", reason="h5py is not installed")

from neurosparse.simulate.stream import Recording, StreamSink

ROOT = Path(__file__).parents[2]
WAIT = 120  # seconds, for a child that may have to compile the kernels first
# a small file system of the child's own; what is left on it is copied out before it goes away
ON_A_SMALL_DISK = """
mount -t tmpfs -o size="$1" none "$2" || exit 99
small=$2 out=$3
shift 3
"$@"
cp -a "$small/." "$out"
"""


def run_on_a_small_disk(tmp_path: Path, size: int, module: str, *args: str) -> tuple[Path, str]:
    """Run a module in the folder of a disk of ``size`` bytes; return what is left, what it said."""
    small, out = tmp_path / "small", tmp_path / "out"
    small.mkdir()
    out.mkdir()
    script = ["sh", "-c", ON_A_SMALL_DISK, "sh", str(size), str(small), str(out)]
    child = [sys.executable, "-m", module, *(arg.replace("DISK", str(small)) for arg in args)]
    try:
        done = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", *script, *child],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=WAIT,
        )
    except FileNotFoundError:
        pytest.skip("no unshare here, hence no small disk")
    if not done.stdout and ("unshare" in done.stderr or done.returncode == 99):
        pytest.skip("not allowed to mount a small disk here")
    assert done.returncode == 0, done.stderr
    return out, done.stdout


@pytest.mark.parametrize("size", [460_000, 540_000, 1_000_000])
def test_a_recording(tmp_path: Path, size: int) -> None:
    out, said = run_on_a_small_disk(
        tmp_path, size, "tests.simulate.chunks", "DISK/run.h5", "5", "0"
    )
    *told, error = said.splitlines()
    stop = int(told[-1]) if told else 5
    assert f"steps {stop} to {stop + length(stop) - 1} cannot be written: No space left" in error
    assert f"the file is readable up to step {stop}" in error
    assert [file.name for file in out.iterdir()] == ["run.h5"]
    with Recording(out / "run.h5") as recording:
        assert recording.start + recording.n_steps == stop
        assert same(recording.read(), recorded(5, stop))
    with StreamSink.resume(out / "run.h5", LAYOUT, stop) as sink:
        sink.append(make_chunk(stop, 9))
    with Recording(out / "run.h5") as recording:
        assert same(recording.read(), recorded(5, stop + 9))


@pytest.mark.parametrize("size", [500_000, 620_000])
def test_a_run_with_stream_and_checkpoint(tmp_path: Path, size: int) -> None:
    out, said = run_on_a_small_disk(tmp_path, size, "tests.simulate.resumable", "DISK")
    *told, error = said.splitlines()
    assert "No space left on device" in error
    names = sorted(file.name for file in out.iterdir())
    assert names == ["run.h5", "state.npz", "state.npz.network"]
    state, network = State.load(out / "state.npz"), Network.load(out / "state.npz.network")
    with Recording(out / "run.h5") as recording:
        kept, read = recording.n_steps, recording.read()
    assert kept >= max(int(told[-1]), state.step)
    whole = run(kept + 20)
    assert read.spikes == {name: s.window(0, kept) for name, s in whole.spikes.items()}
    more = kept + 20 - state.step
    done = run(more, state=state, of=network, stream=out / "run.h5")
    assert_same_state(done.state, whole.state)
    with Recording(out / "run.h5") as recording:
        assert recording.read().spikes == whole.spikes
