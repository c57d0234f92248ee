"""The figures of a sweep, and the page that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

try:
    import matplotlib as mpl  # noqa: F401
except ImportError as error:
    from neurosparse.errors import BackendMissingError

    raise BackendMissingError(
        "figures of a sweep need matplotlib, which is not installed; "
        "pip install 'neurosparse[sweep]'"
    ) from error

from neurosparse.network.atomic import atomic_write
from neurosparse.sweep.cell import Row
from neurosparse.sweep.figures.by_density import (
    cost_figures,
    effective_figure,
    hill_figure,
    r_s_figure,
    robustness_figure,
)
from neurosparse.sweep.figures.over_epochs import density_figures, turnover_figure
from neurosparse.sweep.figures.page import page_shows, render_page
from neurosparse.sweep.figures.style import SweepFigure

__all__ = ["SweepFigure", "draw_figures", "page_shows", "write_figures"]


def draw_figures(rows: Sequence[Row]) -> list[SweepFigure]:
    """Draw all figures of a sweep.

    Parameters
    ----------
    rows : sequence of dict
        Of `run_cell`, at least one.

    Returns
    -------
    list of SweepFigure
        In the order in which they are read; the one about robustness only if it was measured, that
        about turnover only if there was any.
    """
    figures = [
        hill_figure(rows),
        *cost_figures(rows),
        robustness_figure(rows),
        effective_figure(rows),
        r_s_figure(rows),
        turnover_figure(rows),
        *density_figures(rows),
    ]
    return [figure for figure in figures if figure is not None]


def write_figures(rows: Sequence[Row], folder: str | PathLike[str]) -> list[Path]:
    """Write all figures of a sweep as PNG and SVG to ``figures/``, and ``index.html``.

    Parameters
    ----------
    rows : sequence of dict
        Of `run_cell`, at least one.
    folder : path
        Where to.

    Returns
    -------
    list of Path
        What was written.
    """
    place = Path(folder)
    figures = draw_figures(rows)
    contents = {
        place / "figures" / f"{figure.name}.{form}": getattr(figure, form)
        for figure in figures
        for form in ("png", "svg")
    }
    contents[place / "index.html"] = render_page(rows, figures).encode()
    for path, content in contents.items():
        with atomic_write(path) as file:
            file.write(content)
    return list(contents)
