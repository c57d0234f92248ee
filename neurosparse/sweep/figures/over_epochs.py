"""What happens during the training: turnover and densities of layers, a panel per scheme."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from neurosparse.plot.style import colour_of
from neurosparse.sweep.cell import Row
from neurosparse.sweep.figures.by_density import task_of
from neurosparse.sweep.figures.style import SweepFigure, draw, panel
from neurosparse.sweep.summary import by_scheme

__all__ = ["density_figures", "turnover_figure"]

_COLUMNS = 4
_PANEL_HEIGHT = 1.9  # inches


def turnover_figure(rows: Sequence[Row]) -> SweepFigure | None:
    """Show which share of its synapses every scheme drops per epoch; None if none ever does."""
    grouped = by_scheme([row for row in rows if row["dropped"]])
    if not grouped:
        return None
    title = f"Turnover: synapses dropped per epoch ({task_of(rows)})"
    densities = sorted({row["density"] for row in rows})
    colours = {
        density: colormaps["viridis_r"](0.1 + 0.85 * index / max(1, len(densities) - 1))
        for index, density in enumerate(densities)
    }

    def paint(figure: Figure) -> None:
        panels = _panels(figure, list(grouped))
        for scheme, axes in panels.items():
            for density, same in grouped[scheme].items():
                epochs, shares = _mean_over_seeds(same, _dropped_share)
                axes.plot(epochs, shares, color=colours[density], marker=_mark(epochs))
            axes.set_yscale("log")
        _label(figure, panels, "dropped [%]")
        _share_scale(panels)
        handles = [Axes.plot(axes, [], [], color=colours[d])[0] for d in densities]
        names = [f"{100 * density:g} %" for density in densities]
        figure.legend(handles, names, title="density", loc="outside right upper")

    caption = (
        "Synapses dropped in an epoch over those there were at its start, means over seeds, on a "
        "logarithmic scale. Above 100 % a synapse's place is given away more than once. Epochs in "
        "which none is dropped are gaps, and schemes that never drop any are left out."
    )
    return draw("turnover", title, caption, paint, height=_height(len(grouped)), width=10.0)


def density_figures(rows: Sequence[Row]) -> list[SweepFigure]:
    """Show how the layers share out the synapses over the training, a figure per density."""
    return [
        _density_figure([row for row in rows if row["density"] == density], density)
        for density in sorted({row["density"] for row in rows})
        if density < 1
    ]


def _density_figure(rows: Sequence[Row], density: float) -> SweepFigure:
    grouped = by_scheme(rows)
    title = f"Densities of the layers over the training, asked for {100 * density:g} % in all"
    n_layers = 1 + max(epoch["layer"] for epoch in rows[0]["epoch_rows"])

    def paint(figure: Figure) -> None:
        panels = _panels(figure, list(grouped))
        for scheme, axes in panels.items():
            for layer in range(n_layers):
                epochs, shares = _mean_over_seeds(grouped[scheme][density], _density_of(layer))
                axes.plot(epochs, shares, color=colour_of(layer), marker=_mark(epochs))
            axes.set_yscale("log")
        _label(figure, panels, "density [%]")
        _share_scale(panels)
        handles = [Axes.plot(axes, [], [], color=colour_of(layer))[0] for layer in range(n_layers)]
        names = [f"layer {layer}" for layer in range(n_layers)]
        figure.legend(handles, names, loc="outside right upper")

    caption = f"Means over seeds, on a logarithmic scale ({task_of(rows)})."
    stem = f"layer_densities_{100 * density:g}".replace(".", "p")
    return draw(stem, title, caption, paint, height=_height(len(grouped)), width=10.0)


def _share_scale(panels: dict[str, Axes]) -> None:
    """Give all panels one logarithmic scale that holds what they show."""
    lines = [line for axes in panels.values() for line in axes.get_lines()]
    shown = [float(y) for line in lines for y in np.asarray(line.get_ydata()) if y > 0]
    low, high = min(shown) / 1.3, max(shown) * 1.3
    for axes in panels.values():
        axes.set_ylim(low, high)
        axes.set_yticks(_round_ticks(low, high))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _round_ticks(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    many = last - first > 2
    ticks = [
        digit * 10.0**power
        for power in range(first, last + 1)
        for digit in ((1,) if many else (1, 3))
    ]
    return [tick for tick in ticks if low <= tick <= high]


def _panels(figure: Figure, schemes: Sequence[str]) -> dict[str, Axes]:
    n_columns = min(_COLUMNS, len(schemes))
    n_rows = math.ceil(len(schemes) / n_columns)
    grid = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in grid[len(schemes) :]:
        axes.remove()
    return dict(zip(schemes, grid, strict=False))


def _height(n_schemes: int) -> float:
    return 0.9 + _PANEL_HEIGHT * math.ceil(n_schemes / _COLUMNS)


def _label(figure: Figure, panels: dict[str, Axes], y: str) -> None:
    """Title every panel; label axes where nothing stands left of or below them."""
    figure.supxlabel("epoch", fontsize=10)
    for index, (scheme, axes) in enumerate(panels.items()):
        panel(axes, title=scheme, y=y if index % _COLUMNS == 0 else "")
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        if index + _COLUMNS >= len(panels):
            axes.tick_params(labelbottom=True)


def _mark(epochs: Sequence[int]) -> str:
    return "." if len(epochs) <= 10 else ""


def _mean_over_seeds(
    rows: Sequence[Row], value: Callable[[Sequence[Row]], float]
) -> tuple[list[int], list[float]]:
    """Return epochs, and the mean over cells of ``value`` of each one's rows of that epoch."""
    values: dict[int, list[float]] = {}
    for row in rows:
        by_epoch: dict[int, list[Row]] = {}
        for epoch in row["epoch_rows"]:
            by_epoch.setdefault(epoch["epoch"], []).append(epoch)
        for number, layers in by_epoch.items():
            values.setdefault(number, []).append(value(layers))
    epochs = sorted(values)
    return epochs, [sum(values[epoch]) / len(values[epoch]) for epoch in epochs]


def _dropped_share(layers: Sequence[Row]) -> float:
    """Return the share [%]; not a number where nothing was dropped, which leaves a gap."""
    dropped, grown, after = (
        sum(layer[name] for layer in layers) for name in ("dropped", "grown", "synapses")
    )
    return 100 * dropped / max(1, after + dropped - grown) if dropped else math.nan


def _density_of(layer: int) -> Callable[[Sequence[Row]], float]:
    return lambda layers: 100 * float(layers[layer]["layer_density"])
