"""The figures of the report, in the order in which they are read."""

from __future__ import annotations

from neurosparse.report.figures.connectivity import pixels_figure, wiring_figure
from neurosparse.report.figures.cost import cost_figure
from neurosparse.report.figures.parity import parity_figure
from neurosparse.report.figures.raster import raster_figure
from neurosparse.report.figures.style import ReportFigure
from neurosparse.report.figures.training import training_figure, turnover_figure
from neurosparse.report.main_job import MainJob

__all__ = ["FIGURE_NAMES", "ReportFigure", "draw_figures"]

FIGURE_NAMES = ("cost", "training", "turnover", "pixels", "wiring", "raster", "lava")


def draw_figures(job: MainJob) -> dict[str, ReportFigure]:
    """Draw all figures of a job; the one about Lava only if Lava ran.

    Returns
    -------
    dict of str to ReportFigure
        By name, in the order of `FIGURE_NAMES`.
    """
    painters = [
        cost_figure,
        training_figure,
        turnover_figure,
        pixels_figure,
        wiring_figure,
        raster_figure,
    ]
    if job.lava:
        painters.append(parity_figure)
    figures = [paint(job) for paint in painters]
    return {figure.name: figure for figure in figures}
