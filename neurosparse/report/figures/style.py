"""The style of the report: that of all plots, in figures that know their title and caption."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from neurosparse.plot.style import GREY, INK, LAYER_COLOURS, NEGATIVE, POSITIVE, RC

__all__ = [
    "GREY",
    "INK",
    "LAYER_COLOURS",
    "MODEL_COLOURS",
    "NEGATIVE",
    "POSITIVE",
    "ReportFigure",
    "draw",
    "label_panel",
    "limit_ticks",
    "mark_epochs",
]

MODEL_COLOURS = {"dense_ann": "#6b6b6b", "dense_snn": "#0072b2", "sparse_snn": "#d55e00"}

_DPI = 160
_FEW_EPOCHS = 10
_TITLE_SIZE, _TITLE_LENGTH = 12.0, 84  # points, and characters that fit the width in them


@dataclass(frozen=True)
class ReportFigure:
    """A finished figure.

    Parameters
    ----------
    name : str
        Stem of its file.
    title : str
        What it shows, as a finding.
    alt : str
        What a reader who cannot see it needs to know.
    caption : str
        How to read it.
    png : bytes
        The picture.
    """

    name: str
    title: str
    alt: str
    caption: str
    png: bytes


def draw(
    paint: Callable[[Figure], None], title: str, *, height: float, width: float = 10.0
) -> bytes:
    """Return the PNG of what ``paint`` puts on a figure of ``width`` by ``height`` inches.

    No pyplot, so that nothing is registered and no display is needed.
    """
    with rc_context(RC):
        figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
        size = min(_TITLE_SIZE, _TITLE_SIZE * _TITLE_LENGTH / len(title))
        figure.suptitle(title, x=0.008, ha="left", fontsize=size, fontweight="bold")
        paint(figure)
        buffer = io.BytesIO()
        # without the software's name and version the same data gives the same bytes
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def label_panel(
    axes: Axes, *, title: str = "", x: str = "", y: str = "", grid: Literal["x", "y", ""] = "y"
) -> None:
    """Title a panel, label its axes and draw a faint grid (``""`` for none)."""
    axes.set(title=title, xlabel=x, ylabel=y)
    if grid:
        axes.grid(axis=grid, color="#e4e4e4", linewidth=0.8)
        axes.set_axisbelow(True)


def mark_epochs(axes: Axes, n_epochs: int) -> None:
    """Let the x axis run over the epochs, counted from 1; mark each if they are few."""
    axes.set(xlabel="epoch", xlim=(0.5, n_epochs + 0.5))
    if n_epochs <= _FEW_EPOCHS:
        axes.set_xticks(range(1, n_epochs + 1))
        for line in axes.get_lines():
            if line.get_marker() == "None":  # leave the marks that say something alone
                line.set_marker(".")
    else:
        limit_ticks(axes)


def limit_ticks(axes: Axes) -> None:
    """Put a few ticks on round whole numbers of the x axis."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
