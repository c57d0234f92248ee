"""Figures: the ones that were asked for, whatever the grid looks like."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from neurosparse.sparsify import CATALOGUE
from neurosparse.sweep import Attack, Row, Study
from neurosparse.sweep.figures import draw_figures, page_shows, write_figures
from neurosparse.sweep.figures.by_density import hill_figure
from neurosparse.sweep.figures.over_epochs import turnover_figure
from neurosparse.sweep.figures.page import render_page
from neurosparse.sweep.figures.style import by_error, looks_of
from tests.sweep.tasks import instant


def rows_of(study: Study, **changes: Any) -> list[Row]:
    return [{**instant(cell), **changes} for cell in study.cells()]


def test_all_of_them_are_written(small_study: Study, tmp_path: Path) -> None:
    rows = rows_of(dataclasses.replace(small_study, attack=Attack("pgd", 0.1)))
    written = {path.relative_to(tmp_path).as_posix() for path in write_figures(rows, tmp_path)}
    names = ("occams_hill", "events", "energy", "robustness", "effective", "r_s", "turnover")
    names += ("layer_densities_5", "layer_densities_20")  # type: ignore[assignment]
    assert written == {f"figures/{n}.{form}" for n in names for form in ("png", "svg")} | {
        "index.html"
    }
    for name in names:
        assert (tmp_path / "figures" / f"{name}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert ET.parse(tmp_path / "figures" / f"{name}.svg").getroot().tag.endswith("svg")


def test_a_page_knows_what_it_shows(small_study: Study, tmp_path: Path) -> None:
    rows = rows_of(dataclasses.replace(small_study, densities=[0.1]))
    assert not page_shows(rows, tmp_path)
    write_figures(rows[:-1], tmp_path)
    assert page_shows(rows[-2::-1], tmp_path)
    assert not page_shows(rows, tmp_path)
    write_figures(rows, tmp_path)
    assert page_shows(rows, tmp_path)
    assert not page_shows([*rows[:-1], {**rows[-1], "test_accuracy": 0.1}], tmp_path)
    (tmp_path / "figures" / "r_s.svg").unlink()
    assert not page_shows(rows, tmp_path)


def test_the_same_rows_give_the_same_bytes(small_study: Study) -> None:
    rows = rows_of(small_study)
    assert turnover_figure(rows) == turnover_figure(rows)
    assert hill_figure(rows) == hill_figure(rows[::-1])


def test_schemes_are_named_in_the_picture(small_study: Study) -> None:
    hill = hill_figure(rows_of(small_study))
    assert hill.name == "occams_hill"
    for word in (b"static", b"deep_r", b"test error"):
        assert word in hill.svg
    assert "2 seeds" in hill.caption


@pytest.mark.parametrize(
    "changes",
    [
        {"dropped": 0},  # nothing ever moved
        {"test_accuracy": 1.0},  # no error to put on a logarithmic scale
        {"test_accuracy": 0.0, "robust_accuracy": 0.0, "attack": "fgsm"},
        {"model": "ann", "synaptic_events": 0.0},
        {"synapses": 0, "effective_synapses": 0},  # all of them lost
    ],
)
def test_odd_results_can_be_drawn(small_study: Study, changes: dict[str, Any]) -> None:
    study = dataclasses.replace(small_study, densities=[1.0], seeds=[0])
    figures = draw_figures(rows_of(study, **changes))
    assert ("turnover" in {figure.name for figure in figures}) == ("dropped" not in changes)


def test_looks_differ() -> None:
    looks = looks_of([*CATALOGUE, *(f"mine{n}" for n in range(40))])
    assert len(set(looks.values())) == len(looks)


def test_colours_come_again_with_other_dashes() -> None:
    looks = list(looks_of(CATALOGUE).values())
    assert len({(look.colour, look.dashes) for look in looks}) == len(looks)


@pytest.mark.parametrize(
    ("accuracies", "triple"),
    [
        ([60.0, 96.0, 99.0], [96.0, 98.0, 99.0]),  # errors of 4, 2 and 1 %
        ([96.0, 99.0], [96.0, 97.0, 98.0]),  # too close for another scale than the usual
        ([96.0, 100.0], [96.0, 97.0, 98.0]),  # an error of 0 has no logarithm
    ],
)
def test_accuracies_stand_apart_by_error(accuracies: list[float], triple: list[float]) -> None:
    axes = Figure().subplots()
    axes.set_ylim(50, 100)
    by_error(axes, accuracies)
    low, middle, high = axes.transData.transform([(0, accuracy) for accuracy in triple])[:, 1]
    assert high - middle == pytest.approx(middle - low)
    assert middle > low


def test_the_page_escapes_what_came_from_outside(small_study: Study) -> None:
    rows = rows_of(small_study, data="<script>alert(1)</script>")
    page = render_page(rows, [hill_figure(rows)])
    assert "<script" not in page
    assert page.count("<figure>") == 1
    assert "results.csv" in page
