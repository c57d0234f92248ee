"""What the spiking networks cost beside the dense ANN."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from neurosparse.compare import Comparison, ModelCost
from neurosparse.report.figures.style import (
    INK,
    MODEL_COLOURS,
    ReportFigure,
    draw,
    label_panel,
)
from neurosparse.report.labels import (
    MODEL_LABELS,
    OPERATION_LABELS,
    joule,
    quantity_text,
    short_percent,
    times,
)
from neurosparse.report.main_job import MainJob

__all__ = ["cost_figure"]

_BASELINE = "dense_ann"
_RATIOS = {
    "synapses": "Synapses\n(counted)",
    "operations_per_inference": "Operations per inference\n(counted; MACs or events)",
    "parameter_bytes": "Bytes of parameters\n(counted)",
    "energy_joule": "Energy per inference,\n45 nm (estimated)",
}
_TERM_COLOURS = {"mac": "#6b6b6b", "synaptic_event": "#e69f00", "neuron_update": "#56b4e9"}
_BELOW: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16)}
_WIDE = 1.5  # decades of ratios from which on the ticks between the powers of ten would collide
_TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)


def cost_figure(job: MainJob) -> ReportFigure:
    """Show costs as multiples of the dense ANN's, and what the energy consists of."""
    comparison = job.comparison
    ratios = comparison.ratios(_BASELINE)
    sparse = ratios["sparse_snn"]
    title = (
        f"Sparse SNN: {short_percent(sparse['synapses'])} of the dense ANN's synapses, "
        f"{short_percent(sparse['operations_per_inference'])} of its operations, "
        f"{short_percent(sparse['energy_joule'])} of its energy (estimated)"
    )

    def paint(figure: Figure) -> None:
        ratio_axes, energy_axes = figure.subplots(1, 2, width_ratios=(3, 2))
        _paint_ratios(ratio_axes, comparison)
        _paint_energy(energy_axes, comparison)

    return ReportFigure(
        "cost",
        title,
        alt=f"{title}. Bars on a logarithmic scale around the dense ANN, and stacked bars with the "
        "terms of the energy estimate.",
        caption="Left: less than the dense ANN points left, more points right, on a logarithmic "
        "scale. A multiply-accumulate is more work than a synaptic event; the energy accounts "
        "for that. Right: the estimate by kind of operation; neurons are updated in every step, "
        "however few synapses there are.",
        png=draw(paint, title, height=4.1),
    )


def _paint_ratios(axes: Axes, comparison: Comparison) -> None:
    ratios = comparison.ratios(_BASELINE)
    names = [name for name in ratios if name != _BASELINE]
    models = {model.name: model for model in comparison.models}
    shown: list[float] = [1.0]
    for row, quantity in enumerate(_RATIOS):
        for place, name in enumerate(names):
            ratio = ratios[name][quantity]
            if not ratio:  # not known, or 0, which has no place on a logarithmic scale
                continue
            shown.append(ratio)
            y = row + 0.19 * (2 * place - len(names) + 1)
            left, width = min(ratio, 1.0), abs(ratio - 1.0)
            axes.barh(y, width, left=left, height=0.34, color=MODEL_COLOURS[name])
            outwards = -1 if ratio < 1 else 1
            axes.annotate(
                f"{times(ratio)}  {_absolute(models[name], quantity)}",
                (ratio, y),
                xytext=(4 * outwards, 0),
                textcoords="offset points",
                ha="right" if ratio < 1 else "left",
                va="center",
                fontsize=8.5,
            )
    axes.set_xscale("log")
    span = math.log10(max(shown) / min(shown))
    room = 10 ** max(0.95, 0.6 * span)  # for the numbers beside the bars
    axes.set_xlim(min(shown) / room, max(shown) * room)
    axes.axvline(1, color=INK, linewidth=1.2)
    for name in names:
        axes.barh(0, 0, color=MODEL_COLOURS[name], label=MODEL_LABELS[name])
    axes.set_yticks(range(len(_RATIOS)), list(_RATIOS.values()))
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(_RATIOS) - 0.4, -0.6)
    axes.xaxis.set_major_locator(FixedLocator(_TICKS if span < _WIDE else _TICKS[::2]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    label_panel(
        axes,
        title="Relative to the dense ANN (1×)",
        x="multiple of the dense ANN (log scale)",
        grid="x",
    )
    axes.legend(**_BELOW, ncols=2)


def _absolute(model: ModelCost, quantity: str) -> str:
    if quantity == "operations_per_inference":
        operations = model.macs_per_inference.value + model.synaptic_events_per_inference.value
        return f"({operations:,.0f})"
    return f"({quantity_text(quantity, getattr(model, quantity))})"


def _paint_energy(axes: Axes, comparison: Comparison) -> None:
    models = [model for model in comparison.models if model.energy is not None]
    unit, prefix = 1e-9, "nJ"
    for row, model in enumerate(models):
        left = 0.0
        for term in model.energy.terms if model.energy else ():
            width = term.high_joule / unit
            axes.barh(row, width, left=left, height=0.5, color=_TERM_COLOURS[term.operation])
            left += width
        axes.annotate(
            joule(left * unit),
            (left, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    longest = max((model.energy.high_joule for model in models if model.energy), default=unit)
    axes.set_xlim(0, 1.3 * longest / unit)
    axes.set_yticks(range(len(models)), [MODEL_LABELS[model.name] for model in models])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(models) - 0.4, -0.6)
    for operation, colour in _TERM_COLOURS.items():
        axes.barh(0, 0, color=colour, label=OPERATION_LABELS[operation])
    axes.legend(**_BELOW, ncols=3, fontsize=8, columnspacing=1, handlelength=1)
    label_panel(
        axes, title="Where the estimated energy goes", x=f"{prefix} per inference", grid="x"
    )
