"""Checkpoints: equal after loading, or one clear error; nothing is executed."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurosparse.errors import StorageError
from neurosparse.train import load_checkpoint, save_checkpoint

STATE: dict[str, Any] = {
    "weights": torch.linspace(0, 1, 300),
    "keys": torch.arange(5),
    "note": "text",
    "history": [{"epoch": 1, "loss": 0.5}],
    "none": None,
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "run.pt"
    save_checkpoint(path, STATE)
    return path


def assert_is_state(loaded: dict[str, Any]) -> None:
    for name, value in STATE.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(loaded[name], value)
        else:
            assert loaded[name] == value


def test_loaded_equals_saved(saved: Path) -> None:
    assert_is_state(load_checkpoint(saved))
    assert [path.name for path in saved.parent.iterdir()] == ["run.pt"]


def test_every_truncation_is_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in {0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 1}:
        saved.write_bytes(whole[:length])
        with pytest.raises(StorageError, match=r"run\.pt: not a readable checkpoint"):
            load_checkpoint(saved)


def test_an_altered_byte_is_found_or_harmless(saved: Path) -> None:
    """Check sums cover every tensor; a byte of padding may change without harm."""
    whole = saved.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for at in rng.integers(0, len(whole), 300):
        altered = bytearray(whole)
        altered[at] ^= 1 << int(rng.integers(8))
        saved.write_bytes(altered)
        try:
            loaded = load_checkpoint(saved)
        except StorageError:
            refused += 1
        else:
            assert_is_state(loaded)
    assert refused > 100


def test_an_altered_weight_is_found(saved: Path) -> None:
    whole = saved.read_bytes()
    at = whole.index(STATE["weights"].numpy().tobytes()) + 400
    saved.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with pytest.raises(StorageError, match=r"not a readable checkpoint .* check sum of"):
        load_checkpoint(saved)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none\.pt: no such checkpoint"):
        load_checkpoint(tmp_path / "none.pt")


def test_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "foreign.pt"
    path.write_text("weights = 1\n")
    with pytest.raises(StorageError, match="not a readable checkpoint"):
        load_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(StorageError, match="not a readable checkpoint"):
        load_checkpoint(path)
    torch.save({"weights": torch.ones(3)}, path)
    with pytest.raises(StorageError, match="not a neurosparse checkpoint"):
        load_checkpoint(path)
    torch.save(torch.ones(3), path)
    with pytest.raises(StorageError, match="not a neurosparse checkpoint"):
        load_checkpoint(path)
    torch.save({"format": "neurosparse-checkpoint", "version": 99}, path)
    with pytest.raises(StorageError, match="checkpoint version 99; this neurosparse reads 1"):
        load_checkpoint(path)


class Trap:
    """Would create a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    path, sprung = tmp_path / "trap.pt", tmp_path / "sprung"
    torch.save({"format": "neurosparse-checkpoint", "version": 1, "trap": Trap(sprung)}, path)
    with pytest.raises(StorageError, match="not a readable checkpoint"):
        load_checkpoint(path)
    path.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(StorageError, match="not a readable checkpoint"):
        load_checkpoint(path)
    assert not sprung.exists()


def test_a_failed_write_leaves_the_old_file(saved: Path) -> None:
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        save_checkpoint(saved, {"weights": lambda: 0})
    assert_is_state(load_checkpoint(saved))
    assert [path.name for path in saved.parent.iterdir()] == ["run.pt"]
