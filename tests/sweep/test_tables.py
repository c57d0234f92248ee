"""Tables do not depend on the order of cells, and CSV and Parquet say the same."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

import pyarrow as pa
from pyarrow import parquet

from neurosparse.sweep import EPOCH_COLUMNS, RESULT_COLUMNS, Study, write_tables
from neurosparse.sweep.summary import SUMMARY_COLUMNS, by_scheme, spread, summary_table
from tests.conftest import ROOT
from tests.sweep.tasks import instant


@pytest.fixture
def rows(small_study: Study) -> list[dict[str, object]]:
    return [instant(cell) for cell in small_study.cells()]


def test_the_order_of_cells_does_not_matter(rows: list[dict[str, object]], tmp_path: Path) -> None:
    written = write_tables(rows, tmp_path / "a")
    write_tables(rows[::-1], tmp_path / "b")
    assert [path.name for path in written] == [
        "results.parquet",
        "results.csv",
        "epochs.parquet",
        "epochs.csv",
    ]
    for path in written:
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_csv_and_parquet_hold_the_same(rows: list[dict[str, object]], tmp_path: Path) -> None:
    write_tables(rows, tmp_path)
    for name, columns, n_rows in (("results", RESULT_COLUMNS, 8), ("epochs", EPOCH_COLUMNS, 64)):
        table = parquet.read_table(tmp_path / f"{name}.parquet")
        assert table.column_names == [column.name for column in columns]
        kinds = {"text": pa.string(), "whole": pa.int64(), "number": pa.float64()}
        assert [field.type for field in table.schema] == [kinds[c.kind] for c in columns]
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            lines = list(csv.DictReader(file))
        assert len(lines) == table.num_rows == n_rows
        for line, row in zip(lines, table.to_pylist(), strict=True):
            assert line == {key: "" if value is None else str(value) for key, value in row.items()}


def test_no_cell_yet(tmp_path: Path) -> None:
    write_tables([], tmp_path)
    assert parquet.read_table(tmp_path / "results.parquet").num_rows == 0
    assert (tmp_path / "results.csv").read_text().startswith("key,scheme,density,seed,")


def test_every_column_is_documented() -> None:
    page = (ROOT / "docs" / "sweep.md").read_text()
    for column in (*RESULT_COLUMNS, *EPOCH_COLUMNS):
        assert f"| `{column.name}` | {column.what} |" in page, column.name


def test_summary_is_over_seeds(small_study: Study) -> None:
    rows = [instant(cell) for cell in dataclasses.replace(small_study, seeds=[0, 1, 2]).cells()]
    lines = [dict(zip(SUMMARY_COLUMNS, line, strict=True)) for line in summary_table(rows)]
    assert [(line["scheme"], line["density"]) for line in lines] == [
        ("static", "5 %"),
        ("static", "20 %"),
        ("deep_r", "5 %"),
        ("deep_r", "20 %"),
    ]
    # 0.9 + 0.2 * 0.05 - 0.05 * seed
    assert (lines[2]["test accuracy"], lines[2]["range"]) == ("86.00 %", "81.00 to 91.00")
    assert (lines[2]["seeds"], lines[2]["under attack"], lines[2]["effective"]) == ("3", "-", "91")


@pytest.mark.parametrize(
    ("joule", "text"),
    [
        (0.0, "0 nJ"),
        (8.74e-9, "8.74 nJ"),
        (999.4e-9, "999 nJ"),
        (999.6e-9, "1 uJ"),
        (1.22e-6, "1.22 uJ"),
        (0.0456, "45.6 mJ"),
        (7.0, "7 J"),
    ],
)
def test_energy_has_the_unit_of_its_size(
    rows: list[dict[str, object]], joule: float, text: str
) -> None:
    line = summary_table([{**row, "energy_joule": joule} for row in rows])[0]
    assert line[SUMMARY_COLUMNS.index("energy")] == text


def test_the_largest_seed_fits_a_column(small_study: Study, tmp_path: Path) -> None:
    study = dataclasses.replace(small_study, seeds=[2**63 - 1])
    rows = [{**instant(cell), "effective_synapses": 90} for cell in study.cells()]
    write_tables(rows, tmp_path)
    column = parquet.read_table(tmp_path / "results.parquet")["seed"].to_pylist()
    assert column == [2**63 - 1] * 4


def test_schemes_come_in_the_order_of_the_catalogue(rows: list[dict[str, object]]) -> None:
    own = {**rows[0], "scheme": "mine"}
    assert list(by_scheme([own, *rows[::-1]])) == ["static", "deep_r", "mine"]


def test_the_mean_lies_in_its_range() -> None:
    found = spread([{"x": 0.1}] * 3, "x")
    assert found is not None
    assert found.low == found.mean == found.high == 0.1
    assert spread([{"x": None}], "x") is None
