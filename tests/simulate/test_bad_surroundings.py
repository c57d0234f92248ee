"""Libraries that are missing and files that cannot be written: nothing is lost."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from neurosparse.errors import (
    BackendMissingError,
    ParameterError,
    StorageError,
)
from neurosparse.simulate import simulate
from tests.simulate.small_networks import FLOAT

WATCHED: dict[str, Any] = {"between": lambda _: None, "between_every": 1}


def test_progress_without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(BackendMissingError, match="progress: needs tqdm; pip install"):
        simulate(FLOAT, {}, 3, progress=True)
    assert simulate(FLOAT, {}, 3).n_steps == 3  # not asked for, not needed


def test_no_file_is_made_before_all_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    files = {"stream": tmp_path / "run.h5", "checkpoint": tmp_path / "state.npz"}
    with pytest.raises(BackendMissingError, match="progress: needs tqdm"):
        simulate(FLOAT, {}, 3, progress=True, **files)
    assert list(tmp_path.iterdir()) == []


def test_no_bar_over_a_run_that_does_not_begin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tqdm", reason="tqdm is not installed")
    pytest.importorskip("h5py", reason="h5py is not installed")
    (tmp_path / "run.h5").write_text("precious")
    with pytest.raises(StorageError, match=r"run\.h5: exists"):
        simulate(FLOAT, {}, 3, progress=True, stream=tmp_path / "run.h5")
    assert capsys.readouterr().err == ""


def test_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm", reason="tqdm is not installed")
    simulate(FLOAT, {}, 300, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.search(r"simulate: 100%.*300/300", shown.err)


def test_stream_without_h5py(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(BackendMissingError, match="need h5py, which is not installed"):
        simulate(FLOAT, {}, 3, stream=tmp_path / "run.h5")
    assert list(tmp_path.iterdir()) == []
    assert simulate(FLOAT, {}, 3).n_steps == 3


def test_stream_to_nowhere(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed")
    (tmp_path / "file").write_text("precious")
    with pytest.raises(StorageError, match=r"run\.h5: cannot be created"):
        simulate(FLOAT, {}, 3, stream=tmp_path / "file" / "run.h5")
    with pytest.raises(StorageError, match="file: exists; remove it"):
        simulate(FLOAT, {}, 3, stream=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "precious"


def test_a_stream_of_another_run_is_not_continued(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed")
    path = tmp_path / "run.h5"
    state = simulate(FLOAT, {}, 10, stream=path).state
    before = path.read_bytes()
    with pytest.raises(ParameterError, match=r"run\.h5: holds other populations, probes"):
        simulate(FLOAT, {}, 5, stream=path, state=state, record=["in"])
    later = dataclasses.replace(state, step=12)
    with pytest.raises(ParameterError, match=r"at_step: got 12; .* at steps 0 to 10"):
        simulate(FLOAT, {}, 5, stream=path, state=later)
    assert path.read_bytes() == before


def test_checkpoint_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(StorageError, match=r"state\.npz: cannot be written"):
        simulate(FLOAT, {}, 3, checkpoint=tmp_path / "file" / "state.npz")
    (tmp_path / "state.npz.network").mkdir()
    for path, hook in ((tmp_path, {}), (tmp_path / "state.npz", WATCHED)):
        with pytest.raises(StorageError, match="cannot be written: Is a directory"):
            simulate(FLOAT, {}, 3, checkpoint=path, **hook)


def test_a_checkpoint_to_nowhere_is_known_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    seen: list[int] = []
    with pytest.raises(StorageError, match=r"state\.npz: cannot be written"):
        simulate(
            FLOAT,
            {},
            3,
            checkpoint=tmp_path / "file" / "state.npz",
            stream=tmp_path / "run.h5",
            between=lambda moment: seen.append(moment.step),
            between_every=1,
        )
    assert seen == []
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_checkpoint_does_not_overwrite_the_recording(tmp_path: Path) -> None:
    message = "got .*; checkpoint writes to it as well"
    with pytest.raises(ParameterError, match=message):
        simulate(FLOAT, {}, 3, checkpoint=tmp_path / "a", stream=tmp_path / "b" / ".." / "a")
    path = tmp_path / "a.network"
    with pytest.raises(ParameterError, match=message):
        simulate(FLOAT, {}, 3, checkpoint=tmp_path / "a", stream=path, **WATCHED)
    assert list(tmp_path.iterdir()) == []
