"""One style for all figures: colours that colour-blind readers can tell apart, few lines."""

from __future__ import annotations

from typing import Any

from neurosparse.errors import BackendMissingError, ParameterError

__all__ = [
    "GREY",
    "INK",
    "LAYER_COLOURS",
    "NEGATIVE",
    "POSITIVE",
    "RC",
    "colour_of",
    "label_axes",
    "label_time",
    "make_axes",
    "step_length",
]

# Okabe and Ito's palette, https://jfly.uni-koeln.de/color/
INK, GREY = "#222222", "#9a9a9a"
POSITIVE, NEGATIVE = "#d55e00", "#0072b2"
LAYER_COLOURS = ("#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#0072b2", "#d55e00")
_MORE_COLOURS = ("#6b6b6b", INK)  # for the seventh and eighth population

RC: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that all machines draw the same
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": "#666666",
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titlepad": 8,
    "figure.facecolor": "white",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


def make_axes(ax: Any, width: float, height: float) -> Any:
    """Return ``ax``, or else the axes of a new figure of ``width`` by ``height`` inches.

    Raises
    ------
    BackendMissingError
        If matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot as plt
        from matplotlib import rc_context
    except ImportError as error:
        raise BackendMissingError(
            "plots need matplotlib, which is not installed; pip install 'neurosparse[plot]'"
        ) from error
    if ax is not None:
        return ax
    with rc_context(RC):
        return plt.subplots(figsize=(width, height), layout="constrained")[1]


def colour_of(index: int) -> str:
    """Return the colour of the population with this number."""
    colours = LAYER_COLOURS + _MORE_COLOURS
    return colours[index % len(colours)]


def label_axes(ax: Any, *, title: str, x: str, y: str, grid: str = "y") -> None:
    """Title and label axes and draw a faint grid (``""`` for none)."""
    ax.set(xlabel=x, ylabel=y)
    ax.set_title(title, loc="left")
    if y:
        ax.yaxis.set_major_formatter("{x:,.10g}")
    if grid:
        ax.grid(axis=grid, color="#e4e4e4", linewidth=0.8)
        ax.set_axisbelow(True)


def step_length(dt_ms: float | None) -> float:
    """Return what a step is long on the axis of time: ``dt_ms``, or 1 where there is none.

    Raises
    ------
    ParameterError
        If it is not a positive number.
    """
    if dt_ms is None:
        return 1.0
    if not 0 < dt_ms < float("inf"):
        raise ParameterError(f"dt_ms: got {dt_ms}; allowed is > 0 ms, finite")
    return float(dt_ms)


def label_time(dt_ms: float | None) -> str:
    """Return the label of the axis of time."""
    return "step" if dt_ms is None else "time [ms]"
