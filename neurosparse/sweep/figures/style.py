"""How the figures of a sweep look: that of all plots, and a colour and a mark for every scheme."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from neurosparse.plot.style import RC, colour_of
from neurosparse.sweep.cell import Row

__all__ = [
    "Look",
    "SweepFigure",
    "by_error",
    "draw",
    "legend",
    "logarithmic",
    "looks_of",
    "mark_densities",
    "panel",
]

_DPI = 160
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
_DASHES = ("-", "--", ":")  # the next where colours begin again
_N_COLOURS = 8
_MOST_TICKS = 11
_WIDE = 8.0  # largest over smallest, from which on an axis is logarithmic


@dataclass(frozen=True)
class SweepFigure:
    """A finished figure.

    Parameters
    ----------
    name : str
        Stem of its files.
    title : str
        What it shows.
    caption : str
        How to read it.
    png, svg : bytes
        The picture.
    """

    name: str
    title: str
    caption: str
    png: bytes
    svg: bytes


@dataclass(frozen=True)
class Look:
    """Colour, mark and dashes of a scheme, the same in all figures."""

    colour: str
    mark: str
    dashes: str

    def line(self, label: str | None = None) -> dict[str, Any]:
        """Return keywords for ``Axes.plot``."""
        return {
            "color": self.colour,
            "linestyle": self.dashes,
            "marker": self.mark,
            "markersize": 7.5 if self.mark in "PX" else 5.5,
            "markeredgecolor": "white",
            "markeredgewidth": 0.6,
            "label": label,
        }


def looks_of(schemes: Iterable[str]) -> dict[str, Look]:
    """Return a look for every scheme; no two of up to 72 have the same."""
    looks = {}
    for index, scheme in enumerate(schemes):
        # marks change with every scheme, so that those of the same colour differ in it
        turn, place = divmod(index, _N_COLOURS)
        mark = _MARKS[(place + turn) % len(_MARKS)]
        looks[scheme] = Look(colour_of(place), mark, _DASHES[turn % len(_DASHES)])
    return looks


def draw(
    name: str,
    title: str,
    caption: str,
    paint: Callable[[Figure], None],
    *,
    height: float = 4.4,
    width: float = 8.4,
) -> SweepFigure:
    """Return what ``paint`` puts on a figure of ``width`` by ``height`` inches."""
    # text in SVG stays text, and the same data gives the same bytes
    with rc_context({**RC, "svg.fonttype": "none", "svg.hashsalt": "neurosparse"}):
        figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
        figure.suptitle(title, x=0.008, ha="left", fontsize=12, fontweight="bold")
        paint(figure)
        pictures = {}
        for form, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=form, metadata=metadata)
            pictures[form] = buffer.getvalue()
    return SweepFigure(name, title, caption, **pictures)


def panel(axes: Axes, *, title: str = "", x: str = "", y: str = "") -> None:
    """Title a panel, label its axes and draw a faint grid."""
    axes.set(xlabel=x, ylabel=y)
    axes.set_title(title, loc="left")
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)


def legend(figure: Figure, looks: Mapping[str, Look], axes: Axes) -> None:
    """Name the schemes beside the panels, where no data can lie."""
    handles: dict[str, Any] = {str(line.get_label()): line for line in axes.get_lines()}
    handles |= {str(bars.get_label()): bars for bars in axes.containers}
    names = [name for name in looks if name in handles]
    figure.legend([handles[name] for name in names], names, loc="outside right center")


def mark_densities(axes: Axes, rows: Sequence[Row]) -> None:
    """Let the x axis run over densities on a logarithmic scale; a tick at those asked for."""
    ran = sorted({row["density"] for row in rows})
    ended = [row["final_density"] for row in rows] + ran
    axes.set_xscale("log")
    if len(ran) <= _MOST_TICKS:
        kept = [ran[0]]
        for density in ran[1:]:
            if density / kept[-1] > 1.25 * (ran[-1] / ran[0]) ** 0.02:
                kept.append(density)
        axes.xaxis.set_major_locator(FixedLocator(kept))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(min(ended) / 1.25, max(ended) * 1.25)
    axes.set_xlabel("density [%], logarithmic (sparsity is 100 % less that)")


def by_error(axes: Axes, accuracies: Sequence[float]) -> None:
    """Let accuracies [%] on the y axis stand as far apart as the logarithms of their errors.

    Where errors are all positive and spread over most of a decade; else 97 and 98 % would lie on
    one another below a scheme that fails.
    """
    errors = [100 - accuracy for accuracy in accuracies]
    if not _is_wide(errors):
        return

    def scale(value: np.ndarray) -> np.ndarray:
        return np.asarray(-np.log10(np.maximum(100 - value, 1e-9)))

    axes.set_yscale("function", functions=(scale, lambda place: 100 - 10.0**-place))
    low, high = min(errors) / 1.15, min(100.0, max(errors) * 1.15)
    axes.set_ylim(100 - high, 100 - low)
    steps = [digit * 10.0**power for power in range(-3, 3) for digit in (1, 2, 5)]
    axes.yaxis.set_major_locator(FixedLocator([100 - e for e in steps if low <= e <= high]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.10g}"))


def _is_wide(values: Sequence[float]) -> bool:
    return bool(values) and min(values) > 0 and max(values) / min(values) >= _WIDE


def logarithmic(axes: Axes, which: str, values: Sequence[float]) -> None:
    """Make an axis logarithmic if values are all positive and spread over most of a decade."""
    if not _is_wide(values):
        return
    axis = getattr(axes, f"{which}axis")
    getattr(axes, f"set_{which}scale")("log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
