"""Streamed files that are damaged or foreign, and streams that are used wrongly."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurosparse.errors import (
    BackendMissingError,
    ParameterError,
    StorageError,
    TopologyError,
)
from neurosparse.simulate.recording import Layout
from tests.simulate.chunks import LAYOUT, Looks, make_chunk, recorded, same, stream

h5py = pytest.importorskip("h5py", reason="h5py is not installed")

from neurosparse.simulate.stream import Recording, StreamSink  # noqa: E402


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.h5"


# ---------------------------------------------------------------------- bad files


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _killed_and_truncated(path: Path) -> None:
    path.unlink()
    sink = StreamSink(path, LAYOUT)
    sink.append(make_chunk(0, 90))
    left = path.read_bytes()
    sink.close()
    path.write_bytes(left[:-100])


def _half(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _head_only(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:520])


def _no_hdf5(path: Path) -> None:
    path.write_bytes(b"hello" * 1000)


def _foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = 1


def _other_version(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = 3


def _without(name: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            file.move(name, "elsewhere")

    return change


def _no_layout(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["layout"] = "{"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncate, r"truncated: \d+ bytes, but \d+ had been written"),
        (_killed_and_truncated, r"truncated: \d+ bytes, but \d+ had been written"),
        (_half, r"truncated: \d+ bytes, but \d+ had been written"),
        (_head_only, "not a neurosparse recording, or a truncated one"),
        (_no_hdf5, "not a neurosparse recording"),
        (_foreign, "not a neurosparse recording"),
        (_other_version, "format version 3; this neurosparse reads 2"),
        (_no_layout, "not a readable recording"),
        (_without("chunks"), "not a readable recording"),
        (Path.unlink, "no such file"),
    ],
)
def test_bad_files_are_named(path: Path, damage: Callable[[Path], None], message: str) -> None:
    stream(path, 0, [40, 50])
    damage(path)
    with pytest.raises(StorageError, match=f"run.h5: ({message})"):
        Recording(path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("counts", lambda d: d.resize(3, axis=0), "altered: counts end at step 3"),
        (
            "counts",
            lambda d: d.__setitem__((39, 2), 77),
            "altered: counts and spikes of 'I/2' differ",
        ),
        ("spikes/1", lambda d: d.__setitem__(0, 60_000), "neurons: 1 entries outside 0..49"),
        ("spikes/1", lambda d: d.resize(3, axis=0), "not a readable recording"),
        ("traces/0", lambda d: d.resize(1, axis=0), "altered: trace 0 is too short"),
    ],
)
def test_altered_files_are_named(
    path: Path, name: str, change: Callable[[Any], None], message: str
) -> None:
    stream(path, 0, [40, 50])
    with h5py.File(path, "r+") as file:
        change(file[name])
    with Recording(path) as recording, pytest.raises(StorageError, match=f"run.h5.*{message}"):
        recording.read()


# ---------------------------------------------------------------------- bad use


def test_an_existing_file_is_not_overwritten(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(StorageError, match=r"run\.h5: exists; remove it"):
        StreamSink(path, LAYOUT)
    assert path.read_text() == "precious"


def test_resuming_elsewhere_or_otherwise(path: Path) -> None:
    stream(path, 10, [4, 5])
    with pytest.raises(ParameterError, match=r"at_step: got 20; .* at steps 10 to 19"):
        StreamSink.resume(path, LAYOUT, 20)
    with pytest.raises(ParameterError, match="at_step: got 9"):
        StreamSink.resume(path, LAYOUT, 9)
    turned = dict(reversed(list(LAYOUT.sizes.items())))
    with pytest.raises(ParameterError, match="holds other populations"):
        StreamSink.resume(path, Layout(turned, LAYOUT.recorded, LAYOUT.probes), 10)
    with pytest.raises(StorageError, match="no such file"):
        StreamSink.resume(path.with_name("absent"), LAYOUT, 0)
    with Recording(path) as recording:
        assert same(recording.read(), recorded(10, 19))


def test_a_failed_copy_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream(path, 0, [4, 5])

    def fail(*_: Any) -> None:
        raise OSError("disk on fire")

    monkeypatch.setattr("neurosparse.simulate.stream.commit_row", fail)
    message = r"run\.h5: left as it is; its copy failed: .* cannot be written: disk on fire"
    with pytest.raises(StorageError, match=message):
        StreamSink.resume(path, LAYOUT, 6)
    assert [file.name for file in path.parent.iterdir()] == ["run.h5"]
    with Recording(path) as recording:
        assert same(recording.read(), recorded(0, 9))


def test_what_a_killed_process_left_of_its_copy_is_in_nobodys_way(path: Path) -> None:
    stream(path, 0, [4, 5])
    left = path.with_name(".run.h5.new")
    left.write_bytes(path.read_bytes()[:3000])
    with Recording(path) as recording:
        assert same(recording.read(), recorded(0, 9))
    with StreamSink.resume(path, LAYOUT, 6) as sink:
        sink.append(make_chunk(6, 2))
    with Recording(path) as recording:
        assert same(recording.read(), recorded(0, 8))
    left.write_bytes(b"")
    stream(path, 0, [4])
    assert [file.name for file in path.parent.iterdir()] == ["run.h5"]


def test_bad_questions_are_named(path: Path) -> None:
    stream(path, 0, [4])
    with Recording(path) as recording:
        with pytest.raises(TopologyError, match="no population 'silent' was recorded; there are"):
            recording.spikes("silent")
        with pytest.raises(TopologyError, match="counts: no population 'X'"):
            recording.counts("X")
        with pytest.raises(ParameterError, match="stop: got 5; allowed is a whole number, 0 to 4"):
            recording.spikes("E", 0, 5)
        with pytest.raises(ParameterError, match="start: got 3"):
            recording.counts("E", 3, 2)
        with pytest.raises(ParameterError, match="probe: got 3"):
            recording.trace(3)
        with pytest.raises(ParameterError, match=r"probe: .*every=8.* was not recorded"):
            recording.trace(Looks("E", every=8))
        for probe, shown in ((None, "None"), ("E", "'E'"), (Looks, "the class Looks"), ([], "a l")):
            with pytest.raises(ParameterError, match=f"probe: got {shown}.*; expected a Probe or"):
                recording.trace(probe)
    with pytest.raises(StorageError, match=r"run\.h5: was closed; open it again"):
        recording.counts("E")
    message = "chunk: starts at step 8; expected step 7"
    with (
        StreamSink(path.with_name("b.h5"), LAYOUT, 7) as sink,
        pytest.raises(ParameterError, match=message),
    ):
        sink.append(make_chunk(8, 1))


def test_without_h5py(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    message = r"need h5py, which is not installed; pip install 'neurosparse\[simulate\]'"
    with pytest.raises(BackendMissingError, match=message):
        StreamSink(path, LAYOUT)
    with pytest.raises(BackendMissingError, match=message):
        Recording(path)
