"""Grids, their cells, and the keys by which results are found again."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.errors import ParameterError, StorageError
from neurosparse.sweep import Attack, Study

STUDY = Study(["static", "deep_r"], densities=[0.1, 0.05], seeds=[1, 0])


def test_a_cell_for_every_scheme_density_and_seed() -> None:
    cells = STUDY.cells()
    grid = {(cell.scheme, cell.density, cell.seed) for cell in cells}
    assert len(cells) == len(grid) == 8
    assert grid == {(c, d, s) for c in ("static", "deep_r") for d in (0.05, 0.1) for s in (0, 1)}
    assert [cell.seed for cell in cells] == [0] * 4 + [1] * 4  # every seed gives a whole picture


def test_doubles_are_one() -> None:
    study = Study(["static", "static"], [0.1, 0.1], [3, 3])
    assert len(study.cells()) == 1


CHANGES: dict[str, Any] = {
    "data": "mnist",
    "model": "ann",
    "epochs": 3,
    "batch_size": 7,
    "learning_rates": (1e-3, 1e-4),
    "l1": 0.5,
    "weight_decay": 0.5,
    "temperature": 1.0,
    "shift": 2,
    "valid_share": 0.2,
    "attack": Attack("fgsm", 0.1),
    "objective": "trades",
    "objective_steps": 3,
    "n_train": 100,
    "n_test": 50,
}


def test_every_setting_is_in_the_key() -> None:
    fields = {field.name for field in dataclasses.fields(Study)}
    assert fields - {"schemes", "densities", "seeds"} == set(CHANGES)
    keys = {cell.key for cell in STUDY.cells()}
    for name, value in CHANGES.items():
        change = {name: value} | ({"attack": Attack("pgd", 0.2)} if name == "objective" else {})
        others = {cell.key for cell in dataclasses.replace(STUDY, **change).cells()}
        assert len(others) == 8
        assert not keys & others, name
    assert not keys & {dataclasses.replace(cell, version="9").key for cell in STUDY.cells()}


def test_keys_are_those_of_another_process() -> None:
    code = (
        "from neurosparse.sweep import Study\n"
        "print(*[c.key for c in Study(['static', 'deep_r'], [.1, .05], [1, 0]).cells()])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [cell.key for cell in STUDY.cells()]


def test_keys_are_readable_and_names_of_files() -> None:
    key = STUDY.cells()[0].key
    assert key.startswith("static-d0.050000-s0000-")
    assert all(letter.isalnum() or letter in "._-" for letter in key)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({"l1": 0}, {"l1": 0.0}),
        ({"weight_decay": np.float32(0.5)}, {"weight_decay": 0.5}),
        ({"temperature": -0.0}, {"temperature": 0.0}),
        ({"valid_share": 0}, {"valid_share": 0.0}),
        ({"learning_rates": [1, np.float64(0.5)]}, {"learning_rates": (1.0, 0.5)}),
        ({"shift": np.int64(2), "epochs": np.int32(3)}, {"shift": 2, "epochs": 3}),
        ({"attack": Attack("pgd", np.float64(1), np.int64(4))}, {"attack": Attack("pgd", 1.0, 4)}),
    ],
)
def test_equal_studies_have_equal_keys(given: dict[str, Any], plain: dict[str, Any]) -> None:
    study, same = dataclasses.replace(STUDY, **given), dataclasses.replace(STUDY, **plain)
    assert study == same
    assert [cell.key for cell in study.cells()] == [cell.key for cell in same.cells()]


def test_keys_stay_what_they_were() -> None:
    """Cells that finished long ago are found by them; a new version of neurosparse may differ."""
    changes = {"l1": 0.02, "weight_decay": 1e-4, "shift": 1, "learning_rates": (0.01, 0.003)}
    (cell,) = Study(["static"], [0.1], [7], attack=Attack("pgd", 0.1), **changes).cells()
    assert dataclasses.replace(cell, version="0.1.0").key == "static-d0.100000-s0007-e66cc509b9"


def test_growth_is_no_difference() -> None:
    more = Study(["deep_r", "set", "static"], [0.2, 0.1, 0.05], [0, 1, 2], epochs=3)
    assert more.differences(STUDY) == ["epochs"]
    assert STUDY.differences(more) == ["schemes", "densities", "seeds", "epochs"]


def test_json_and_back() -> None:
    study = dataclasses.replace(STUDY, **CHANGES)
    again = Study.from_dict(json.loads(json.dumps(study.to_dict())))
    assert again == study
    assert [cell.key for cell in again.cells()] == [cell.key for cell in study.cells()]


@pytest.mark.parametrize("values", [{}, {"schemes": ["static"]}, {"nonsense": 1}, {"attack": 3}])
def test_not_a_study(values: Any) -> None:
    with pytest.raises(StorageError, match="study: not one"):
        Study.from_dict(values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schemes": ["guess"]}, "scheme: got 'guess'; allowed is static, deep_r"),
        ({"schemes": []}, "schemes: got"),
        ({"schemes": "static"}, "schemes: got 'static'; allowed is a list"),
        ({"densities": [0.1, 0]}, "density: got 0; allowed is 0 < value <= 1"),
        ({"densities": [1.5]}, "density: got 1.5"),
        ({"densities": [float("nan")]}, "density: got nan"),
        ({"seeds": [-1]}, "seed: got -1"),
        ({"seeds": [0.5]}, "seed: got 0.5"),
        ({"seeds": [2**63]}, "seed: got 9223372036854775808; allowed is a whole number, 0 to 9"),
        ({"model": "gnn"}, "model: got 'gnn'; allowed is 'snn' or 'ann'"),
        ({"epochs": 0}, "epochs: got 0"),
        ({"batch_size": 0}, "batch_size: got 0"),
        ({"n_train": -5}, "n_train: got -5"),
        ({"learning_rates": (0.1,)}, "learning_rates: got 1; expected two"),
        ({"learning_rates": (0.1, -1)}, "learning_rate: got -1"),
        ({"l1": -1.0}, "l1: got -1"),
        ({"weight_decay": -1.0}, "weight_decay: got -1"),
        ({"l1": "much"}, "l1: got 'much'; allowed is >= 0, finite"),
        ({"temperature": float("nan")}, "temperature: got nan"),
        ({"attack": "pgd"}, "attack: got 'pgd'; expected an Attack, as Attack('pgd', eps=0.1)"),
        ({"shift": -1}, "shift: got -1"),
        ({"valid_share": 1.0}, "valid_share: got 1.0"),
        ({"objective": "trades"}, "objective: needs attack"),
        ({"objective": "hope", "attack": Attack("pgd", 0.1)}, "objective: got 'hope'"),
    ],
)
def test_bad_input(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        dataclasses.replace(STUDY, **change)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mail", 0.1), "attack: got 'mail'"),
        (("pgd", 0.0), "eps: got 0.0"),
        (("pgd", 2.0), "eps: got 2.0"),
        (("pgd", 0.1, 0), "steps of pgd: got 0"),
        (("fgsm", 0.1, 5), "steps of fgsm: got 5; allowed is a whole number, 1 to 1"),
    ],
)
def test_bad_attacks(arguments: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Attack(*arguments)


def test_folders_of_data_are_known_by_their_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert dataclasses.replace(STUDY, data="mine").data == str(tmp_path / "mine")
    assert dataclasses.replace(STUDY, data="digits").data == "digits"
