"""Libraries that are missing and files that cannot be written: nothing is lost."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path

import pytest

from neurosparse.errors import (
    BackendMissingError,
    ParameterError,
    StorageError,
)
from neurosparse.simulate import simulate
from tests.simulate.small_networks import FLOAT


def test_progress_without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(BackendMissingError, match="progress: needs tqdm; pip install"):
        simulate(FLOAT, {}, 3, progress=True)
    assert simulate(FLOAT, {}, 3).n_steps == 3  # not asked for, not needed


def test_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm", reason="tqdm is not installed")
    simulate(FLOAT, {}, 300, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.search(r"simulate: 100%.*300/300", shown.err)


def test_stream_without_h5py(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(BackendMissingError, match="needs h5py, which is not installed"):
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
