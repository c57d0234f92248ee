"""Where data sets are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosparse.data import find_data
from neurosparse.data.places import data_folders
from neurosparse.errors import DataError


def test_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "connectomes" / "worm").mkdir(parents=True)
    monkeypatch.setenv("NEUROSPARSE_DATA", str(tmp_path))
    assert find_data("connectomes", "worm") == tmp_path / "connectomes" / "worm"


def test_beside_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shared" / "data" / "a-set").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("NEUROSPARSE_DATA", raising=False)
    assert find_data("a-set") == tmp_path / "shared" / "data" / "a-set"


def test_missing_data_say_where_was_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROSPARSE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"no/such: not found; looked for\n  - .*no") as error:
        find_data("no", "such")
    assert str(tmp_path / "no" / "such") in str(error.value)
    assert "set NEUROSPARSE_DATA" in str(error.value)


def test_a_folder_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same = tmp_path / "shared" / "data"
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("NEUROSPARSE_DATA", str(same))
    assert data_folders().count(same) == 1
    assert data_folders()[0] == same
