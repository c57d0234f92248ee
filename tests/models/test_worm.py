"""The worm's nervous system."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurosparse.errors import DataError, ParameterError
from neurosparse.models import Model, c_elegans
from neurosparse.models.worm import GABAERGIC
from neurosparse.simulate import simulate

# one neuron per group and one GABAergic; muscles have columns only
MATRIX = """\ufeff,I1L,ASIL,AINL,URADL,DD01,muscle
I1L,,,,,,
ASIL,,,5,,,
AINL,,,,7,2,
URADL,1,,,,,9
DD01,,,,4,,3
"""


def write(folder: Path, matrix: str = MATRIX) -> Path:
    (folder / "herm_chem_adj.csv").write_text(matrix, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def worm(data_dir: Path) -> Model:
    return c_elegans(data_dir / "connectomes" / "c-elegans", rng=np.random.default_rng(4))


def test_whole_worm(worm: Model) -> None:
    sizes = {name: population.size for name, population in worm.network.populations.items()}
    assert sizes == {"pharynx": 20, "sensory": 83, "inter": 81, "motor": 116}
    assert worm.labels["inter"][0] == "AINL"
    assert worm.labels["motor"][-1] == "VC06"
    assert worm.network.n_synapses == 3707


def test_gabaergic_neurons_are_inhibitory_and_no_others(worm: Model) -> None:
    names = [name for members in worm.labels.values() for name in members]
    assert sum(GABAERGIC.fullmatch(name) is not None for name in names) == 26
    for projection in worm.network.projections:
        weights = projection.synapses.weights
        sources = np.array(worm.labels[projection.source])[projection.synapses.indices]
        expected = [GABAERGIC.fullmatch(name) is not None for name in sources]
        np.testing.assert_array_equal(weights < 0, expected)


def test_worm_answers_its_input(worm: Model, rng: np.random.Generator) -> None:
    run = simulate(worm.network, worm.inputs, worm.steps(500), state=worm.state, rng=rng)
    rates = {name: s.n_spikes / s.n_neurons / 0.5 for name, s in run.spikes.items()}
    assert 35 < rates["sensory"] < 60
    assert 0 < rates["motor"] < rates["inter"] < 40


def test_small_worm(tmp_path: Path, rng: np.random.Generator) -> None:
    model = c_elegans(write(tmp_path), rng=rng)
    assert model.labels["motor"] == ("URADL", "DD01")
    edges = {}
    for p in model.network.projections:
        for post, pre, weight in zip(
            p.synapses.post, p.synapses.indices, p.synapses.weights, strict=True
        ):
            edges[model.labels[p.source][pre], model.labels[p.target][post]] = float(weight)
    unit = edges["URADL", "I1L"]
    assert edges == pytest.approx(
        {
            ("ASIL", "AINL"): 5 * unit,
            ("AINL", "URADL"): 7 * unit,
            ("AINL", "DD01"): 2 * unit,
            ("URADL", "I1L"): unit,
            ("DD01", "URADL"): -4 * unit,
        }
    )


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ("", r"not the worm's connectome \(ValueError"),
        (MATRIX.replace("5", "five"), r"not the worm's connectome \(ValueError"),
        (MATRIX.replace("5", "-5"), r"sizes of connections must be finite numbers >= 0"),
        (MATRIX.replace("DD01,,,,4", "X,,,,4"), r"'X' is not in list"),
        (MATRIX[: MATRIX.index("URADL,1")] + "URADL,1", r"not the worm's connectome \(IndexError"),
        (MATRIX.replace("AINL", "ABCD"), r"rows .*; expected a folder with herm_chem_adj\.csv"),
    ],
)
def test_damaged_files_are_named(
    matrix: str, message: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    with pytest.raises(DataError, match=message):
        c_elegans(write(tmp_path, matrix), rng=rng)


def test_missing_folder_is_named(tmp_path: Path, rng: np.random.Generator) -> None:
    with pytest.raises(DataError, match=r"expected a folder with herm_chem_adj\.csv"):
        c_elegans(tmp_path / "nowhere", rng=rng)


def test_arguments_are_checked(tmp_path: Path, rng: np.random.Generator) -> None:
    with pytest.raises(ParameterError, match=r"rate_hz: got nan; allowed is >= 0, finite"):
        c_elegans(write(tmp_path), rng=rng, rate_hz=float("nan"))
