from __future__ import annotations

import dataclasses
import io
import itertools

import numpy as np
import pytest
from matplotlib.image import imread

from neurosparse.report import MainJob, ReportFigure, draw_figures
from neurosparse.report.figures import FIGURE_NAMES


@pytest.fixture(scope="module")
def figures(differing_job: MainJob) -> dict[str, ReportFigure]:
    return draw_figures(differing_job)


def test_there_is_every_figure(figures: dict[str, ReportFigure]) -> None:
    assert tuple(figures) == FIGURE_NAMES


@pytest.mark.parametrize("name", FIGURE_NAMES)
def test_figures_are_pictures_with_something_on_them(
    figures: dict[str, ReportFigure], name: str
) -> None:
    figure = figures[name]
    picture = imread(io.BytesIO(figure.png), format="png")
    height, width = picture.shape[:2]
    assert width == 1600
    assert 400 < height < 1600
    ink = np.any(picture[..., :3] < 0.9, axis=-1)
    assert 0.005 < ink.mean() < 0.9
    # nothing was cut off: the outermost pixels are white
    frame = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
    assert not frame.any()
    assert figure.title in figure.alt
    assert figure.caption.endswith(".")


def test_no_two_are_the_same(figures: dict[str, ReportFigure]) -> None:
    for one, other in itertools.combinations(figures.values(), 2):
        assert one.png != other.png


def test_titles_state_what_was_found(
    figures: dict[str, ReportFigure], differing_job: MainJob
) -> None:
    compared = sum(o.check.spikes.n_compared for o in differing_job.lava.values())
    assert figures["lava"].title == f"1 of {compared:,} spikes differ between neurosparse and Lava"
    assert figures["cost"].title.startswith("Sparse SNN: 10\N{NO-BREAK SPACE}% of the dense ANN's")
    assert "every layer kept its budget" in figures["wiring"].title


def test_a_misread_sample_says_so(job: MainJob) -> None:
    wrong = dataclasses.replace(job, sample_prediction=(job.sample_label + 1) % 10)
    assert f"misread as {wrong.sample_prediction}" in draw_figures(wrong)["raster"].title


def test_without_lava_there_is_no_figure_of_it(job: MainJob) -> None:
    assert tuple(draw_figures(job)) == FIGURE_NAMES[:-1]


def test_figures_are_repeatable_and_leave_matplotlib_alone(job: MainJob) -> None:
    import matplotlib as mpl
    from matplotlib import _pylab_helpers

    before = dict(mpl.rcParams)
    registered = _pylab_helpers.Gcf.get_num_fig_managers()
    assert draw_figures(job)["cost"].png == draw_figures(job)["cost"].png
    assert dict(mpl.rcParams) == before
    assert _pylab_helpers.Gcf.get_num_fig_managers() == registered
